"""What may be published of the catalogue: one shape, by command as by API, each field checked."""

from datetime import date, time
from typing import Annotated, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    field_validator,
    model_validator,
)

from app.core.clock import MAX_QUANTITY, LimitError, SupplementPolicy, Unit
from app.core.limits import Start
from app.core.steps import StepUnit, half_days

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


class TaxRow(Figure):
    """What the tax office has for its notice: its own clock, never charged to the branch."""

    ground: str = ""


class StepRow(_Strict):
    """A step as the law prints it: `quantity` in days or `half_days`; neither: no time of its own.

    It is kept in half days, so the same law is the same row however it was written.
    """

    unit: StepUnit
    quantity: int | float | None = Field(
        default=None, gt=0, le=MAX_QUANTITY, exclude=True, description="0.5, 1, 1.5 … days"
    )
    half_days: int | None = Field(default=None, ge=1, le=2 * MAX_QUANTITY)
    name: str | None = Field(default=None, max_length=200)

    @field_validator("quantity")
    @classmethod
    def _whole(cls, sent: float | None) -> float | None:
        if sent is not None:
            try:
                half_days(sent)
            except LimitError as wrong:
                raise ValueError(wrong.why) from None
        return sent

    @model_validator(mode="after")
    def _once(self) -> Self:
        if self.quantity is not None:
            told = half_days(self.quantity)
            if self.half_days not in (None, told):
                raise ValueError("quantity and half_days differ; give one of them")
            self.half_days, self.quantity = told, None
        return self


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
    tax: TaxRow | None = Field(default=None, description="shown, never charged to the branch")
    steps: list[StepRow] | None = Field(default=None, max_length=50)
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

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.active_from and self.active_until and self.active_until < self.active_from:
            raise ValueError("active_until is before active_from; correct one")
        return self


class Commune(_Strict):
    """A commune, its branch, and while it counts as difficult (last day included)."""

    code: _Code
    name: str
    branch: str
    difficult_from: date | None = None
    difficult_until: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        since, until = self.difficult_from, self.difficult_until
        if until is not None and (since is None or until < since):
            raise ValueError("difficult_until needs an earlier difficult_from; correct one")
        return self


class OfficeBody(_Strict):
    """An office whole, as in `app/catalogue/dong_thap.json`."""

    office: Office
    branches: list[Branch] = Field(max_length=1_000)
    communes: list[Commune] = Field(max_length=10_000)


class SupplementRow(_Strict):
    """What a completed supplement does for some days of receipt, the last included."""

    valid_from: date | None = None
    valid_until: date | None = None
    policy: SupplementPolicy
    ground: str = ""
    doubt: str | None = None


class SupplementBody(_Strict):
    """Every day of receipt has one row: they meet, the first and the last are open."""

    rows: list[SupplementRow] = Field(min_length=1, max_length=50)
