"""What may be published of a calendar: one shape, by command as by API, each field checked."""

from datetime import date, datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

date_of_day = date  # a member called `date` hides the type from what follows it
_Hours = list[tuple[str, str]]
_Week = dict[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], _Hours]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class DayBody(_Strict):
    """A day off, or one worked in exchange; `hours` are other hours on that one date."""

    kind: Literal["off", "work"]
    name: str = Field(min_length=1, max_length=200, description="said in every explanation")
    source: str = Field(default="", max_length=500, description="the notice that says so")
    hours: _Hours | None = None

    @model_validator(mode="after")
    def _off_is_off(self) -> Self:
        if self.kind == "off" and self.hours:
            raise ValueError("a day off has no hours; say work, with the hours that are worked")
        if self.kind == "work" and self.hours == []:
            raise ValueError("a worked day without hours; say off, or leave hours out")
        return self

    def accepted(self, on: date_of_day, proposed_by: str | None, by: str, at: datetime) -> "Day":
        """It as a day of a layer: which one, who says so, and which library proposed it."""
        said = self.model_dump()
        return Day(date=on, proposed_by=proposed_by, accepted_by=by, accepted_at=at, **said)


class Day(DayBody):
    """A day of a layer, with who took it over, and the library that proposed it if one did."""

    date: date_of_day
    proposed_by: str | None = Field(default=None, max_length=60, examples=["holidays 0.109"])
    accepted_by: str | None = Field(default=None, max_length=80)
    accepted_at: datetime | None = None


class SeasonRow(_Strict):
    """A week of its own for a while (summer hours), both days included; null is without end."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    from_on: date | None = Field(default=None, alias="from")
    until_on: date | None = Field(default=None, alias="until")
    week: _Week


class CalendarBody(_Strict):
    """A layer of the calendar, as in `app/catalogue/calendar_vn.json`.

    The nation's has a week; an office or a branch says only what differs there: a week, seasons,
    single days.
    """

    name: str = ""
    zone: str | None = None
    confirmed_from: date | None = None
    confirmed_until: date | None = None
    week: _Week | None = None
    seasons: list[SeasonRow] = Field(default_factory=list, max_length=200)
    days: list[Day] = Field(default_factory=list, max_length=20_000)
