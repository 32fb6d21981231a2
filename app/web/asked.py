"""What the calculator is asked: the shapes of a question, turned into what the core computes."""

from datetime import UTC, date, datetime, time, timedelta
from http import HTTPStatus
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from app.core.clock import Limit, Reason, SupplementPolicy, Suspension, Unit
from app.core.office_hours import WEEKDAYS, BadCalendarError, CalendarSpec, hours
from app.core.problems import Problem
from app.core.stages import StageFact
from app.web.problems import ProblemError


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


def _without_offset(at: time) -> time:
    if at.tzinfo is not None:
        raise ValueError("a local time; leave out its offset")
    return at


# The law this computes is younger, and a horizon of 40 years ends before.
_Instant = Annotated[
    AwareDatetime,
    Field(ge=datetime(1900, 1, 1, tzinfo=UTC), lt=datetime(2200, 1, 1, tzinfo=UTC)),
]
_Local = Annotated[time, AfterValidator(_without_offset)]


class LimitAsked(_Strict):
    """A limit: `quantity` with its unit, or an ISO 8601 `duration` of working hours."""

    quantity: float | None = Field(default=None, examples=[8])
    duration: timedelta | None = Field(default=None, examples=["PT20M"])
    unit: Unit | None = None
    cutoff: _Local | None = None

    @field_validator("duration", mode="before")
    @classmethod
    def _of_hours(cls, sent: object) -> object:
        if isinstance(sent, str) and not sent.upper().startswith(("PT", "-PT")):
            raise ValueError("write working time as PT8H or PT20M; for days send quantity and unit")
        return sent

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.quantity is None) == (self.duration is None):
            raise ValueError("give either quantity with unit, or duration")
        if self.quantity is not None and self.unit is None:
            raise ValueError("give the unit of quantity: " + ", ".join(Unit))
        if self.duration is not None and self.unit not in (None, Unit.WORKING_HOURS):
            raise ValueError("a duration counts working_hours; leave unit out")
        return self

    def limit(self, cutoff: time | None) -> Limit:
        """The limit as the core has it."""
        cutoff = self.cutoff or cutoff
        if self.duration is not None:
            return Limit.lasting(self.duration, cutoff)
        return Limit.of(self.quantity or 0, self.unit or Unit.WORKING_DAYS, cutoff)


class StageAsked(LimitAsked):
    """An appointment's stage; the first starts at the receipt unless it says otherwise."""

    started_at: _Instant | None = None
    ended_at: _Instant | None = None


class SuspensionAsked(_Strict):
    """A lawful stop; `until` null while open."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    reason: Reason
    from_at: _Instant = Field(alias="from")
    until_at: _Instant | None = Field(default=None, alias="until")
    ground: str | None = Field(default=None, max_length=2_000)


# A day of 24 hours has room for these; every one is laid out over up to forty years.
Spans = Annotated[list[tuple[str, str]], Field(max_length=48)]


class CalendarAsked(_Strict):
    """A calendar of one's own; the official one is used if it is absent."""

    zone: str = Field(default="Asia/Ho_Chi_Minh", max_length=60)
    week: dict[str, Spans]
    days_off: list[date] = Field(default_factory=list, max_length=20_000)
    worked: list[date] = Field(default_factory=list, max_length=20_000)
    overrides: dict[date, Spans] = Field(default_factory=dict, max_length=20_000)
    confirmed_from: date | None = None
    confirmed_until: date | None = None

    def spec(self) -> CalendarSpec:
        """The calendar as the core has it."""
        strange = sorted(set(self.week) - set(WEEKDAYS))
        if strange:
            raise BadCalendarError(f"week.{strange[0]}", "name the days mon, tue, … sun")
        return CalendarSpec(
            zone=self.zone,
            week=tuple(hours(self.week.get(name, []), f"week.{name}") for name in WEEKDAYS),
            days_off=dict.fromkeys(self.days_off, ""),
            worked=dict.fromkeys(self.worked, ""),
            overrides={on: hours(spans, f"overrides.{on}") for on, spans in self.overrides.items()},
            confirmed_from=self.confirmed_from,
            confirmed_until=self.confirmed_until,
        )


class Asked(_Strict):
    """What to compute: a procedure of the catalogue, a limit, or stages."""

    received_at: _Instant
    procedure: str | None = None
    case: str | None = None
    branch: str | None = None
    commune: str | None = None
    limit: LimitAsked | None = None
    stages: list[StageAsked] | None = Field(default=None, min_length=1, max_length=9)
    cutoff: _Local | None = None
    supplement: SupplementPolicy | None = None
    suspensions: list[SuspensionAsked] = Field(default_factory=list, max_length=1_000)
    calendar: CalendarAsked | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = (self.limit, self.stages, self.procedure)
        if sum(way is not None for way in ways) != 1:
            raise ValueError("give one of procedure, limit, or stages")
        return self

    def stage_facts(self) -> list[StageFact]:
        """What the stages say of their starts and ends, checked: they follow one another."""
        latest, found = self.received_at, []
        for at, stage in enumerate(self.stages or ()):
            for name, moment in (("started_at", stage.started_at), ("ended_at", stage.ended_at)):
                if moment is not None and moment < latest:
                    told = Problem(
                        f"stages[{at}].{name}",
                        "it is before the receipt, or before what came earlier; correct one",
                    )
                    raise unprocessable(told)
                latest = moment or latest
            found.append(StageFact(at + 1, stage.started_at, stage.ended_at))
        return found

    def stops(self) -> list[Suspension]:
        """The suspensions as the core has them, checked."""
        for at, stop in enumerate(self.suspensions):
            if stop.until_at is not None and stop.until_at < stop.from_at:
                told = Problem(
                    f"suspensions[{at}].until",
                    "the suspension ends before it begins; correct one of the two",
                )
                raise unprocessable(told)
        return [
            Suspension(stop.reason, stop.from_at, stop.until_at, stop.ground)
            for stop in self.suspensions
        ]


def unprocessable(problem: Problem) -> ProblemError:
    """A question that cannot be answered, with the field and the mend."""
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid", [problem])
