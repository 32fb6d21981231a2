"""How the pages speak: sentences, days, instants and figures in the reader's language."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from math import floor

from babel.numbers import format_decimal, format_percent

from app.core.clock import Limit, Unit
from app.printed.saying import ZONE
from app.service.language import tell

# One and many: English needs both, Vietnamese has one form.
_LIMITS = {
    Unit.WORKING_DAYS: ("{quantity} working day", "{quantity} working days"),
    Unit.WORKING_HOURS: ("{quantity} working hour", "{quantity} working hours"),
    Unit.CALENDAR_DAYS: ("{quantity} calendar day", "{quantity} calendar days"),
    Unit.CALENDAR_MONTHS: ("{quantity} month", "{quantity} months"),
}
_LATE = ("{days} working day late", "{days} working days late")
_LEFT = ("{days} working day left", "{days} working days left")
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
# "BLDS 2015 Đ147 k2", "ĐT138 Đ3 k4b": a text, its article, and maybe a clause and a point.
_ARTICLE = re.compile(
    r"(?P<text>.*\S) Đ(?P<article>\d[\d.–-]*)(?: k(?P<clause>\d+)(?P<point>[a-zđ]?))?"
)
_SAME_DAY = "within the same working day"
NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Speech:
    """One language. Days are written 20/11/2026 and instants 16:55 20/11/2026 in both."""

    language: str

    def __call__(self, message: str, **params: object) -> str:
        """The sentence of an English key."""
        return tell(message, self.language, **params)

    def day(self, on: date | None) -> str:
        """A date, or a dash."""
        return NOTHING if on is None else f"{on:%d/%m/%Y}"

    def weekday(self, on: date) -> str:
        """The name of the day in the week."""
        return self(_WEEKDAYS[on.weekday()])

    def long_day(self, on: date | None) -> str:
        """A date with its weekday, or a dash."""
        return NOTHING if on is None else f"{self.weekday(on)} {self.day(on)}"

    def at(self, moment: datetime | None) -> str:
        """An instant by the clock of Viet Nam, or a dash."""
        return NOTHING if moment is None else f"{moment.astimezone(ZONE):%H:%M %d/%m/%Y}"

    def number(self, figure: float) -> str:
        """A figure with the separators of the language."""
        return str(format_decimal(figure, locale=self.language))

    def percent(self, rate: float) -> str:
        """A rate with one decimal, rounded down, so that only a whole rate is ever 100 %."""
        whole = floor(rate * 1000 + 1e-9) / 1000
        return str(format_percent(whole, format="#,##0.0%", locale=self.language))

    def limit(self, held: Limit) -> str:
        """A limit as people say it: "8 working days", or "within the same working day"."""
        if held.amount == 0 and held.by_date:
            return self(_SAME_DAY)
        return self.quantity(held.quantity, held.unit)

    def quantity(self, quantity: float, unit: Unit) -> str:
        """A figure with its unit."""
        message = _LIMITS[unit][quantity != 1]
        return self(message, quantity=self.number(round(quantity, 2)))

    def ground(self, text: str) -> str:
        """The articles of a ground; in Vietnamese written out: "khoản 2 Điều 147 BLDS 2015"."""
        if self.language != "vi":
            return text
        return "; ".join(_written_out(one) for one in text.split("; "))

    def late(self, days: int) -> str:
        """How many working days late."""
        return self(_LATE[days != 1], days=self.number(days))

    def left(self, days: int) -> str:
        """How many working days are left."""
        return self(_LEFT[days != 1], days=self.number(days))

    def humane(self, params: Mapping[str, object]) -> dict[str, object]:
        """The figures of a sentence with machine instants written for people."""

        def written(found: re.Match[str]) -> str:
            try:
                return self.at(datetime.fromisoformat(found.group()))
            except (ValueError, OverflowError):
                return found.group()

        return {
            name: _INSTANT.sub(written, value) if isinstance(value, str) else value
            for name, value in params.items()
        }


def _written_out(ground: str) -> str:
    """One article in full; what is not in the short form stays as it is."""
    found = _ARTICLE.fullmatch(ground)
    if found is None:
        return ground
    said = f"Điều {found['article']} {found['text']}"
    if found["clause"]:
        said = f"khoản {found['clause']} {said}"
    return f"điểm {found['point']} {said}" if found["point"] else said
