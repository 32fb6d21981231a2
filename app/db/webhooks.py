"""Webhooks: addresses of other machines that are told, scoped by office and branches."""

import base64
import secrets
from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, RowMapping, Text, and_, cast, delete, insert, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from app.db.tables import webhook

_SECRET_BYTES = 32  # Standard Webhooks asks for 24 to 64


def create(
    session: Session, office: str, branches: Collection[str] | None, url: str
) -> tuple[int, str]:
    """Add a webhook for some branches of an office (None: all); return its id and secret.

    The secret is shown to people this once; the caller has checked that the branches are theirs.
    """
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    row = {
        "office": office,
        "branches": None if branches is None else sorted(branches),
        "url": url,
        "secret": secret,
    }
    added = session.execute(insert(webhook).values(row).returning(webhook.c.id))
    return int(added.scalar_one()), secret


def listing(
    session: Session, office: str, branches: Collection[str] | None
) -> Sequence[RowMapping]:
    """The webhooks of a scope, oldest first, without their secrets."""
    query = (
        select(
            webhook.c.id,
            webhook.c.office,
            webhook.c.branches,
            webhook.c.url,
            webhook.c.active,
        )
        .where(_within(office, branches))
        .order_by(webhook.c.id)
    )
    return session.execute(query).mappings().all()


def remove(
    session: Session, webhook_id: int, office: str, branches: Collection[str] | None
) -> bool:
    """Delete a webhook of a scope; False if the scope has no such webhook.

    What is still queued for it is given up at its next attempt.
    """
    found = session.execute(
        delete(webhook)
        .where(webhook.c.id == webhook_id, _within(office, branches))
        .returning(webhook.c.id)
    )
    return found.first() is not None


def _within(office: str, branches: Collection[str] | None) -> ColumnElement[bool]:
    """A caller bound to branches sees the webhooks that tell of these only, never wider ones."""
    ours = webhook.c.office == office
    if branches is None:
        return ours
    return and_(ours, webhook.c.branches.contained_by(cast(sorted(branches), ARRAY(Text))))
