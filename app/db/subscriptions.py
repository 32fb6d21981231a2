"""Subscriptions: what each person wants to hear; who said nothing hears what their role does."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import RowMapping, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core.subscriptions import Subscription
from app.db.tables import subscription, user_account

_COLUMNS = ("daily", "weekly", "all_clear", "quiet_weekdays", "quiet_days")


def of(session: Session, user_ids: Collection[int]) -> Mapping[int, Subscription]:
    """The subscription of each of some people, that of their role where there is none; a query."""
    account = user_account.c
    query = (
        select(account.id, account.role, *(subscription.c[name] for name in _COLUMNS))
        .join(subscription, subscription.c.user_id == account.id, isouter=True)
        .where(account.id.in_(sorted(set(user_ids))))
    )
    return {row["id"]: read(row) for row in session.execute(query).mappings()}


def put(session: Session, user_id: int, wished: Subscription) -> None:
    """Keep what a person wants to hear, whole."""
    values: dict[str, Any] = {
        "daily": wished.daily,
        "weekly": wished.weekly,
        "all_clear": wished.all_clear,
        "quiet_weekdays": sorted(wished.quiet_weekdays),
        "quiet_days": [
            {"from": first.isoformat(), "until": last.isoformat()}
            for first, last in wished.quiet_days
        ],
    }
    fresh = insert(subscription).values(user_id=user_id, **values)
    session.execute(fresh.on_conflict_do_update(index_elements=["user_id"], set_=values))


def people(session: Session, office: str) -> Sequence[RowMapping]:
    """The active accounts of an office by login, with the columns of their subscription or null."""
    account = user_account.c
    query = (
        select(
            *(account.id, account.login, account.name, account.email),
            *(account.role, account.branches),
            *(subscription.c[name] for name in _COLUMNS),
        )
        .join(subscription, subscription.c.user_id == account.id, isouter=True)
        .where(account.office == office, account.active)
        .order_by(account.login)
    )
    return session.execute(query).mappings().all()


def is_of(session: Session, user_id: int, office: str) -> bool:
    """Whether an active account belongs to an office."""
    account = user_account.c
    query = select(account.id).where(
        account.id == user_id, account.office == office, account.active
    )
    return session.execute(query).first() is not None


def read(row: Mapping[Any, Any]) -> Subscription:
    """The subscription in a row; that of its role where its columns are null."""
    if row["daily"] is None:
        return Subscription.of_role(row["role"])
    return Subscription(
        daily=row["daily"],
        weekly=row["weekly"],
        all_clear=row["all_clear"],
        quiet_weekdays=frozenset(row["quiet_weekdays"]),
        quiet_days=tuple(
            (date.fromisoformat(span["from"]), date.fromisoformat(span["until"]))
            for span in row["quiet_days"]
        ),
    )
