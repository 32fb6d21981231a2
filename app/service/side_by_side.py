"""The yardsticks side by side, and the reasons they differ, as reports."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy.orm import Session

from app.core.differences import PAIRS, VERDICTS, Difference, Pair, Reason
from app.core.yardsticks import Yardstick
from app.db import differences
from app.db.in_hand import Standing
from app.service.asked import Asked
from app.service.differences import Beside, by_reason, side_by_side
from app.service.document import Column, Document, Kind, Note, Row, word

NAME = "yardsticks"
REASONS_NAME = "yardstick-reasons"
_TITLE = word("The same dossiers by three yardsticks")
_REASONS_TITLE = word("Why the yardsticks differ")
YARDSTICKS: Mapping[Yardstick, str] = {
    Yardstick.LEGAL: word("By law, our clock"),
    Yardstick.FORM: word("By form II.06a, as practised"),
    Yardstick.INDEX766: word("By index 766, formula 2.1"),
}
SENTENCES: Mapping[Reason, str] = {
    Reason.WITHDRAWAL_NOT_COUNTED: word(
        "Withdrawn or stopped: the law does not count it, the others do"
    ),
    Reason.NO_LIMIT_BY_LAW: word("No limit by law is known for it"),
    Reason.UNVERIFIED: word("Past due since the branch was last heard: not verified by law"),
    Reason.LENIENT_OUTCOME: word(
        "Withdrawn, returned or stopped: on time by the form, whatever day it was"
    ),
    Reason.NOT_PROMISED: word("No due date was promised: on time by the form"),
    Reason.SUPPLEMENT_ON_LAST_DAY: word(
        "Supplement asked on the last day: by law nothing of the limit was left"
    ),
    Reason.SECOND_SUPPLEMENT: word("Asked for a supplement twice: late by index 766"),
    Reason.RE_APPOINTMENT: word(
        "Re-appointed after an apology: the new day counts, but not by law"
    ),
    Reason.SUPPLEMENT_TIME_GIVEN_BACK: word(
        "The time of the supplement is taken off the end, by index 766"
    ),
    Reason.PAUSED: word("The clock stood: not every yardstick takes that time out alike"),
    Reason.STAGE_MISSED: word("One of two appointments was missed, which only the law counts"),
    Reason.BY_THE_HOUR: word("Late by the hour, on time by the date"),
    Reason.WORKED_SATURDAY: word("The promise was counted without a Saturday that was worked"),
    Reason.PROVISIONAL_CALENDAR: word("The day by law leans on a calendar not yet published"),
    Reason.PROMISE_LONGER: word("The day promised is later than the day by law"),
    Reason.PROMISE_SHORTER: word("The day promised is earlier than the day by law"),
    Reason.OTHER: word("Another reason"),
    Reason.NOT_HANDED_OVER: word("Finished, not handed over: every yardstick counts it as ended"),
}
BETWEEN: Mapping[Pair, str] = {
    (Yardstick.LEGAL, Yardstick.FORM): word("The law and form II.06a"),
    (Yardstick.LEGAL, Yardstick.INDEX766): word("The law and index 766"),
    (Yardstick.FORM, Yardstick.INDEX766): word("Form II.06a and index 766"),
}
_ENDED = "Ended in the period"
_OPEN = "Open at the close"
_TWO = "Verdicts of two differ"
_SAME = "The same verdict"
COLUMNS: tuple[Column, ...] = (
    Column("name", "Branch, yardstick", Kind.TEXT),
    Column("in_hand", "In hand"),
    Column("early", "Early", under=(_ENDED,)),
    Column("on_time", "On time", under=(_ENDED,)),
    Column("late", "Late", under=(_ENDED,)),
    Column("no_verdict", "No verdict", under=(_ENDED,)),
    Column("in_time", "In time", under=(_OPEN,)),
    Column("overdue", "Overdue", under=(_OPEN,)),
    Column("unverified", "Unverified", under=(_OPEN,)),
    Column("no_limit", "No limit", under=(_OPEN,)),
    Column("numerator", "Numerator"),
    Column("denominator", "Denominator"),
    Column("rate", "Rate", Kind.RATE),
    Column("legal_form", "The law and form II.06a", under=(_TWO,)),
    Column("legal_index766", "The law and index 766", under=(_TWO,)),
    Column("form_index766", "Form II.06a and index 766", under=(_TWO,)),
)
REASON_COLUMNS: tuple[Column, ...] = (
    Column("name", "Reason", Kind.TEXT),
    Column("differ", "Total", under=(_TWO,)),
    Column("first_in_time", "In time by the first, late by the second", under=(_TWO,)),
    Column("second_in_time", "Late by the first, in time by the second", under=(_TWO,)),
    Column("first_only", "Only the first has a verdict", under=(_TWO,)),
    Column("second_only", "Only the second has a verdict", under=(_TWO,)),
    Column("first_earlier", "Early by the first, on time by the second", under=(_SAME,)),
    Column("second_earlier", "On time by the first, early by the second", under=(_SAME,)),
)
_DEFINITION = (
    Note(
        "In hand: received by the last day of the period and not ended before its first. Each "
        "yardstick has each of them in just one column."
    ),
    Note(
        "rate = numerator / denominator = (early + on time) / (early + on time + late); empty is "
        "no data. No verdict: ended in a way the yardstick leaves out, or without a due day."
    ),
    Note(
        "Verdicts of two differ: in time by one and late by the other, or only one has a verdict. "
        "Early by one and on time by the other moves no rate."
    ),
)
_REASONS_DEFINITION = (
    _DEFINITION[2],
    Note(
        "A dossier that differs for several reasons counts under the first of them in the order "
        "of this table; the list of dossiers names all."
    ),
)


def report(session: Session, asked: Asked) -> Document:
    """All together, then every active branch: a line a yardstick, and on how many two differ."""
    total, branches = side_by_side(session, asked.clocks, asked.over)
    rows = list(_of(asked.unit, None, total))
    for code in sorted({*branches, *asked.active}) if asked.about is None else ():
        rows += _of(asked.rules.branches[code].name, code, branches.get(code, Beside()))
    return _document(NAME, _TITLE, asked, COLUMNS, rows, _DEFINITION)


def reasons(session: Session, asked: Asked) -> Document:
    """For each pair of yardsticks how many differ, by reason in the order of precedence."""
    counted = by_reason(session, asked.rules, asked.clocks, asked.over)
    waiting = sum(
        row["n"] for row in differences.not_handed_over(session, asked.clocks, asked.over)
    )
    rows = []
    for pair in PAIRS:
        held = {reason: one for (of, reason), one in counted.items() if of == pair}
        between = ",".join(pair)
        row = _reason(BETWEEN[pair], sum(held.values(), Counter()))
        row.cells["between"], row.heading = between, True
        rows.append(row)
        for reason in Reason:
            if reason in held:
                row = _reason(SENTENCES[reason], held[reason])
                row.cells |= {"between": between, "reason": reason.value}
                row.level = 1
                rows.append(row)
    last = Row({"name": SENTENCES[Reason.NOT_HANDED_OVER], "differ": 0})
    last.cells |= {"reason": Reason.NOT_HANDED_OVER.value, "dossiers": waiting}
    last.translate, last.heading = frozenset({"name"}), True
    rows.append(last)
    columns = (*REASON_COLUMNS, Column("dossiers", "Dossiers"))
    return _document(REASONS_NAME, _REASONS_TITLE, asked, columns, rows, _REASONS_DEFINITION)


def _document(
    name: str,
    title: str,
    asked: Asked,
    columns: Sequence[Column],
    rows: list[Row],
    definition: Sequence[Note],
) -> Document:
    return Document(
        name=name,
        title=title,
        unit=asked.unit,
        branch=asked.about,
        period=asked.period,
        as_of=asked.over.close,
        columns=columns,
        rows=rows,
        total=None,
        definition=definition,
        data_as_of=asked.data_as_of,
        notes=asked.partly,
    )


def _of(name: str, branch: str | None, held: Beside) -> Iterator[Row]:
    """A heading with what differs, and a line a yardstick."""
    in_hand = sum(held.standings[Yardstick.LEGAL].values())
    row = Row({"name": name, "branch": branch, "in_hand": in_hand}, heading=True)
    for pair in PAIRS:
        row.cells["_".join(pair)] = held.disagreements(pair)
    yield row
    for yardstick, sentence in YARDSTICKS.items():
        tally, found = held.tally(yardstick), held.standings[yardstick]
        yield Row(
            {
                "name": sentence,
                "branch": branch,
                "yardstick": yardstick.value,
                "in_hand": in_hand,
                "early": tally.early,
                "on_time": tally.on_time,
                "late": tally.late,
                "no_verdict": found[Standing.NO_VERDICT] + found[Standing.UNCOUNTED],
                "in_time": found[Standing.IN_TIME],
                "overdue": found[Standing.OVERDUE],
                "unverified": found[Standing.UNVERIFIED],
                "no_limit": found[Standing.NO_LIMIT],
                "numerator": tally.numerator,
                "denominator": tally.denominator,
                "rate": tally.rate,
            },
            level=1,
            translate=frozenset({"name"}),
        )


def _reason(name: str, held: Counter[Difference]) -> Row:
    cells = {how.value: held[how] for how in Difference}
    differ = sum(held[how] for how in VERDICTS)
    both = differ + sum(held[how] for how in Difference if how not in VERDICTS)
    return Row(
        {"name": name, "differ": differ, **cells, "dossiers": both}, translate=frozenset({"name"})
    )
