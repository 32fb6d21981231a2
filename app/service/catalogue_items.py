"""What may be published of the catalogue: one shape, by command as by API, each field checked."""

from datetime import date, time
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from app.core.clock import MAX_QUANTITY, SupplementPolicy, Unit
from app.core.limits import Start

_Quantity = Annotated[int | float, Field(ge=0, le=MAX_QUANTITY)]
_Code = Annotated[str, Field(min_length=1, max_length=60)]
# The province of a limit is compared with that of a branch's office: one written form for both.
_Province = Annotated[str, Field(pattern=r"^[A-Z][0-9]{2}$", examples=["H20"])]
_Local = Annotated[
    time,
    PlainSerializer(
        lambda at: at.isoformat("auto" if at.second or at.microsecond else "minutes"),
        return_type=str,
        when_used="json",
    ),
]


date_of_day = date  # a member called `date` hides the type from what follows it


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Figure(_Strict):
    """A figure with its unit."""

    quantity: _Quantity
    unit: Unit


class Difficult(_Strict):
    """The limit of a difficult commune: a figure of its own, no formula."""

    quantity: _Quantity
    stages: list[Figure] | None = None


class LimitRow(_Strict):
    """One row of law; `valid_until` is the last day included."""

    valid_from: date
    valid_until: date | None = None
    ends: bool = Field(
        default=False,
        description="the rule ended with valid_until and none followed at once: the gap is meant",
    )
    province: _Province | None = Field(default=None, description="null: national")
    quantity: _Quantity
    unit: Unit
    cutoff: _Local | None = None
    stages: list[Figure] | None = None
    difficult: Difficult | None = None
    difficult_note: str | None = None
    extension: Figure | None = None
    start: Start | None = None
    supplement: SupplementPolicy | None = None
    ground: str = ""
    source: str = ""
    confidence: str = ""
    doubt: str | None = None


class Case(_Strict):
    """A case of a procedure, with its limits over time."""

    case: _Code
    name: str
    limits: list[LimitRow] = Field(default_factory=list)


class Procedure(_Strict):
    """A procedure as the catalogue holds it."""

    code: _Code = Field(description="national, without a province's suffix")
    name: str
    group: str = Field(default="other", description="survives re-coding")
    field: str = "Đất đai"
    level: str = "province"
    doubt: str | None = None
    cases: list[Case] = Field(min_length=1)


class Office(_Strict):
    """A provincial Land Registration Office."""

    code: _Code
    name: str
    province: _Province = Field(description="level-1 code; picks provincial limits")
    note: str | None = None


class Branch(_Strict):
    """A branch, and while it is at work."""

    code: _Code
    name: str
    short_name: str
    active_from: date | None = None
    active_until: date | None = None
    area: str | None = None
    seat: str | None = None


class Commune(_Strict):
    """A commune, its branch, and while it counts as difficult (last day included)."""

    code: _Code
    name: str
    branch: str
    difficult_from: date | None = None
    difficult_until: date | None = None


class OfficeBody(_Strict):
    """An office whole, as in `app/catalogue/dong_thap.json`."""

    office: Office
    branches: list[Branch] = Field(max_length=1_000)
    communes: list[Commune] = Field(max_length=10_000)


_Hours = list[tuple[str, str]]
_Week = dict[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], _Hours]


class Day(_Strict):
    """A day off, or one worked in exchange; `hours` are other hours on that one date."""

    date: date_of_day
    kind: Literal["off", "work"]
    name: str = Field(min_length=1, description="said in every explanation")
    source: str = ""
    hours: _Hours | None = None


class SeasonRow(_Strict):
    """A week of its own for a while (summer hours), both days included; null is without end."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    from_on: date | None = Field(default=None, alias="from")
    until_on: date | None = Field(default=None, alias="until")
    week: _Week


class CalendarBody(_Strict):
    """A working calendar, as in `app/catalogue/calendar_vn.json`."""

    name: str = ""
    zone: str = "Asia/Ho_Chi_Minh"
    confirmed_from: date | None = None
    confirmed_until: date | None = None
    week: _Week
    seasons: list[SeasonRow] = Field(default_factory=list, max_length=200)
    days: list[Day] = Field(default_factory=list, max_length=20_000)
