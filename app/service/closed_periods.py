"""Whether closed periods hold what they held when they were closed."""

from collections.abc import Callable, Iterator
from hashlib import sha256

from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from app.db import closings
from app.db.engine import Sessions
from app.service.closings import closing_hash
from app.service.verify import Checked, Fault, What


def closed(
    sessions: Sessions, checked: Checked, on_progress: Callable[[], None] = lambda: None
) -> Iterator[Fault]:
    """Make every hash again: of reports, of the classes of dossiers, and of closings in a chain.

    A closing taken out of the middle breaks the one made after it; who took out the last ones is
    found by a hash that somebody wrote down.
    """
    checked.closings = 0
    with sessions() as session:
        made = closings.all_made(session)
    checked.of_closings = len(made)
    before: dict[str, bytes] = {}
    for row in made:
        with sessions() as session:
            for detail in _wrong(session, row, before.get(row["office"], b"")):
                checked.faults += 1
                yield Fault(What.CLOSING, detail, closing=f"{row['office']} {row['name']}")
        before[row["office"]] = row["hash"]
        checked.closings += 1
        on_progress()


def _wrong(session: Session, row: RowMapping, before: bytes) -> Iterator[str]:
    reports = closings.reports(session, row["id"])
    for one in reports:
        made = sha256(one.document).digest()
        if made != one.hash:
            where = f"of branch {one.branch}" if one.branch else "of the office"
            yield (
                f"report {one.report} {where} has the hash {made.hex()[:12]}…; "
                f"kept is {one.hash.hex()[:12]}…"
            )
    made = closings.dossiers_hash(session, row["id"])
    if made != row["dossiers_hash"]:
        yield (
            f"its dossiers have the hash {made.hex()[:12]}…; "
            f"kept is {row['dossiers_hash'].hex()[:12]}…"
        )
    made = closing_hash(row, reports, before)
    if made != row["hash"]:
        yield (
            f"it has the hash {made.hex()[:12]}…; kept is {row['hash'].hex()[:12]}…: it, its "
            "reports or the closing before it were changed"
        )
