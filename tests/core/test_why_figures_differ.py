"""The reasons and the examples in docs/how-we-count.md are those the program gives."""

import re
from collections.abc import Callable

import pytest

from app.core.differences import Pair, Reason
from app.core.findings import Findings
from app.core.lifecycle import Facts
from app.core.standing import day as day_of
from tests.core.ground import HANOI, day, stop
from tests.core.test_differences import (
    CLOSE,
    FORM_766,
    LAST_DAY,
    LAW_FORM,
    OLD,
    finished,
    letter,
    why,
)
from tests.core.test_findings import found
from tests.core.test_how_we_count import PAGE, full_dates

Example = tuple[Pair, Facts, Findings, set[str]]


def on_the_due_day() -> Example:
    told = finished("2026-07-28T15:00", suspensions=LAST_DAY, promised_at="2026-07-30T17:00")
    return LAW_FORM, told, found(told), {"2026-07-16"}


def re_appointed() -> Example:
    again = (letter("2026-07-15T08:00", "2026-07-24T17:00"),)
    told = finished("2026-07-24T08:00", apologies=again)
    return LAW_FORM, told, found(told), {"2026-07-24"}


def worked_saturday() -> Example:
    told = finished(
        "2025-05-06T15:00", received_at="2025-04-21T09:00", promised_at="2025-05-06T17:00"
    )
    return LAW_FORM, told, found(told, OLD), {"2025-04-26"}


def given_back() -> Example:
    stops = (stop("2026-07-08T15:00", "2026-07-10T15:00"),)
    told = finished("2026-07-17T15:00", suspensions=stops)
    return FORM_766, told, found(told), set()


EXAMPLES: dict[str, Callable[[], Example]] = {
    "Asked on the due day": on_the_due_day,
    "Re-appointed": re_appointed,
    "A promise that forgot the worked Saturday": worked_saturday,
    "Time given back": given_back,
}


def section() -> str:
    text = PAGE.read_text(encoding="utf-8")
    return text[text.index("## Why figures differ") : text.index("## Index 766")]


def paragraphs() -> dict[str, str]:
    return dict(re.findall(r"^\*\*(.+?)\.\*\* (.+)$", section(), re.MULTILINE))


def test_every_example_of_the_section_is_computed():
    assert paragraphs().keys() == EXAMPLES.keys()


@pytest.mark.parametrize("title", EXAMPLES)
def test_an_example_of_the_section_holds(title: str):
    text = paragraphs()[title]
    pair, told, findings, more = EXAMPLES[title]()

    _, named = why(pair, told, findings, CLOSE, *more)
    assert re.findall(r"`(\w+)`", text) == [named[0].value]
    known = {day(one) for one in more} | {findings.legal.due_on, findings.index766.end_on}
    instants = [told.received_at, told.promised_at, told.end]
    instants += [at for one in told.suspensions for at in (one.from_at, one.until_at)]
    known |= {day_of(at, HANOI) for at in instants if at is not None}
    assert {on for _, on in full_dates(text)} <= known


def test_the_table_names_every_reason_in_its_order():
    named = re.findall(r"^\| `(\w+)` \|", section(), re.MULTILINE)

    assert named == [reason.value for reason in Reason]
