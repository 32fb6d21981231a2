"""Statutory limits as dated data: which one applies to a dossier, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from app.core.calendar import WorkingCalendar
from app.core.clock import Limit, SupplementPolicy, Suspension, deadline
from app.core.steps import StepLimit
from app.core.taxes import TaxLimit


@dataclass(frozen=True, slots=True)
class SupplementRule:
    """What a completed supplement does to limits that do not say so, for some days of receipt.

    `valid_from` None is since ever, `valid_until` None without end; both days are included.
    """

    policy: SupplementPolicy
    valid_from: date | None = None
    valid_until: date | None = None
    ground: str = ""
    doubt: str | None = None

    def covers(self, on: date) -> bool:
        """Whether it is in force for a receipt of that day."""
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_until is None or on <= self.valid_until
        )


class Start(StrEnum):
    """Whose receipt starts the clock."""

    RECEIPT = "received"
    LAND_OFFICE = "land_office"  # NĐ 99/2022 Đ16 k2: filed at a one-stop shop or a commune


@dataclass(frozen=True, slots=True)
class LimitRule:
    """One immutable row of law: the limit of a procedure's case, where and while it is in force.

    `valid_until` is the last day included. `province` None is the national rule; a province's own
    row wins over it. `doubt` says what is not confirmed and travels into every explanation.
    """

    id: int
    procedure: str
    case: str
    province: str | None
    valid_from: date
    valid_until: date | None
    limit: Limit
    stages: tuple[Limit, ...] = ()
    difficult: Limit | None = None
    difficult_stages: tuple[Limit, ...] = ()
    extension: Limit | None = None
    start: Start = Start.RECEIPT
    policy: SupplementPolicy | None = None
    ground: str = ""
    source: str = ""
    confidence: str = ""
    doubt: str | None = None
    procedure_doubt: str | None = None
    difficult_note: str | None = None
    tax: TaxLimit | None = None
    steps: tuple[StepLimit, ...] = ()

    def covers(self, on: date) -> bool:
        """Whether a receipt of that day falls under this row."""
        return self.valid_from <= on and (self.valid_until is None or on <= self.valid_until)


class NoLimit(StrEnum):
    """Why no limit could be chosen; the dossier waits for the catalogue to learn it."""

    PROCEDURE = "unknown_procedure"
    CASE = "unknown_case"
    COMMUNE = "unknown_commune"
    DAY = "no_limit_in_force"
    CALENDAR = "calendar_ends"


@dataclass(frozen=True, slots=True)
class Choice:
    """The limit that applies: the row, the figures for this commune, and how it was chosen."""

    rule: LimitRule
    limit: Limit
    stages: tuple[Limit, ...]
    policy: SupplementPolicy
    difficult: bool
    case_assumed: bool

    @property
    def doubts(self) -> tuple[str, ...]:
        """What is not certain: of the procedure, the row, its figure for a difficult commune."""
        said = (
            self.rule.procedure_doubt,
            self.rule.doubt,
            self.rule.difficult_note if self.difficult else None,
        )
        return tuple(one for one in said if one)

    @property
    def steps(self) -> tuple[StepLimit, ...]:
        """The steps the law prints; none for a difficult commune, whose limit is longer."""
        return () if self.difficult else self.rule.steps


_REMEMBERED = 20_000  # days of receipt, times cases and communes: more than a province has


class Law:
    """The limit rows of one procedure, with what a supplement does where they are silent.

    What may apply to a receipt is worked out once for each day, case and commune and kept: a
    province receives hundreds of dossiers of one kind a day, and recomputes them by the million.
    """

    __slots__ = ("_known", "rules", "supplements")

    def __init__(
        self, rules: Sequence[LimitRule], supplements: Sequence[SupplementRule] = ()
    ) -> None:
        """Keep the rows; nothing is worked out yet."""
        self.rules = rules
        self.supplements = supplements
        self._known: dict[tuple[date, str, bool | None, str | None], tuple[Choice, ...]] = {}

    def choices(
        self, on: date, province: str, case: str | None, *, difficult: bool | None
    ) -> tuple[Choice, ...] | NoLimit:
        """The limits that may apply to a receipt of that day: one, or one of each case."""
        key = (on, province, difficult, case)
        known = self._known.get(key)
        if known is not None:
            return known
        found = self._choices(on, province, case, difficult=difficult)
        if not isinstance(found, NoLimit):  # senders may name any number of cases there are not
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = found
        return found

    def _choices(
        self, on: date, province: str, case: str | None, *, difficult: bool | None
    ) -> tuple[Choice, ...] | NoLimit:
        by_case = in_force(self.rules, on, province)
        if not by_case:
            return NoLimit.DAY
        if case is not None and case not in by_case:
            known = any(rule.case == case for rule in self.rules)
            return NoLimit.DAY if known else NoLimit.CASE
        if difficult is None:
            return NoLimit.COMMUNE
        rules = (by_case[case],) if case is not None else tuple(by_case.values())
        return tuple(
            _settle(
                rule, on, difficult=difficult, assumed=len(rules) > 1, supplements=self.supplements
            )
            for rule in rules
        )


def choose(
    rules: Law | Sequence[LimitRule] | None,
    *,
    case: str | None,
    received_at: datetime,
    province: str,
    difficult: bool | None,
    promised_at: datetime | None,
    suspensions: Sequence[Suspension],
    calendar: WorkingCalendar,
    supplements: Sequence[SupplementRule] = (),
) -> Choice | NoLimit:
    """Return the limit of a dossier, or why there is none.

    `rules` are the rows of its procedure (None: the procedure is unknown); `difficult` is None
    when the commune is unknown; `supplements` what rows that come without a `Law` are silent about
    (resume if they are too). With no case and several to choose from: the one whose due date equals
    the promise, else the longest, marked `case_assumed`.
    """
    if not rules:
        return NoLimit.PROCEDURE
    law = rules if isinstance(rules, Law) else Law(rules, supplements)
    on = received_at.astimezone(calendar.zone).date()
    choices = law.choices(on, province, case, difficult=difficult)
    if isinstance(choices, NoLimit):
        return choices
    if len(choices) == 1:
        return choices[0]
    return _assume(choices, received_at, promised_at, suspensions, calendar)


def in_force(rules: Sequence[LimitRule], on: date, province: str) -> dict[str, LimitRule]:
    """The row of each case in force on a day of receipt; a province's own before the nation's."""
    found: dict[str, LimitRule] = {}
    for rule in rules:
        if rule.covers(on) and rule.province in (None, province):
            held = found.get(rule.case)
            if held is None or held.province is None:
                found[rule.case] = rule
    return found


def _settle(
    rule: LimitRule,
    on: date,
    *,
    difficult: bool,
    assumed: bool,
    supplements: Sequence[SupplementRule],
) -> Choice:
    policy = rule.policy
    if policy is None:
        said = (held.policy for held in supplements if held.covers(on))
        policy = next(said, SupplementPolicy.RESUME)
    if difficult and rule.difficult is not None:
        return Choice(
            rule,
            rule.difficult,
            rule.difficult_stages,
            policy,
            difficult=True,
            case_assumed=assumed,
        )
    return Choice(rule, rule.limit, rule.stages, policy, difficult=False, case_assumed=assumed)


def _assume(
    choices: Sequence[Choice],
    received_at: datetime,
    promised_at: datetime | None,
    suspensions: Sequence[Suspension],
    calendar: WorkingCalendar,
) -> Choice:
    """Tell the case from the promise on the slip, else take the longest (never accuse wrongly).

    The slip of a staged limit names the first appointment, a later one the end, so the promise is
    held against the whole limit, its first stage, and the limit moved by the suspensions.
    """
    longest = choices[0]
    longest_due: date | None = None
    promised_on = promised_at.astimezone(calendar.zone).date() if promised_at else None
    for choice in choices:
        plain = deadline(received_at, choice.limit, (), calendar).due_on
        possible = {plain}
        if choice.stages:
            possible.add(deadline(received_at, choice.stages[0], (), calendar).due_on)
        if suspensions:
            moved = deadline(received_at, choice.limit, suspensions, calendar, choice.policy)
            possible.add(moved.due_on)
        if promised_on is not None and promised_on in possible:
            return choice
        if longest_due is None or (plain is not None and plain > longest_due):
            longest, longest_due = choice, plain
    return longest
