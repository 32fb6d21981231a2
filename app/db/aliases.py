"""Other names of dossiers (SoBienNhan, MaHoSoMotCua), as their sources call them."""

from collections.abc import Sequence

from sqlalchemy import RowMapping, select, text
from sqlalchemy.orm import Session

from app.db.tables import alias


def named(session: Session, code: str) -> Sequence[RowMapping]:
    """The other names of a dossier and who calls it so."""
    query = select(alias.c.reference, alias.c.source).where(alias.c.code == code)
    return session.execute(query.order_by(alias.c.reference, alias.c.source)).mappings().all()


def codes_of(
    session: Session, references: Sequence[str], branches: Sequence[str]
) -> dict[str, str]:
    """The dossiers of some branches that bear these other names; a name two bear names neither."""
    rows = session.execute(_CODES, {"references": list(references), "branches": list(branches)})
    return {row[0]: row[1] for row in rows}


def call(session: Session, references: Sequence[tuple[str, str]], source: str) -> None:
    """Keep other names: pairs of reference and code."""
    told = sorted(set(references))
    arguments = {"references": [one[0] for one in told], "codes": [one[1] for one in told]}
    session.execute(_CALL, arguments | {"source": source})


_CODES = text(
    """
SELECT reference, min(code) FROM alias JOIN dossier USING (code)
WHERE reference = ANY(:references) AND branch = ANY(:branches)
GROUP BY reference HAVING count(DISTINCT code) = 1
"""
)
_CALL = text(
    """
INSERT INTO alias (reference, code, source)
SELECT reference, code, :source
FROM unnest(CAST(:references AS text[]), CAST(:codes AS text[])) AS given(reference, code)
ORDER BY reference, code ON CONFLICT DO NOTHING
"""
)
