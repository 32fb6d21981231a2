"""What provincial systems are known to count wrongly (TT 01/2020 as practised): each by name.

Due on Tuesday 15 September 2026 by the slip unless a test says otherwise; the period is September.
"""

import json
from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest

from tests.service.reporting import COLUMNS, World, form, send
from tests.web.wire import Record, finished, record

FIRST, LAST = date(2026, 9, 1), date(2026, 9, 30)
SLIP: Record = {
    "received_at": "2026-09-03T08:00:00+07:00",
    "promised_at": "2026-09-15T17:00:00+07:00",
}
SENT: Record = {"updated_at": "2026-11-18T08:00:00+07:00"}


def told(world: World, *records: Record) -> None:
    assert len(send(world, [json.dumps(one).encode() for one in records])) == len(records)


def at_close(world: World, last: date, first: date = FIRST) -> Counter[str]:
    """The whole of Biểu II.06a as of a day."""
    return form(world, first, last).get("*", Counter())


def rate(world: World, yardstick: str = "legal", first: date = FIRST, last: date = LAST) -> Any:  # noqa: ANN401 JSON
    asked = {"from": first, "to": last, "yardstick": yardstick}
    return world.api.get("/v1/reports/on-time", **asked)["totals"]


def test_a_dossier_due_on_the_last_day_of_the_period_is_not_overdue(world: World):
    """There `DenNgay` was text, `… 23:59:59`, so the last day itself counted as past."""
    told(world, record(**SLIP | SENT))

    assert at_close(world, date(2026, 9, 15)) == Counter(received=1, direct=1, open=1, in_time=1)
    assert at_close(world, date(2026, 9, 16))["overdue"] == 1
    on_its_last_day = rate(world, last=date(2026, 9, 15))
    assert (on_its_last_day["open"], on_its_last_day["overdue"]) == (1, 0)


@pytest.mark.parametrize(
    ("end", "carried_over"), [("2026-08-31T23:59:59", 0), ("2026-09-01T00:00:00", 1)]
)
def test_what_ended_on_the_first_day_was_carried_over_and_what_ended_before_was_not(
    world: World, end: str, carried_over: int
):
    """There the bound was the wrong way round: ended `<= TuNgay` counted as from before."""
    earlier: Record = {"received_at": "2026-08-20T08:00:00+07:00", "promised_at": None}
    told(world, finished(1, "2026-09-01", finished_at=f"{end}+07:00", **earlier))

    held = at_close(world, LAST)
    assert held["carried_over"] == held["settled"] == held["received"] == carried_over


LATER: list[tuple[str, Record]] = [
    ("paused", {"status": 5, "suspensions": [
        {"reason": "supplement", "from": "2026-10-05T08:00:00+07:00", "until": None}]}),
    ("withdrawn", {"status": 7, "ended_at": "2026-10-05T08:00:00+07:00"}),
    ("re-appointed", {"apologies": [{"sent_at": "2026-10-05T08:00:00+07:00", "reason": "quá tải",
                                     "promised_at": "2026-12-01T17:00:00+07:00"}]}),
    ("finished", {"status": 9, "finished_at": "2026-10-05T08:00:00+07:00"}),
    ("handed over", {"status": 10, "finished_at": "2026-10-05T08:00:00+07:00",
                     "handed_over_at": "2026-10-06T08:00:00+07:00"}),
    ("returned", {"status": 9, "outcome": "returned", "finished_at": "2026-10-05T08:00:00+07:00"}),
]  # fmt: skip


@pytest.mark.parametrize("since", [more for _, more in LATER], ids=[name for name, _ in LATER])
def test_what_has_happened_since_changes_no_past_period(world: World, since: Record):
    """There the status was the one of today, so no past period could be told again."""
    told(world, record(**SLIP, updated_at="2026-09-03T09:00:00+07:00"))
    before = {name: rate(world, name) for name in ("legal", "form", "index766")}
    expected = Counter(received=1, direct=1, open=1, overdue=1)
    assert at_close(world, LAST) == expected

    told(world, record(**SLIP | since | SENT))

    assert at_close(world, LAST) == expected
    for name, held in before.items():
        after = rate(world, name)
        assert {key: after[key] for key in held} == held, name
        assert held["overdue"] == 1, name
    now = at_close(world, date(2026, 11, 20), date(2026, 11, 1))
    assert now["overdue"] == 0


def test_a_worked_saturday_is_a_working_day(world: World):
    """Received on Monday 17/08/2026, eight days: 18–21, Saturday 22, 24, 25 and 26 August."""
    monday: Record = {"received_at": "2026-08-17T08:00:00+07:00", "promised_at": None}
    told(
        world,
        finished(1, "2026-08-25", **monday),
        finished(2, "2026-08-26", **monday),
        finished(3, "2026-08-27", **monday),
    )

    held = rate(world, first=date(2026, 8, 1), last=date(2026, 8, 31))
    assert (held["early"], held["on_time"], held["late"]) == (1, 1, 1)


def test_without_a_due_day_it_is_on_time_by_the_form_and_without_limit_by_law(world: World):
    unknown: Record = {"procedure": "9.876543", "promised_at": None}
    told(
        world,
        finished(1, "2026-09-10", received_at="2026-09-03T08:00:00+07:00", **unknown),
        record(2, received_at="2026-09-03T08:00:00+07:00", **unknown, **SENT),
    )

    held = at_close(world, LAST)
    assert (held["on_time"], held["in_time"], held["settled"], held["open"]) == (1, 1, 1, 1)
    by_law, by_form = rate(world), rate(world, "form")
    assert (by_law["no_limit"], by_law["denominator"], by_law["rate"]) == (2, 0, None)
    assert (by_form["on_time"], by_form["rate"]) == (1, 1.0)


def test_an_empty_period_has_no_rate(world: World):
    told(world, finished(1, "2026-11-18"))

    held = rate(world, first=date(2024, 1, 1), last=date(2024, 3, 31))
    assert (held["numerator"], held["denominator"], held["rate"]) == (0, 0, None)
    assert held["fell_due"]["rate"] is None
    answer = world.api.get("/v1/reports/ii-06a", **{"from": "2024-01-01", "to": "2024-03-31"})
    assert answer["rows"] == []
    assert [answer["totals"][name] for name in COLUMNS] == [0] * len(COLUMNS)


# Two appointments, 5 + 3 working days: received 03/09, the first due on 10/09, the second three
# working days after the tax is paid.
TWO: Record = {
    "procedure": "1.013831",
    "case": "default",
    "received_at": "2026-09-03T08:00:00+07:00",
    "promised_at": None,
}


def staged(slip_sent: str, paid: str | None = None, ended: str | None = None) -> list[Record]:
    found: list[Record] = [
        {"stage": 1, "started_at": TWO["received_at"], "ended_at": f"{slip_sent}T16:00:00+07:00"}
    ]
    if paid:
        end = f"{ended}T16:00:00+07:00" if ended else None
        found.append({"stage": 2, "started_at": f"{paid}T08:00:00+07:00", "ended_at": end})
    return found


def test_what_waited_for_the_tax_when_it_was_withdrawn_had_never_been_overdue(world: World):
    withdrawn: Record = {"status": 7, "ended_at": "2026-10-20T08:00:00+07:00"}
    told(world, record(**TWO, **withdrawn, **SENT, stages=staged("2026-09-09")))

    held = rate(world)
    assert (held["open"], held["overdue"]) == (1, 0)


def test_a_first_appointment_that_was_missed_stays_missed_in_its_period(world: World):
    """Later the dossier is due by its second appointment; of September that changes nothing."""
    told(world, record(**TWO, updated_at="2026-09-03T09:00:00+07:00"))
    missed = {"due": 1, "met": 0, "missed": 1, "ahead": 0, "rate": 0.0}
    last_day = date(2026, 9, 10)  # over and not met: missed in the period it closes as well
    assert rate(world)["fell_due"] == missed
    assert rate(world, last=last_day)["fell_due"] == missed

    for more in (("2026-10-05",), ("2026-10-05", "2026-10-20")):
        told(
            world,
            record(**TWO, updated_at=f"{more[-1]}T17:00:00+07:00", stages=staged(*more)),
        )

        assert rate(world)["fell_due"] == missed
        assert rate(world, last=last_day)["fell_due"] == missed
    october = rate(world, first=date(2026, 10, 1), last=date(2026, 10, 31))["fell_due"]
    assert (october["due"], october["missed"]) == (1, 1)


def test_a_last_appointment_that_is_over_ends_no_dossier(world: World):
    """Its first was missed, its second too; until there is a result it is overdue every day."""
    told(world, record(**TWO, **SENT, stages=staged("2026-09-20", "2026-09-21", "2026-10-05")))

    now = date(2026, 11, 20)
    days = [date(2026, 9, 30), date(2026, 10, 4), date(2026, 10, 31), now - timedelta(days=1), now]
    assert [rate(world, last=day)["overdue"] for day in days] == [1] * 5
