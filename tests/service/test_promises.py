"""Why a citizen was promised a date: what was completed last before the record."""

from typing import Any

import pytest

from app.core.clock import Reason
from app.core.lifecycle import Apology
from app.core.stages import StageFact
from app.service.rows import why_promised
from tests.core.ground import at, stop
from tests.core.records import facts

ASKED = stop("2026-07-08T09:00", "2026-07-10T09:00")
PAID = stop("2026-07-13T16:00", "2026-07-20T09:00", Reason.FINANCIAL_OBLIGATION)
POSTED = stop("2026-07-21T16:00", "2026-08-05T09:00", Reason.PUBLIC_POSTING)
TWO = (StageFact(1, None, at("2026-07-13T16:00")), StageFact(2, at("2026-07-20T09:00"), None))


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({}, "slip"),
        ({"suspensions": (stop("2026-07-08T09:00", None),)}, "slip"),
        ({"suspensions": (ASKED,)}, "supplement"),
        ({"suspensions": (ASKED, PAID)}, "tax"),
        ({"suspensions": (PAID, ASKED)}, "tax"),
        ({"suspensions": (ASKED,), "stages": TWO}, "tax"),
        ({"suspensions": (ASKED, PAID, POSTED)}, "suspension"),
        ({"suspensions": (ASKED, PAID), "updated_at": "2026-07-15T09:00"}, "supplement"),
        ({"suspensions": (ASKED,), "stages": TWO, "updated_at": "2026-07-15T09:00"}, "supplement"),
        ({"stages": (TWO[0], StageFact(2, None, None))}, "slip"),
        (
            {
                "suspensions": (ASKED,),
                "apologies": (Apology(at("2026-07-20T08:00"), "quá tải", at("2026-08-20T17:00")),),
            },
            "apology",
        ),
    ],
)
def test_a_promise_has_the_reason_completed_last(told: dict[str, Any], why: str):
    assert why_promised(facts(promised_at="2026-08-20T17:00", **told)) == why
