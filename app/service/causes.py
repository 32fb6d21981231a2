"""Why dossiers were late in a period, by branch: what directors said, and what nobody did."""

from collections import Counter

from sqlalchemy.orm import Session

from app.core.causes import Cause
from app.db import causes
from app.service.asked import Asked
from app.service.document import Bars, Column, Document, Kind, Note, Row, Value, word

NAME = "causes"
_TITLE = "Why dossiers were late"
_UNSAID = "unsaid"
_BY_CAUSE = "Late, by cause"
_COLUMNS: tuple[Column, ...] = (
    Column("branch", "Code", Kind.CODE),
    Column("name", "Branch", Kind.TEXT),
    Column("ended", "Ended late"),
    Column("open", "Overdue"),
    Column(Cause.STAFF.value, "Staff", under=(_BY_CAUSE,), note=1),
    Column(Cause.TAX.value, "Tax office", under=(_BY_CAUSE,), note=1),
    Column(
        Cause.COMMUNE_POSTING.value, "Public posting by the commune", under=(_BY_CAUSE,), note=1
    ),
    Column(Cause.MEASURING.value, "Measuring", under=(_BY_CAUSE,), note=1),
    Column(Cause.SYSTEM.value, "System or data in transit", under=(_BY_CAUSE,), note=1),
    Column(Cause.APPLICANT.value, "Applicant", under=(_BY_CAUSE,), note=1),
    Column(Cause.OTHER.value, "Other", under=(_BY_CAUSE,), note=1),
    Column(_UNSAID, "Not said", under=(_BY_CAUSE,), late=True, note=1),
)
_FIGURES = tuple(column.key for column in _COLUMNS if column.kind is Kind.COUNT)
_DEFINITION = (
    Note(
        "Late by law: what ended late in the period, and what was overdue at its close; what is "
        "unverified then is not among it."
    ),
    Note(
        "Each under the cause said of it last, whenever that was; the branch that held it at its "
        "end, or holds it, has it in its row."
    ),
)


def report(session: Session, asked: Asked) -> Document:
    """A row for every active branch, and for any other with a late dossier."""
    found = {code: Counter[str]() for code in asked.active}
    whole = Counter[str]()
    for row in causes.counted(session, asked.clocks, asked.over):
        which = "open" if row["open"] else "ended"
        for held in (found.setdefault(row["branch"], Counter()), whole):
            held[which] += row["n"]
            held[row["cause"] or _UNSAID] += row["n"]
    branches = asked.rules.branches
    total = Row({"branch": word("Total"), **_figures(whole)}, translate=frozenset({"branch"}))
    return Document(
        name=NAME,
        title=_TITLE,
        unit=asked.unit,
        branch=asked.about,
        period=asked.period,
        as_of=asked.over.close,
        columns=_COLUMNS,
        rows=[
            Row({"branch": code, "name": branches[code].short_name, **_figures(found[code])})
            for code in sorted(found)
        ],
        total=total,
        definition=_DEFINITION,
        data_as_of=asked.data_as_of,
        notes=asked.partly,
        chart=Bars("name", (*(cause.value for cause in Cause), _UNSAID)),
    )


def _figures(held: Counter[str]) -> dict[str, Value]:
    return {name: held[name] for name in _FIGURES}
