"""Webhooks: where alerts and digests are sent, signed after the Standard Webhooks specification."""

import re
from http import HTTPStatus
from secrets import token_hex
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from app.core import events
from app.core.problems import Problem
from app.db import deliveries, delivery_log, webhooks
from app.db.deliveries import Channel, Draft
from app.db.webhooks import BOTH_SIGN_FOR, Owned
from app.service.access import Principal
from app.web import shown
from app.web.deps import MAX_ID, Now, Publisher, Transaction, visible
from app.web.problems import ProblemError

router = APIRouter(prefix="/v1/webhooks", tags=["alerts"])

_MAIL = re.compile(r"[!-~]+@[!-~]+\.[!-~]+")
_Id = Annotated[int, Path(ge=1, le=MAX_ID)]
_Events = Annotated[
    list[str] | None,
    Field(
        max_length=100,
        description="types of events it wants, null: every one; the document lists them under "
        "webhooks",
        examples=[["alert.overdue", "digest.daily"]],
    ),
]
_Contact = Annotated[
    str | None,
    Field(
        max_length=254,
        description="mail address told when it is paused; null: the office's administrators",
        examples=["it@example.org"],
    ),
]


class Webhook(BaseModel):
    """An address that receives the alerts of some branches, or of the whole office."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(max_length=2_000, examples=["https://example.org/hooks/dunghan"])
    branches: list[str] | None = Field(default=None, description="null: the whole office")
    events: _Events = None
    contact: _Contact = None


class WebhookChange(BaseModel):
    """What is to be changed of a webhook; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(default="", max_length=2_000, examples=["https://example.org/hooks/new"])
    branches: list[str] | None = Field(default=None, description="null: the whole office")
    events: _Events = None
    contact: _Contact = None
    active: bool = Field(default=True, description="false: nothing is sent to it any more")


@router.post("", summary="Register a webhook", status_code=201)
def post_webhook(
    session: Transaction, body: Webhook, caller: Publisher, now: Now
) -> dict[str, Any]:
    """The secret that signs its messages is shown only now."""
    values = _values(caller, body, {"url", "branches", "events", "contact"})
    webhook_id, secret = webhooks.create(
        session, caller.office, **values, created_at=now, created_by=caller.by
    )
    return {"id": webhook_id, **values, "secret": secret}


@router.get("", summary="The webhooks in scope")
def get_webhooks(session: Transaction, caller: Publisher) -> dict[str, Any]:
    """Without their secrets; `paused_at` says that one failed for long, and is left alone."""
    rows = webhooks.listing(session, owned(caller))
    return {"items": [item(row) for row in rows], "next": None}


@router.patch("/{webhook_id}", summary="Change a webhook")
def patch_webhook(
    session: Transaction, webhook_id: _Id, body: WebhookChange, caller: Publisher
) -> dict[str, Any]:
    """Only what is given. One that is paused stays so until it is resumed."""
    values = _values(caller, body, body.model_fields_set)
    row = (
        webhooks.change(session, webhook_id, owned(caller), values)
        if values
        else webhooks.find(session, webhook_id, owned(caller))
    )
    if row is None:
        raise _no_webhook()
    return item(row)


@router.delete("/{webhook_id}", summary="Remove a webhook", status_code=204)
def delete_webhook(session: Transaction, webhook_id: _Id, caller: Publisher) -> None:
    """Deliveries still queued for it are not sent."""
    if not webhooks.remove(session, webhook_id, owned(caller)):
        raise _no_webhook()


@router.post("/{webhook_id}/rotate", summary="Give a webhook a new secret")
def post_rotate(
    session: Transaction, webhook_id: _Id, caller: Publisher, now: Now
) -> dict[str, Any]:
    """Shown only now. Until `both_sign_until` messages carry the signatures of both secrets."""
    secret = webhooks.rotate(session, webhook_id, owned(caller), now)
    if secret is None:
        raise _no_webhook()
    until = shown.value(now + BOTH_SIGN_FOR)
    return {"id": webhook_id, "secret": secret, "both_sign_until": until}


@router.post("/{webhook_id}/test", summary="Send a test event", status_code=202)
def post_test(session: Transaction, webhook_id: _Id, caller: Publisher, now: Now) -> dict[str, Any]:
    """Queued as `webhook.test`, whatever it is narrowed to; the log tells what came of it."""
    row = webhooks.find(session, webhook_id, owned(caller))
    if row is None:
        raise _no_webhook()
    if row["paused_at"] is not None or not row["active"]:
        raise ProblemError(
            HTTPStatus.CONFLICT, "The webhook is paused or switched off; resume it first"
        )
    body = {
        "type": events.TEST,
        "timestamp": now.isoformat(),
        "data": {"webhook": webhook_id, "asked_by": caller.by},
    }
    key = f"test:{webhook_id}:{token_hex(8)}"
    draft = Draft(
        key, Channel.WEBHOOK, str(webhook_id), _only(row["branches"]), body, row["office"]
    )
    deliveries.queue(session, [draft], now)
    return {"delivery": delivery_log.id_of(session, key), "webhook_id": key, "event": body}


@router.post("/{webhook_id}/resume", summary="Send to a paused webhook again")
def post_resume(
    session: Transaction, webhook_id: _Id, caller: Publisher, now: Now
) -> dict[str, Any]:
    """What was held goes out, each with a fresh count of attempts; `released` is how many."""
    released = webhooks.resume(session, webhook_id, owned(caller), now)
    if released is None:
        raise _no_webhook()
    return {"id": webhook_id, "released": released}


def item(row: Any) -> dict[str, Any]:  # noqa: ANN401 a row
    """A webhook as it is shown."""
    told = {name: shown.value(held) for name, held in row.items() if name != "previous_until"}
    until = row["previous_until"]
    return told | {"both_sign_until": shown.value(until)}


def owned(caller: Principal) -> Owned:
    """The webhooks a caller keeps."""
    return Owned(caller.office, None if caller.whole_office else sorted(caller.branches))


def _values(caller: Principal, body: Webhook | WebhookChange, given: set[str]) -> dict[str, Any]:
    """The columns that are given, checked."""
    values: dict[str, Any] = {name: getattr(body, name) for name in sorted(given)}
    problems = []
    if "url" in given and not _may_be_called(body.url):
        why = "give an address such as https://example.org/hooks, without a login"
        problems.append(Problem("url", why))
    if body.contact is not None and _MAIL.fullmatch(body.contact) is None:
        problems.append(Problem("contact", "give one mail address, such as it@example.org"))
    if body.events is not None:
        problems += _strange(body.events)
    if problems:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid", problems)
    if "events" in given and body.events is not None:
        values["events"] = sorted(set(body.events))
    if "branches" in given:
        values["branches"] = _branches(caller, body.branches)
    return values


def _branches(caller: Principal, asked: list[str] | None) -> list[str] | None:
    if asked is not None:
        return sorted({visible(caller, branch)[0] for branch in asked})
    return None if caller.whole_office else sorted(caller.branches)


def _strange(asked: list[str]) -> list[Problem]:
    known = ", ".join(events.CHOOSABLE)
    if not asked:
        return [Problem("events", "name at least one event, or send null for every one")]
    return [
        Problem(f"events.{n}", "no such event; choose from {events}", {"events": known})
        for n, one in enumerate(asked)
        if one not in events.CHOOSABLE
    ]


def _only(branches: list[str] | None) -> str | None:
    return branches[0] if branches and len(branches) == 1 else None


def _no_webhook() -> ProblemError:
    return ProblemError(HTTPStatus.NOT_FOUND, "No such webhook")


def _may_be_called(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    whole = url.isprintable() and parts.scheme in ("https", "http") and port != 0
    return whole and bool(parts.hostname) and not parts.username
