"""Who a caller is and what it may see: clients by token, people by session."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from threading import BoundedSemaphore
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy.orm import Session

from app.db import access
from app.db.refusals import Scope
from app.service.outcomes import Caller
from app.service.rules import Rules

_hasher = PasswordHasher()
# One check takes 64 MiB: a crowd at the door must wait in line, not fill the memory.
_AT_ONCE = BoundedSemaphore(4)
# Checked when the login is unknown, so that the time taken does not tell which logins exist.
_NOBODY = _hasher.hash(secrets.token_hex(8))


class Right(StrEnum):
    """What a credential may be used for (the scopes of an access token)."""

    INTAKE = "intake"
    READ = "read"
    RECORD = "record"  # what directors say of dossiers: causes of lateness, letters
    CATALOGUE = "catalogue"
    ADMIN = "admin"


class Role(StrEnum):
    """What a person is."""

    DIRECTOR = "director"
    ADMINISTRATOR = "administrator"
    DEPARTMENT = "department"  # the Sở above the office: sees all of it, changes nothing


_RIGHTS = {
    Role.DIRECTOR: frozenset({Right.READ, Right.RECORD}),
    Role.ADMINISTRATOR: frozenset(Right),
    Role.DEPARTMENT: frozenset({Right.READ}),
}


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller who has shown a credential.

    `branches` are those it may see and speak for; `whole_office` whether that is the whole office,
    and with it the records that name no branch. Every query takes this scope as an argument.
    """

    by: str
    source: str
    office: str
    branches: frozenset[str]
    whole_office: bool
    rights: frozenset[Right]
    user_id: int | None = None
    name: str = ""
    role: Role | None = None
    language: str | None = None
    csrf: str | None = None

    @property
    def caller(self) -> Caller:
        """The scope as intake takes it."""
        return Caller(self.source, self.by, self.office, self.branches)

    @property
    def scope(self) -> Scope:
        """The scope as quarantine takes it."""
        return Scope(self.office, sorted(self.branches), self.whole_office)


def digest(secret: str) -> bytes:
    """What is stored of a secret. Plain SHA-256: 256 random bits leave nothing to guess."""
    return sha256(secret.encode()).digest()


def issue_token(
    session: Session, client_id: str, secret: str, now: datetime, lifetime: timedelta
) -> tuple[str, frozenset[Right]] | None:
    """A new access token and its rights, or None if client and secret do not match."""
    held = access.find_client(session, client_id)
    known = held["secret_hash"] if held else digest(secrets.token_hex(8))
    if not secrets.compare_digest(bytes(known), digest(secret)) or held is None:
        return None
    token = secrets.token_urlsafe(32)
    access.save_token(session, digest(token), client_id, now + lifetime)
    return token, frozenset(Right(scope) for scope in held["scopes"])


def by_token(session: Session, token: str, rules: Rules, now: datetime) -> Principal | None:
    """The client a bearer token belongs to."""
    held = access.client_of_token(session, digest(token), now)
    if held is None:
        return None
    branches = _scope(held["office"], held["branches"], rules)
    return Principal(
        by=f"client:{held['client_id']}",
        source=held["source"],
        office=held["office"],
        branches=branches,
        whole_office=held["branches"] is None,
        rights=frozenset(Right(scope) for scope in held["scopes"]),
    )


def by_session(session: Session, cookie: str, rules: Rules, now: datetime) -> Principal | None:
    """The person a sign-in cookie belongs to."""
    held = access.user_of_session(session, digest(cookie), now)
    if held is None:
        return None
    role = Role(held["role"])
    return Principal(
        by=f"user:{held['login']}",
        source="pages",
        office=held["office"],
        branches=_scope(held["office"], held["branches"], rules),
        whole_office=held["branches"] is None,
        rights=_RIGHTS[role],
        user_id=held["id"],
        name=held["name"],
        role=role,
        language=held["language"],
        csrf=held["csrf"],
    )


def sign_in(
    session: Session, login: str, password: str, now: datetime, lifetime: timedelta
) -> str | None:
    """A new session cookie, or None if login and password do not match."""
    held = access.find_user(session, login)
    try:
        with _AT_ONCE:
            _hasher.verify(held["password_hash"] if held else _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return None
    if held is None:
        return None
    cookie = secrets.token_urlsafe(32)
    access.save_session(
        session, digest(cookie), held["id"], secrets.token_urlsafe(24), now + lifetime
    )
    return cookie


def add_user(session: Session, *, password: str, **values: Any) -> int:  # noqa: ANN401 columns
    """Create or change an account (Argon2id); its sign-ins end with the old password."""
    user_id = access.put_user(session, password_hash=_hasher.hash(password), **values)
    access.end_sessions(session, user_id)
    return user_id


def add_client(
    session: Session,
    *,
    client_id: str,
    source: str,
    office: str,
    branches: Iterable[str] | None,
    rights: Iterable[Right],
) -> str:
    """Create a client, or give it a new secret; returns the secret, which is shown only now."""
    secret = secrets.token_urlsafe(32)
    access.put_client(
        session,
        client_id=client_id,
        secret_hash=digest(secret),
        source=source,
        office=office,
        branches=None if branches is None else sorted(branches),
        scopes=[right.value for right in rights],
        active=True,
    )
    access.end_tokens(session, client_id)
    return secret


def _scope(office: str, branches: list[str] | None, rules: Rules) -> frozenset[str]:
    ours = {code for code, held in rules.branches.items() if held.office == office}
    return frozenset(ours if branches is None else ours.intersection(branches))
