"""Who may come in: accounts, clients, tokens, sessions. Secrets are kept as hashes only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.db.tables import access_token, client, source, user_account
from app.db.tables import session as session_table


def put_source(session: Session, code: str, name: str, rank: int | None = None) -> None:
    """Insert or rename a sending system; its rank stays (100 at first) unless one is given."""
    told: dict[str, Any] = {"name": name} if rank is None else {"name": name, "rank": rank}
    fresh = insert(source).values(code=code, **told)
    session.execute(fresh.on_conflict_do_update(index_elements=["code"], set_=told))


def sources(session: Session, office: str) -> Sequence[RowMapping]:
    """The systems that send for an office, the highest-ranked first."""
    ours = select(client.c.source).where(client.c.office == office)
    query = (
        select(source.c.code, source.c.name, source.c.rank)
        .where(source.c.code.in_(ours))
        .order_by(source.c.rank, source.c.code)
    )
    return session.execute(query).mappings().all()


def put_client(session: Session, **values: Any) -> None:  # noqa: ANN401 columns of `client`
    """Insert a client, or give it a new secret and scope."""
    fresh = insert(client).values(**values)
    changed = {name: fresh.excluded[name] for name in values if name != "client_id"}
    session.execute(fresh.on_conflict_do_update(index_elements=["client_id"], set_=changed))


def find_client(session: Session, client_id: str) -> RowMapping | None:
    """An active client."""
    query = select(client).where(client.c.client_id == client_id, client.c.active)
    return session.execute(query).mappings().first()


def put_user(session: Session, **values: Any) -> int:  # noqa: ANN401 columns of `user_account`
    """Insert an account by its login, or change it; return its id."""
    fresh = insert(user_account).values(**values)
    changed = {name: fresh.excluded[name] for name in values if name != "login"}
    made = fresh.on_conflict_do_update(index_elements=["login"], set_=changed)
    return int(session.execute(made.returning(user_account.c.id)).scalar_one())


def find_user(session: Session, login: str) -> RowMapping | None:
    """An active account by its login."""
    query = select(user_account).where(user_account.c.login == login, user_account.c.active)
    return session.execute(query).mappings().first()


def administrators(session: Session, office: str) -> Sequence[RowMapping]:
    """The active administrators of an office who have a mail address: id and email."""
    account = user_account.c
    query = select(account.id, account.email).where(
        account.office == office,
        account.role == "administrator",
        account.active,
        account.email != "",
    )
    return session.execute(query.order_by(account.id)).mappings().all()


def save_token(session: Session, token_hash: bytes, client_id: str, expires_at: datetime) -> None:
    """Remember an access token by its hash."""
    session.execute(
        insert(access_token).values(
            token_hash=token_hash, client_id=client_id, expires_at=expires_at
        )
    )


def client_of_token(session: Session, token_hash: bytes, now: datetime) -> RowMapping | None:
    """The active client a living token belongs to."""
    query = (
        select(client)
        .join(access_token, access_token.c.client_id == client.c.client_id)
        .where(
            access_token.c.token_hash == token_hash,
            access_token.c.expires_at > now,
            client.c.active,
        )
    )
    return session.execute(query).mappings().first()


def save_session(
    session: Session, token_hash: bytes, user_id: int, csrf: str, expires_at: datetime
) -> None:
    """Remember a sign-in by the hash of its cookie."""
    session.execute(
        insert(session_table).values(
            token_hash=token_hash, user_id=user_id, csrf=csrf, expires_at=expires_at
        )
    )


def user_of_session(session: Session, token_hash: bytes, now: datetime) -> RowMapping | None:
    """The active account of a living sign-in, with its CSRF token."""
    query = (
        select(user_account, session_table.c.csrf)
        .join(session_table, session_table.c.user_id == user_account.c.id)
        .where(
            session_table.c.token_hash == token_hash,
            session_table.c.expires_at > now,
            user_account.c.active,
        )
    )
    return session.execute(query).mappings().first()


def end_sessions(session: Session, user_id: int) -> None:
    """Forget every sign-in of an account."""
    session.execute(delete(session_table).where(session_table.c.user_id == user_id))


def end_tokens(session: Session, client_id: str) -> None:
    """Forget every token of a client."""
    session.execute(delete(access_token).where(access_token.c.client_id == client_id))


def end_session(session: Session, token_hash: bytes) -> None:
    """Forget a sign-in."""
    session.execute(delete(session_table).where(session_table.c.token_hash == token_hash))
