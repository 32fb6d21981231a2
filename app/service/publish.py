"""Publishing a change of the catalogue: the same by command and by API."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.db import publications
from app.db.calendars import NATIONAL
from app.service import calendar_changes, changes
from app.service.changes import Change

SAMPLE = Path(__file__).parents[1] / "catalogue"


class Published(NamedTuple):
    """A publication: the version it made, and how many rows of the catalogue it moved."""

    version: int
    changed: int


def publish(session: Session, change: Change, by: str, now: datetime) -> Published | None:
    """Make a change the newest version of the catalogue; None if it changes nothing.

    Waits for intakes under way and keeps new ones out until this transaction ends: commit at once,
    then `service.recompute` derives the open dossiers it concerns.

    Raises:
        NotPublishableError: the catalogue would contradict itself.
    """
    with session.begin_nested() as attempt:
        version = publications.advance(session, now)
        changed, reach = change.apply(session, version, now)
        if not changed:
            attempt.rollback()
            return None
        publications.record(
            session,
            version,
            by=by,
            kind=change.kind,
            subject=change.subject,
            details=change.details,
            reach=reach,
            now=now,
        )
    return Published(version, changed)


def sample(session: Session, by: str, now: datetime, folder: Path = SAMPLE) -> None:
    """Publish the catalogue that comes with the program; what is the same stays as it is."""
    for change in _of_folder(folder):
        publish(session, change, by, now)


def _of_folder(folder: Path) -> Iterator[Change]:
    yield calendar_changes.calendar(NATIONAL, _read(folder / "calendar_vn.json"))
    yield changes.office(_read(folder / "dong_thap.json"))
    yield changes.supplement(_read(folder / "supplement.json"))
    yield changes.procedures(_read(folder / "procedures.json"))


def _read(file: Path) -> Any:  # noqa: ANN401 JSON
    return json.loads(file.read_text(encoding="utf-8"))
