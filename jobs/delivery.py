"""Every five seconds: claim what is due, send it with no transaction open, settle it."""

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial

import structlog

from app.core.retry import MAX_ATTEMPTS, wait_before
from app.db import deliveries
from app.db.deliveries import Channel, Claimed
from app.outbound import mail, webhook
from app.outbound.errors import DeliveryError
from jobs import Context

# A batch is as large as its workers, so all of it is under way at once and ends long before the
# lease; a run is short, so that `now` (signatures, leases) stays true.
LEASE = timedelta(minutes=2)
_RUN_FOR = 20.0
_WORKERS = {Channel.MAIL: 2, Channel.WEBHOOK: 8}

_log = structlog.get_logger()
Send = Callable[[Context, Claimed, datetime], None]


def send_mails(context: Context, now: datetime) -> int:
    """Send the mails that are due; return how many were sent."""
    return _drain(context, now, Channel.MAIL, _mail)


def send_webhooks(context: Context, now: datetime) -> int:
    """Send to the webhooks what is due; return how many were sent.

    A job of its own: a receiver that hangs delays no mail. And one that failed is left alone for
    the rest of the run, so that its backlog does not stand before everyone else's.
    """
    return _drain(context, now, Channel.WEBHOOK, _webhook)


def _drain(context: Context, now: datetime, channel: Channel, send: Send) -> int:
    stop = time.monotonic() + _RUN_FOR
    size = _WORKERS[channel]
    failed: set[str] = set()
    sent = 0
    with ThreadPoolExecutor(size) as pool:
        while time.monotonic() < stop:
            with context.sessions.begin() as session:
                batch = deliveries.claim(session, now, LEASE, size, channel=channel, skip=failed)
            outcomes = list(pool.map(partial(_attempt, context, send, now), batch))
            sent += sum(outcomes)
            failed |= {one.address for one, went in zip(batch, outcomes, strict=True) if not went}
            if len(batch) < size:
                break
    return sent


def _attempt(context: Context, send: Send, now: datetime, claimed: Claimed) -> bool:
    """Send one delivery and settle it; whether it went out."""
    try:
        if claimed.attempts > MAX_ATTEMPTS:  # claimed again and again, and never settled
            raise _HopelessError("its workers died")
        send(context, claimed, now)
    except DeliveryError as error:
        _fail(context, claimed, error, now)
        return False
    with context.sessions.begin() as session:
        deliveries.settle_sent(session, claimed.id, now)
    return True


def _fail(context: Context, claimed: Claimed, error: DeliveryError, now: datetime) -> None:
    hopeless = isinstance(error, _HopelessError) or claimed.attempts >= MAX_ATTEMPTS
    wait = wait_before(claimed.attempts + 1, random.random())  # noqa: S311 spreads, hides nothing
    with context.sessions.begin() as session:
        deliveries.settle_failed(
            session,
            claimed.id,
            attempts=claimed.attempts,
            error=str(error),
            next_attempt_at=None if hopeless else now + wait,
        )
    _log.warning("delivery failed", key=claimed.key, attempts=claimed.attempts, dead=hopeless)


class _HopelessError(DeliveryError):
    """No further attempt can help."""


def _mail(context: Context, claimed: Claimed, now: datetime) -> None:
    settings = context.settings
    message = mail.compose(
        sender=settings.mail_from,
        to=claimed.address,
        subject=claimed.body["subject"],
        text=claimed.body["text"],
        key=claimed.key,
        now=now,
    )
    mail.send(settings.mail_url, settings.home / "outbox", message)


def _webhook(context: Context, claimed: Claimed, now: datetime) -> None:
    if claimed.url is None or claimed.secret is None:
        raise _HopelessError("the webhook was deleted")
    if not claimed.active:
        raise _HopelessError("the webhook is switched off")
    webhook.post(
        context.client,
        claimed.url,
        claimed.secret,
        message_id=claimed.key,
        body=claimed.body,
        now=now,
        allow_private=context.settings.allow_private_webhooks,
    )
