"""Webhooks: where alerts and digests are sent, signed after the Standard Webhooks specification."""

from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from app.core.problems import Problem
from app.db import webhooks
from app.service.access import Principal
from app.web.deps import MAX_ID, Publisher, Transaction, visible
from app.web.problems import ProblemError

router = APIRouter(prefix="/v1/webhooks", tags=["alerts"])


class Webhook(BaseModel):
    """An address that receives the alerts of some branches, or of the whole office."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(max_length=2_000, examples=["https://example.org/hooks/dunghan"])
    branches: list[str] | None = Field(default=None, description="null: the whole office")


@router.post("", summary="Register a webhook", status_code=201)
def post_webhook(session: Transaction, body: Webhook, caller: Publisher) -> dict[str, Any]:
    """The secret that signs its messages is shown only now."""
    if not _may_be_called(body.url):
        told = Problem("url", "give an address such as https://example.org/hooks, without a login")
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid", [told])
    branches = body.branches
    if branches is not None:
        branches = [visible(caller, branch)[0] for branch in branches]
    elif not caller.whole_office:
        branches = sorted(caller.branches)
    webhook_id, secret = webhooks.create(session, caller.office, branches, body.url)
    return {"id": webhook_id, "url": body.url, "branches": branches, "secret": secret}


@router.get("", summary="The webhooks in scope")
def get_webhooks(session: Transaction, caller: Publisher) -> dict[str, Any]:
    """Without their secrets."""
    rows = webhooks.listing(session, caller.office, _scope(caller))
    return {"items": [dict(row) for row in rows], "next": None}


@router.delete("/{webhook_id}", summary="Remove a webhook", status_code=204)
def delete_webhook(
    session: Transaction, webhook_id: Annotated[int, Path(ge=1, le=MAX_ID)], caller: Publisher
) -> None:
    """Deliveries still queued for it are not sent."""
    if not webhooks.remove(session, webhook_id, caller.office, _scope(caller)):
        raise ProblemError(HTTPStatus.NOT_FOUND, "No such webhook")


def _may_be_called(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    whole = url.isprintable() and parts.scheme in ("https", "http") and port != 0
    return whole and bool(parts.hostname) and not parts.username


def _scope(caller: Principal) -> list[str] | None:
    return None if caller.whole_office else sorted(caller.branches)
