"""The on-time report as a table, with the definition of each figure."""

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy.orm import Session

from app.core.lifecycle import ApplicantKind, Channel
from app.core.yardsticks import Yardstick
from app.db.in_hand import BY_END, Group
from app.service.asked import Asked
from app.service.document import Bars, Column, Document, Kind, Note, Row, Value, word
from app.service.on_time import NOW_COLUMNS, Line, Report, on_time
from app.service.rules import Rules

NAME = "on-time"
_TITLE = "Dossiers settled on time"
DEFINITIONS: Mapping[Yardstick, str] = {
    Yardstick.LEGAL: "Our clock, by law. Ended by a result, a refusal or a return, on a day of the "
    "period; on time if on or before the last day of the limit, suspensions taken out, and no "
    "stage late. A withdrawal does not count.",
    Yardstick.FORM: "Form II.06a (TT 01/2020/TT-VPCP) as practised. Ended on a day of the period; "
    "on time if on or before the day last promised, or if none was promised; withdrawn and "
    "returned dossiers are on time.",
    Yardstick.INDEX766: "Formula 2.1 of QĐ 766/QĐ-TTg. The end less the time of the supplement, on "
    "or before the day promised; a second supplement request is late.",
}
BESIDE = (
    "rate = numerator / denominator = (early + on time) / (early + on time + late); null is no "
    "data. Open, overdue and unverified are as of the close of the period, or now where it is not "
    "over; due soon, suspended and waiting as of now. Carried over was received before the period "
    "and had not ended. Uncounted ended in a way this yardstick leaves out."
)
FELL_DUE = (
    "Fell due: the last day by law lay in the period. rate = met / (met + missed); met ended early "
    "or on time, missed ended late or was open past its due day, ahead is open and not yet due."
)
REFUSED = (
    "No limit known: ended or open, and the law gives no due day, so nothing can be said of it. "
    "Refused records: sent, not taken in and not mended by the close; they are in no other figure."
)
_ENDED = "Ended in the period"
_OPEN = "Open at the close"
_DUE = "Fell due in the period"
_FIGURES = (
    Column("early", "Early", under=(_ENDED,)),
    Column("on_time", "On time", under=(_ENDED,)),
    Column("late", "Past due", under=(_ENDED,), late=True),
    Column("numerator", "Early and on time", under=(_ENDED,)),
    Column("denominator", "All with a verdict", under=(_ENDED,)),
    Column("rate", "Rate", Kind.RATE, under=(_ENDED,)),
    Column("uncounted", "Not counted", under=(_ENDED,), note=1),
    Column("no_limit", "No limit known", note=3),
    Column("open", "All", under=(_OPEN,), note=1),
    Column("overdue", "Overdue", under=(_OPEN,), late=True, note=1),
    Column("unverified", "Unverified", under=(_OPEN,), note=1),
    Column("due_soon", "Due soon", under=(_OPEN,), note=1),
    Column("suspended", "Suspended", under=(_OPEN,), note=1),
    Column("waiting", "Waiting for the tax", under=(_OPEN,), note=1),
    Column("carried_over", "Carried over", note=1),
    Column("due", "All", under=(_DUE,), note=2),
    Column("met", "Met", under=(_DUE,), note=2),
    Column("missed", "Missed", under=(_DUE,), late=True, note=2),
    Column("ahead", "Still ahead", under=(_DUE,), note=2),
    Column("due_rate", "Rate", Kind.RATE, under=(_DUE,), note=2),
    Column("quarantined", "Refused records", note=3),
)
_KEYS: Mapping[Group, tuple[Column, ...]] = {
    Group.BRANCH: (
        Column("branch", "Branch code", Kind.CODE),
        Column("branch_name", "Branch", Kind.TEXT),
    ),
    Group.PROCEDURE: (
        Column("procedure", "Procedure code", Kind.CODE),
        Column("procedure_name", "Procedure", Kind.TEXT),
    ),
    Group.GROUP: (Column("group", "Group of procedures", Kind.TEXT),),
    Group.CASE: (Column("case", "Case", Kind.TEXT),),
    Group.COMMUNE: (Column("commune", "Commune", Kind.CODE),),
    Group.CHANNEL: (Column("channel", "Channel", Kind.TEXT),),
    Group.APPLICANT_KIND: (Column("applicant_kind", "Kind of applicant", Kind.TEXT),),
    Group.MONTH: (Column("month", "Month of the end", Kind.TEXT),),
    Group.QUARTER: (Column("quarter", "Quarter of the end", Kind.TEXT),),
    Group.REPORTING_QUARTER: (
        Column("reporting_quarter", "Reporting quarter of the end", Kind.TEXT),
    ),
}
_WORDS: Mapping[str, str] = {
    Channel.ONLINE: word("online"),
    Channel.COUNTER: word("at the counter"),
    Channel.POST: word("by post"),
    ApplicantKind.CITIZEN: word("citizen"),
    ApplicantKind.ENTERPRISE: word("enterprise"),
    ApplicantKind.STATE_BODY: word("state body"),
    ApplicantKind.ORGANISATION: word("organisation"),
}
_TRANSLATED = frozenset({Group.CHANNEL.value, Group.APPLICANT_KIND.value})


def report(
    session: Session,
    asked: Asked,
    *,
    group_by: Sequence[Group] = (Group.BRANCH,),
    yardstick: Yardstick = Yardstick.LEGAL,
) -> Document:
    """The report that is asked for, as a table."""
    return document(figures(session, asked, group_by, yardstick), asked, yardstick)


def figures(
    session: Session, asked: Asked, group_by: Sequence[Group], yardstick: Yardstick
) -> Report:
    """Its figures, with what fell due."""
    return on_time(
        session,
        asked.rules,
        asked.clocks,
        asked.heard,
        asked.now,
        office=asked.caller.office,
        whole_office=asked.whole_office,
        first=asked.over.first,
        last=asked.over.last,
        groups=group_by,
        yardstick=yardstick,
        cohort=True,
    )


def document(found: Report, asked: Asked, yardstick: Yardstick) -> Document:
    """The figures as a table; what does not belong to the split is left out of a row, not zero."""
    rules, about = asked.rules, asked.about
    keys = [column for group in found.groups for column in _KEYS[group]]
    hidden = () if found.current else NOW_COLUMNS
    total = Row(_cells(found.total, found))
    if keys:  # the column that names the rows
        total.cells[keys[-1].key], total.translate = word("Total"), frozenset({keys[-1].key})
    return Document(
        name=NAME,
        title=_TITLE,
        unit=rules.branches[about].name if about else rules.offices[asked.caller.office],
        branch=about,
        period=asked.period,
        as_of=found.as_of,
        columns=[*keys, *(column for column in _FIGURES if column.key not in hidden)],
        rows=[_row(line, found, rules) for line in found.rows],
        total=total,
        definition=[Note(DEFINITIONS[yardstick]), Note(BESIDE), Note(FELL_DUE), Note(REFUSED)],
        notes=asked.partly,
        data_as_of=found.data_as_of,
        chart=Bars(keys[-1].key, ("early", "on_time", "late"), "rate") if keys else None,
    )


def _row(line: Line, found: Report, rules: Rules) -> Row:
    cells = dict(_names(line, found.groups, rules)) | _cells(line, found)
    return Row(cells, translate=_TRANSLATED.intersection(cells))


def _names(line: Line, groups: Sequence[Group], rules: Rules) -> Iterator[tuple[str, Value]]:
    """What a row is about: codes with their names."""
    for group, key in zip(groups, line.key, strict=True):
        yield group.value, _WORDS.get(key, key) if group in _TRANSLATED else key
        if group is Group.BRANCH:
            held = rules.branches.get(key)
            yield "branch_name", held.short_name if held else key
        if group is Group.PROCEDURE:
            yield "procedure_name", rules.procedures.get(key)


def _cells(line: Line, found: Report) -> dict[str, Value]:
    whole = line is found.total
    tally = line.tally
    cells: dict[str, Value] = {
        "early": tally.early,
        "on_time": tally.on_time,
        "late": tally.late,
        "numerator": tally.numerator,
        "denominator": tally.denominator,
        "rate": tally.rate,
        "no_limit": line.no_limit,
        "uncounted": line.uncounted,
    }
    if whole or not BY_END.intersection(found.groups):
        names = ("open", "overdue", "unverified", *NOW_COLUMNS, "carried_over")
        cells |= {name: line.beside.get(name, 0) for name in names}
        cells |= {name: line.fell_due.get(name, 0) for name in ("due", "met", "missed", "ahead")}
        cells["due_rate"] = line.due_rate
    if whole or found.groups == (Group.BRANCH,):
        cells["quarantined"] = line.beside.get("quarantined", 0)
    return cells
