"""Statutory limits as dated data: which one applies to a dossier, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from app.core.calendar import WorkingCalendar
from app.core.clock import Limit, SupplementPolicy, Suspension, deadline

# NĐ 61/2018/NĐ-CP Đ19 k4 ("tính lại từ đầu") is found for receipts up to this day; whether
# NĐ 118/2025 keeps the sentence is not confirmed, so later receipts follow a setting.
RESTART_UNTIL = date(2025, 6, 30)


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
    difficult_note: str | None = None

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
        """What is not certain of it: of the row, and of its figure for a difficult commune."""
        said = (self.rule.doubt, self.rule.difficult_note if self.difficult else None)
        return tuple(one for one in said if one)


def choose(
    rules: Sequence[LimitRule] | None,
    *,
    case: str | None,
    received_at: datetime,
    province: str,
    difficult: bool | None,
    promised_at: datetime | None,
    suspensions: Sequence[Suspension],
    calendar: WorkingCalendar,
    later_policy: SupplementPolicy = SupplementPolicy.RESUME,
) -> Choice | NoLimit:
    """Return the limit of a dossier, or why there is none.

    `rules` are the rows of its procedure (None: the procedure is unknown); `difficult` is None
    when the commune is unknown. With no case and several to choose from: the one whose due date
    equals the promise, else the longest, marked `case_assumed`.
    """
    if not rules:
        return NoLimit.PROCEDURE
    on = received_at.astimezone(calendar.zone).date()
    by_case = in_force(rules, on, province)
    if not by_case:
        return NoLimit.DAY
    if case is not None and case not in by_case:
        known = any(rule.case == case for rule in rules)
        return NoLimit.DAY if known else NoLimit.CASE
    if difficult is None:
        return NoLimit.COMMUNE

    choices = [
        _settle(rule, on, difficult=difficult, assumed=case is None, later_policy=later_policy)
        for rule in ((by_case[case],) if case is not None else by_case.values())
    ]
    if len(choices) == 1:
        only = choices[0]
        return Choice(
            only.rule, only.limit, only.stages, only.policy, only.difficult, case_assumed=False
        )
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
    rule: LimitRule, on: date, *, difficult: bool, assumed: bool, later_policy: SupplementPolicy
) -> Choice:
    policy = rule.policy
    if policy is None:
        policy = SupplementPolicy.RESTART if on <= RESTART_UNTIL else later_policy
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
