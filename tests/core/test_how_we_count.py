"""The examples of docs/how-we-count.md, computed anew: no date stands there that does not hold."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from app.core.clock import Deadline, Limit, Reason, SupplementPolicy, Suspension, deadline
from app.core.conventions import by_hours
from app.core.office_hours import WEEKDAYS
from app.core.stages import stages
from app.core.steps import StepLimit, StepUnit
from app.core.taxes import Gap, TaxLimit, gaps, legs
from app.core.trace import Grounds, explain
from tests.core.ground import at, official, stop, working_days
from tests.core.test_regimes import choice

PAGE = Path(__file__).parents[2] / "docs/how-we-count.md"
EIGHT = working_days(8)
PAUSE = (stop("2026-04-24T15:00", "2026-04-29T10:00"),)
_WEEKDAY = {name: index for index, name in enumerate(WEEKDAYS)}


class Example:
    """What the computation of an example says: dates told in full, and every day it passes."""

    def __init__(self, *given: str) -> None:
        self.told = {date.fromisoformat(one) for one in given}
        self.passed: set[date] = set()
        self.times: set[str] = set()

    def clock(self, limit: Limit, clock: Deadline, *, shown: bool = True) -> "Example":
        assert clock.due_on is not None
        if shown:
            self.told.add(clock.due_on)
        self.passed |= {line.on for line in explain(clock, limit, official(), Grounds())}
        return self

    def plain(
        self,
        received: str,
        limit: Limit = EIGHT,
        *stops: Suspension,
        policy: SupplementPolicy = SupplementPolicy.RESUME,
    ) -> "Example":
        return self.clock(limit, deadline(at(received), limit, stops, official(), policy))

    def at(self, moment: str) -> "Example":
        found = at(moment)
        self.told.add(found.date())
        self.times.add(f"{found:%H:%M}")
        return self


def two_appointments() -> Example:
    gap = Gap(at("2026-10-12T16:00"), at("2026-11-19T09:00"))
    tax = Suspension(Reason.FINANCIAL_OBLIGATION, *gap)
    five, three = working_days(5), working_days(3)
    found = stages(at("2026-10-05T08:10"), (five, three), (), (tax,), official())
    example = Example("2026-10-05", "2026-11-19")
    for one in found:
        assert one.deadline is not None
        example.clock(one.limit, one.deadline)
    own = TaxLimit(five, "NĐ 126/2020/NĐ-CP Đ13 k6")
    (leg,) = legs(gaps((tax,), found), own, official(), at("2026-12-01T08:00"))
    assert leg.due_on is not None
    assert (leg.days, leg.longer_by) == (28, 23)
    example.told.add(leg.due_on)
    return example


def eight_hours() -> Example:
    example = Example("2026-07-06").plain("2026-07-06T07:00")
    for received, stops, due in (
        ("2026-07-06T07:00", (), "2026-07-15T17:00"),
        ("2026-04-16T09:00", PAUSE, "2026-05-04T16:00"),
    ):
        found = by_hours(at(received), EIGHT, stops, official())
        assert found is not None
        assert found.due_at == at(due)
        example.at(due)
    later = by_hours(at("2026-07-06T07:01"), EIGHT, (), official())
    assert later is not None
    assert later.due_on == date(2026, 7, 16)
    example.times |= {"07:00", "09:00", "15:00", "10:00"}
    return example


def half_a_day() -> Example:
    limit = StepLimit(StepUnit.BRANCH, 1).limit
    assert limit is not None
    clock = deadline(at("2026-02-13T15:30"), limit, (), official())
    assert clock.due_at == at("2026-02-23T09:30")
    return Example().at("2026-02-13T15:30").at("2026-02-23T09:30")


def mortgage() -> Example:
    law = choice("1.011441", "2026-04-29T15:20")
    longer = law.rule.extension
    assert longer is not None
    example = Example("2026-04-29").plain("2026-04-29T15:20", law.limit)
    example.plain("2026-04-29T15:20", longer)
    sharp = deadline(at("2026-04-29T15:00"), law.limit, (), official())
    assert sharp.due_on == date(2026, 4, 29)
    example.times |= {"15:20", "15:00"}
    return example


def difficult() -> Example:
    hard = choice("1.013831", "2026-10-05T08:10", difficult=True)
    plain = choice("1.013831", "2026-10-05T08:10")
    assert (hard.limit, plain.limit) == (working_days(18), EIGHT)
    received = "2026-10-05T08:10"
    return Example("2026-10-05").plain(received, hard.limit).plain(received, plain.limit)


EXAMPLES = {
    "Across Tết": lambda: Example("2026-02-10").plain("2026-02-10T09:00"),
    "A worked Saturday": lambda: Example("2025-04-21").plain("2025-04-21T09:00"),
    "Stopped for a supplement": lambda: (
        Example("2026-04-16")
        .plain("2026-04-16T09:00", EIGHT, *PAUSE)
        .plain("2026-04-16T09:00", EIGHT, *PAUSE, policy=SupplementPolicy.RESTART)
    ),
    "A worked Saturday after a suspension": lambda: Example("2026-08-17").plain(
        "2026-08-17T09:00", EIGHT, stop("2026-08-19T09:00", "2026-08-21T09:00")
    ),
    "Asked on the last day": lambda: (
        Example("2026-07-06", "2026-07-18")
        .plain("2026-07-06T09:15")
        .plain("2026-07-06T09:15", EIGHT, stop("2026-07-16T10:00", "2026-07-18T09:00"))
    ),
    "Two appointments, 5 + 3, and the tax office": two_appointments,
    "Eight hours to the day": eight_hours,
    "Half a day before Tết": half_a_day,
    "A mortgage after 15:00": mortgage,
    "A difficult commune": difficult,
}


def paragraphs() -> dict[str, str]:
    text = PAGE.read_text(encoding="utf-8")
    section = text[text.index("## Examples") : text.index("## Overdue")]
    return dict(re.findall(r"^\*\*(.+?)\.\*\* (.+)$", section, re.MULTILINE))


def full_dates(text: str) -> Iterator[tuple[str, date]]:
    """Each date in full, with the word before it."""
    for word, day, month, year in re.findall(r"(\w+)\W+(\d\d)/(\d\d)/(\d{4})", text):
        yield word, date(int(year), int(month), int(day))


def test_every_example_of_the_page_is_computed():
    assert paragraphs().keys() == EXAMPLES.keys()


@pytest.mark.parametrize("title", EXAMPLES)
def test_an_example_of_the_page_holds(title: str):
    text, example = paragraphs()[title], EXAMPLES[title]()

    assert {on for _, on in full_dates(text)} == example.told
    short = re.sub(r"\d\d/\d\d/\d{4}", "", text)
    named = {(int(day), int(month)) for day, month in re.findall(r"\b(\d+)/(\d+)\b", short)}
    assert named <= {(on.day, on.month) for on in example.passed}
    assert set(re.findall(r"\b\d\d:\d\d\b", text)) <= example.times


def test_every_weekday_of_the_page_is_right():
    text = PAGE.read_text(encoding="utf-8")
    told = [
        (word, on)
        for word, on in full_dates(text)
        if word[:3].lower() in _WEEKDAY and len(word) > 5
    ]

    assert len(told) >= 15
    assert [(word, on) for word, on in told if on.weekday() != _WEEKDAY[word[:3].lower()]] == []
