"""Those who hold different locks never wait for one another."""

from datetime import UTC, datetime

from sqlalchemy import Engine, text

from app.db import alerts, digests, publications
from app.db.engine import Sessions
from app.db.leadership import Leader

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def test_who_publishes_does_not_wait_for_who_leads(engine: Engine, sessions: Sessions):
    """They shared a number once, and while a scheduler led no law could be published."""
    leader = Leader(engine)
    assert leader.renew()
    try:
        with sessions() as session:
            session.execute(text("SET LOCAL lock_timeout = '1s'"))
            publications.draft(session)
            publications.lock(session)
            digests.alerts_settled(session)
            alerts.raise_due(session, NOW, {}, 1)
            session.rollback()
    finally:
        leader.release()
