"""Every fifteen seconds: the sources whose time has come are asked, a few at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import structlog
from sqlalchemy import RowMapping

from app import wallclock
from app.db import job_runs
from app.outbound import portal
from app.outbound.portal import Door
from app.service import pull
from app.service.pull import Told
from jobs import Context

_AT_ONCE = 4
_log = structlog.get_logger()


def ask_sources(context: Context, now: datetime) -> int:
    """Ask every source that is due; return how many records were new.

    Each is leased to us alone, so two schedulers never ask one source at once. A source that fails
    is in the ledger by its name, and delays no other.
    """
    due: list[RowMapping] = []
    while row := pull.claim(context.sessions, now):
        due.append(row)
    if not due:
        return 0
    settings = context.settings
    with portal.client(settings.pull_ca) as client, ThreadPoolExecutor(_AT_ONCE) as pool:
        door = Door(client, settings.pull_reach)
        told = list(pool.map(lambda row: _ask(context, row, door), due))
    return sum(told)


def _ask(context: Context, row: RowMapping, door: Door) -> int:
    began = wallclock.now()
    name = f"pull {row['source']}"
    try:
        told = pull.run(row, context.sessions, context.book, door, wallclock.now)
    except Exception:  # noqa: BLE001 whatever it is, the other sources are asked
        _log.exception("pull failed", source=row["source"])
        told = Told(row["source"])
    if told.problem is not None:
        _log.warning("pull failed", source=row["source"], why=told.problem.message)
        with context.sessions.begin() as session:
            job_runs.record(
                session,
                name,
                began,
                wallclock.now(),
                done=told.done,
                error=told.problem.detail,
            )
    return told.done
