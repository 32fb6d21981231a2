"""Rows the tests of time begin with."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.core.alarms import moments
from app.core.clock import Limit, Unit
from app.core.ladder import FIRST, Level
from app.db.tables import alert, delivery, dossier, watch
from app.service.rules import Rules

VN = timezone(timedelta(hours=7))
BRANCH = "H20.16.03"
OTHER = "H20.16.04"


def vn(text: str) -> datetime:
    """A local instant: `2026-11-23 07:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=VN)


def watched(
    session: Session,
    rules: Rules,
    due_on: str,
    *codes: str,
    branch: str = BRANCH,
    dossiers: bool = True,
    state: str = "running",
    apologies: list[Any] | None = None,
) -> None:
    """Running dossiers of a ten-day limit due on a day, with the watch rows intake writes."""
    on = date.fromisoformat(due_on)
    calendar = rules.calendar_of(branch)
    due_at = calendar.midnight_after(on.toordinal())
    limit = Limit.of(10, Unit.WORKING_DAYS)
    told = moments(on, due_at, limit, calendar, FIRST)
    put_watch(session, [(code, branch) for code in codes], told, due_at)
    if dossiers:
        session.execute(
            insert(dossier),
            [
                dossier_row(code, branch, due_at, on, state) | {"apologies": apologies}
                for code in codes
            ],
        )
    session.commit()


def put_watch(
    session: Session,
    codes: Sequence[tuple[str, str]],
    told: Sequence[tuple[datetime, Level]],
    due_at: datetime | None = None,
) -> None:
    session.execute(
        insert(watch),
        [
            {
                "code": code,
                "branch": branch,
                "due_at": due_at or told[-1][0],
                "ladder": 1,
                "moments": [at for at, _ in told],
                "levels": [int(level) for _, level in told],
                "next_at": told[0][0],
                "next_level": int(told[0][1]),
            }
            for code, branch in codes
        ],
    )


def dossier_row(
    code: str, branch: str, due_at: datetime, due_on: date, state: str
) -> dict[str, Any]:
    return {
        "code": code,
        "procedure": "1.013831",
        "procedure_code": "1.013831",
        "branch": branch,
        "channel": "counter",
        "applicant_kind": "citizen",
        "status": 4,
        "catalogue_version": 1,
        "state": state,
        "case_assumed": False,
        "difficult": False,
        "due_on": due_on,
        "due_at": due_at,
        "provisional": False,
        "legal_late": False,
        "index766_late": False,
        "updated_at": due_at - timedelta(days=20),
        "source": "one-stop",
        "content_hash": b"-",
        "revision_no": 1,
        "head_hash": b"-",
        "promises": [],
        "first_seen_at": due_at - timedelta(days=20),
    }


def alerts_raised(session: Session) -> list[tuple[str, str]]:
    """What was said: code and level, in order of the codes."""
    rows = session.execute(
        select(alert.c.subject, alert.c.level).order_by(alert.c.subject, alert.c.id)
    )
    return [(code, Level(level).name) for code, level in rows]


def deliveries_queued(session: Session) -> list[Any]:
    return list(session.execute(select(delivery).order_by(delivery.c.key)).mappings())
