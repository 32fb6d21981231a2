"""What the page of a report offers to choose: periods with their days, and its own options."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import NamedTuple

from app.core import periods
from app.core.periods import Kind, Period
from app.printed import saying
from app.printed.speech import Speech
from app.service import reporting
from app.service.asked import Asked
from app.service.document import word
from app.web.reports.registry import LISTED, Choice

_RUNNING = (Kind.REPORTING_QUARTER, Kind.QUARTER, Kind.MONTH, Kind.YEAR)
_OVER = {
    word("Reporting quarters that are over"): (Kind.REPORTING_QUARTER, 5),
    word("Calendar quarters that are over"): (Kind.QUARTER, 5),
    word("Months that are over"): (Kind.MONTH, 13),
    word("Years that are over"): (Kind.YEAR, 3),
}


class Option(NamedTuple):
    """A period to choose: its name and its words."""

    name: str
    words: str


@dataclass(frozen=True, slots=True)
class Chooser:
    """The forms of a report's page, and what stands in them.

    `periods` are by group; `period` is the one shown, if it has a name; `given` are the report's
    own options as they were asked for.
    """

    periods: Mapping[str, Sequence[Option]]
    period: str
    first: date
    last: date
    as_of: date | None
    branch: str | None
    choices: Sequence[Choice]
    given: Mapping[str, str]


def chooser(
    name: str,
    found: Asked,
    as_of: date | None,
    query: Mapping[str, str],
    today: date,
    say: Speech,
) -> Chooser:
    """What can be chosen besides what is shown."""
    listed = LISTED.get(name)
    shown = found.period
    groups = {say(words): options for words, options in _groups(today, say)}
    named = "" if shown.kind is Kind.FREE else shown.name
    if named and not any(named == one.name for group in groups.values() for one in group):
        groups = {say("The period shown"): [_option(shown, say)]} | groups
    return Chooser(
        periods=groups,
        period=named,
        first=shown.first,
        last=shown.last,
        as_of=as_of,
        branch=found.branch,
        choices=listed.choices if listed else (),
        given={
            option: query[option].strip()
            for option in reporting.REPORTS[name].options
            if query.get(option, "").strip()
        },
    )


def _groups(today: date, say: Speech) -> Iterator[tuple[str, list[Option]]]:
    running = [periods.of_day(kind, today) for kind in _RUNNING]
    yield word("Running, to today"), [_option(one, say) for one in running]
    for words, (kind, count) in _OVER.items():
        yield words, [_option(one, say) for one in islice(periods.latest(kind, today), count)]


def _option(period: Period, say: Speech) -> Option:
    return Option(period.name, saying.whole_period(period, say))
