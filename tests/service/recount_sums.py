"""Recounted dossiers added up as the reports group them."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import date

from tests.service.recount import Dossier
from tests.service.recount_law import procedures

Figures = dict[tuple[str, ...], Counter[str]]
Key = Callable[[Dossier], str]


def _quarter(day: date) -> str:
    return f"{day.year}-Q{(day.month - 1) // 3 + 1}"


def _reporting(day: date) -> str:
    """The quarter that closes on the 14th of its last month (NĐ 09/2019 Đ12)."""
    month = day.month - 1 + (day.day > 14)
    return f"{day.year + month // 12}-RQ{month % 12 // 3 + 1}"


BY_END: dict[str, Callable[[date], str]] = {
    "month": lambda day: f"{day:%Y-%m}",
    "quarter": _quarter,
    "reporting_quarter": _reporting,
}
SPLITS: dict[str, Key] = {
    "branch": lambda one: one.told.branch,
    "procedure": lambda one: one.told.procedure,
    "group": lambda one: procedures().get(one.told.procedure, {}).get("group", ""),
    "case": lambda one: one.rule.case if one.rule else "",
    "commune": lambda one: one.told.commune or "",
    "channel": lambda one: one.told.channel,
    "applicant_kind": lambda one: one.told.kind,
}


def on_time(held: Sequence[Dossier], groups: Sequence[str], yardstick: str) -> Figures:
    """What /v1/reports/on-time should say; the key `("*",)` is the total."""
    figures: Figures = defaultdict(Counter)
    by_end = [group for group in groups if group in BY_END]
    for one in held:
        stood, ended, classes, beside = one.stood(yardstick), one.ended_on, [], []
        if one.in_hand:
            classes = [] if stood == "in_time" else [stood]
            beside = [] if ended else ["open", *one.of_this_moment()]
            beside += [] if one.fresh else ["carried_over"]
        cohort = one.fell_due()
        beside += [f"due.{cohort}"] if cohort else []
        figures[("*",)].update([*classes, *beside])
        if by_end and ended is None:
            continue
        key = tuple(
            BY_END[group](ended) if group in BY_END and ended else SPLITS[group](one)
            for group in groups
        )
        figures[key].update(classes if by_end else [*classes, *beside])
    return figures


PRINTED = ("early", "on_time", "late", "in_time", "overdue")


def form06a(held: Sequence[Dossier], branch: str | None = None) -> dict[str, Counter[str]]:
    """The columns of Biểu II.06a by procedure; `"*"` is the whole."""
    figures: dict[str, Counter[str]] = defaultdict(Counter)
    for one in held:
        if not one.in_hand or branch not in (None, one.told.branch):
            continue
        came = (
            ("online" if one.told.channel == "online" else "direct")
            if one.fresh
            else "carried_over"
        )
        place = one.stood("form")
        sums = "settled" if one.ended_on else "open"
        for key in ("*", one.told.procedure):
            figures[key].update([came, place, sums, "received"])
    return figures
