"""Stored dossiers, one by one, and the name beside."""

from collections.abc import Sequence

from sqlalchemy import RowMapping, select
from sqlalchemy.orm import Session

from app.db.tables import applicant, dossier


def find(
    session: Session, code: str, branches: Sequence[str], *, lock: bool = False
) -> RowMapping | None:
    """One dossier of the branches in scope; None where there is none, or it is out of scope.

    With `lock` nobody else writes it until the transaction ends.
    """
    query = select(dossier).where(dossier.c.code == code, dossier.c.branch.in_(branches))
    if lock:
        query = query.with_for_update()
    return session.execute(query).mappings().first()


def several(
    session: Session, codes: Sequence[str], branches: Sequence[str]
) -> Sequence[RowMapping]:
    """Those of some dossiers that are in scope."""
    query = select(dossier).where(dossier.c.code.in_(codes), dossier.c.branch.in_(branches))
    return session.execute(query).mappings().all()


def name_of(session: Session, code: str) -> str | None:
    """The applicant's name; ask only after `find` has said that the caller may see the dossier."""
    details = session.scalar(select(applicant.c.details).where(applicant.c.subject == code))
    return details.get("name") if details else None


def names_of(session: Session, codes: Sequence[str]) -> dict[str, str]:
    """The names of the applicants of some dossiers that the caller was found to see."""
    query = select(applicant.c.subject, applicant.c.details).where(applicant.c.subject.in_(codes))
    return {row[0]: row[1]["name"] for row in session.execute(query) if row[1].get("name")}
