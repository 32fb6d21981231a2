"""The words that stand around the figures of a document: its period, its age, its definitions."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from app.core.periods import Kind, Period
from app.service.document import Document

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_JUNE = 6
_QUARTERS = ("I", "II", "III", "IV")


class Say(Protocol):
    """A sentence of ours in the reader's language, its figures filled in."""

    def __call__(self, message: str, **params: object) -> str:
        """The sentence of an English key."""


def day(on: date) -> str:
    """A day as it is written in Viet Nam."""
    return f"{on:%d/%m/%Y}"


def at(moment: datetime) -> str:
    """An instant by the clock of Viet Nam."""
    return f"{moment.astimezone(ZONE):%H:%M %d/%m/%Y}"


def period(held: Period, say: Say) -> str:
    """What a period is called; those that close on the 14th as the others, since a form has both.

    Which days it has is told by `days`.
    """
    year, nth = held.last.year, held.last.month
    match held.kind:
        case Kind.MONTH:
            return say("Month {month}/{year}", month=nth, year=year)
        case Kind.QUARTER | Kind.REPORTING_QUARTER:
            return say("Quarter {quarter}/{year}", quarter=_QUARTERS[(nth - 1) // 3], year=year)
        case Kind.HALF | Kind.REPORTING_HALF:
            half = "First half of {year}" if nth == _JUNE else "Second half of {year}"
            return say(half, year=year)
        case Kind.YEAR | Kind.REPORTING_YEAR:
            return say("Year {year}", year=year)
        case Kind.FREE:
            return days(held, say)


def days(held: Period, say: Say) -> str:
    """The days of a period, both included."""
    return say("From {first} to {last}", first=day(held.first), last=day(held.last))


def whole_period(held: Period, say: Say) -> str:
    """Its name with its days."""
    called = period(held, say)
    return called if held.kind is Kind.FREE else f"{called} ({days(held, say)})"


def standing(document: Document, say: Say) -> Iterator[str]:
    """How old the figures are, and whether they are frozen."""
    yield say("As of {at}.", at=at(document.as_of))
    if document.data_as_of is None:
        yield say("No branch has reported yet.")
    else:
        yield say(
            "Data up to {at}, the oldest last word of any branch.", at=at(document.data_as_of)
        )
    if document.closing is not None:
        yield say("Frozen in closing no. {closing}.", closing=document.closing)
