"""Every advisory lock that is one number, in one place: two that shared one would wait in vain."""

from enum import IntEnum, unique

from sqlalchemy import text
from sqlalchemy.orm import Session


@unique
class AdvisoryLock(IntEnum):
    """What is locked; the numbers mean nothing but must differ."""

    CATALOGUE = 7_266_001
    """Held shared by every intake, alone by a publication: a publication waits for the intakes that
    computed with the old version, and no intake begins with the old one after it."""
    DRAFT = 7_266_002
    """Held by who tries a change on the catalogue, published in the end or not."""
    ALERT_IDS = 7_266_003
    """Held shared by who raises alerts, alone by who reads how far their ids go."""
    LEADERSHIP = 7_266_004
    """Held for as long as one scheduler leads."""


_ALONE = text("SELECT pg_advisory_xact_lock(:key)")
_SHARED = text("SELECT pg_advisory_xact_lock_shared(:key)")


def alone(session: Session, lock: AdvisoryLock) -> None:
    """Wait until nobody else holds it, and hold it until the transaction ends."""
    session.execute(_ALONE, {"key": lock.value})


def shared(session: Session, lock: AdvisoryLock) -> None:
    """Wait until nobody holds it alone, and hold it with others until the transaction ends."""
    session.execute(_SHARED, {"key": lock.value})
