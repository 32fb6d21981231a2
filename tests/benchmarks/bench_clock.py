"""Due dates a second: our clock beside numpy's days and the packages that can do hours."""

import json
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from time import perf_counter

import businesstimedelta
import numpy as np
import pandas as pd

import app
from app.core.calendar import WorkingCalendar
from app.core.clock import Limit, Reason, Suspension, Unit, deadline
from app.core.layers import merged
from app.service.calendars import FIRST_ON, LAST_ON, layer

BODY = json.loads(
    (Path(app.__file__).parent / "catalogue" / "calendar_vn.json").read_text(encoding="utf-8")
)
CASES = 50_000
SECONDS = 1.0


def rate(work: Callable[[], int]) -> float:
    """Runs of `work` for about a second, best of three; due dates a second."""
    best = 0.0
    for _ in range(3):
        done, begun = 0, perf_counter()
        while (spent := perf_counter() - begun) < SECONDS / 3:
            done += work()
        best = max(best, done / spent)
    return best


def told(name: str, ours: float, theirs: float) -> None:
    print(f"\n{name}: ours {ours:,.0f}/s, theirs {theirs:,.0f}/s, ratio {ours / theirs:.3g}")


def receipts(calendar: WorkingCalendar) -> list[datetime]:
    first = datetime(2026, 1, 5, 9, tzinfo=calendar.zone)
    return [first + timedelta(minutes=7 * at) for at in range(CASES)]


def test_working_days_against_numpy_busday_offset():
    calendar = WorkingCalendar(merged([layer(BODY)]), FIRST_ON, LAST_ON)
    limit = Limit.of(8, Unit.WORKING_DAYS)
    received = receipts(calendar)
    days_off = np.array(
        [day["date"] for day in BODY["days"] if day["kind"] == "off"], dtype="M8[D]"
    )
    received_on = np.array([at.date() for at in received], dtype="M8[D]")
    # numpy knows no worked Saturday, so the two agree only on spans without one.
    vectors = np.busday_offset(received_on, 8, roll="backward", holidays=days_off)
    spans = [
        date.fromordinal(deadline(at, limit, (), calendar).due_on.toordinal())  # type: ignore[union-attr]
        for at in received[:2_000]
    ]
    same = sum(a == b for a, b in zip(spans, vectors[:2_000].tolist(), strict=True))
    print(f"\nsame date as numpy in {same} of 2000 (the rest span the worked Saturday 10 Jan 2026)")

    def ours() -> int:
        for at in received[:5_000]:
            deadline(at, limit, (), calendar)
        return 5_000

    def one_by_one() -> int:
        for at in received_on[:500]:
            np.busday_offset(at, 8, roll="backward", holidays=days_off)
        return 500

    def vector() -> int:
        np.busday_offset(received_on, 8, roll="backward", holidays=days_off)
        return len(received_on)

    mine = rate(ours)
    told("8 working days, numpy called once a dossier", mine, rate(one_by_one))
    told("8 working days, numpy called once for all", mine, rate(vector))
    stop = (
        Suspension(
            Reason.SUPPLEMENT,
            datetime(2026, 3, 2, 15, tzinfo=calendar.zone),
            datetime(2026, 3, 6, 10, tzinfo=calendar.zone),
        ),
    )

    def suspended() -> int:
        for at in received[7_000:12_000]:
            deadline(at, limit, stop, calendar)
        return 5_000

    print(f"8 working days with a suspension: {rate(suspended):,.0f}/s")


def test_working_hours_against_the_packages_that_can_do_them():
    calendar = WorkingCalendar(merged([layer(BODY)]), FIRST_ON, LAST_ON)
    limit = Limit.of(64, Unit.WORKING_HOURS)
    received = receipts(calendar)[:5_000]
    days_off = [day["date"] for day in BODY["days"] if day["kind"] == "off"]
    hours = pd.offsets.CustomBusinessHour(
        n=64, start=["07:00", "13:30"], end=["11:30", "17:00"], holidays=days_off
    )
    stamps = [pd.Timestamp(at.replace(tzinfo=None)) for at in received]
    rules = businesstimedelta.Rules(
        [
            businesstimedelta.WorkDayRule(
                start_time=start, end_time=end, working_days=[0, 1, 2, 3, 4]
            )
            for start, end in ((time(7), time(11, 30)), (time(13, 30), time(17)))
        ]
    )
    span = businesstimedelta.BusinessTimeDelta(rules, hours=64)
    plain = [at.replace(tzinfo=None) for at in received]

    def ours() -> int:
        for at in received:
            deadline(at, limit, (), calendar)
        return len(received)

    def pandas() -> int:
        for at in stamps[:500]:
            at + hours
        return 500

    def by_rules() -> int:
        for at in plain[:100]:
            at + span
        return 100

    mine = rate(ours)
    told("64 working hours, pandas CustomBusinessHour", mine, rate(pandas))
    told("64 working hours, businesstimedelta (knows no days off here)", mine, rate(by_rules))
