"""Every five seconds: claim what is due, send it with no transaction open, settle it."""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from app.core.retry import MAX_ATTEMPTS, wait_before
from app.db import deliveries, webhooks
from app.db.deliveries import Channel, Claimed, Tried
from app.outbound import mail, webhook
from app.outbound.errors import DeliveryError, GoneError
from app.service.paused_webhooks import tell_owners
from jobs import Context

# No more is claimed than there are workers free, so all of it is under way at once and ends long
# before the lease; a run is short, so that `now` (signatures, leases) stays true.
LEASE = timedelta(minutes=2)
_RUN_FOR = 20.0
_WORKERS = {Channel.MAIL: 2, Channel.WEBHOOK: 8}
# So many are under way to one address, once it has answered in less than so many seconds: those
# who take their time must not keep every worker.
_EACH = 2
_SLOW = 5.0

_log = structlog.get_logger()
Send = Callable[[Context, Claimed, datetime], None]


def send_mails(context: Context, now: datetime) -> int:
    """Send the mails that are due; return how many were sent."""
    try:
        with context.sessions.begin() as session:
            tell_owners(session, context.book, now, context.settings.public_url)
    except Exception:  # noqa: BLE001 whatever it is, what was written before goes out
        _log.exception("the owners of paused webhooks were not told")
    return _drain(_Run(context, now, Channel.MAIL, _mail))


def send_webhooks(context: Context, now: datetime) -> int:
    """Send to the webhooks what is due; return how many were sent.

    A job of its own: a receiver that hangs delays no mail. And one that failed or was slow is left
    alone for the rest of the run, so that its backlog does not stand before everyone else's.
    """
    return _drain(_Run(context, now, Channel.WEBHOOK, _webhook))


@dataclass(frozen=True, slots=True)
class _Run:
    """One run of a job, and what time it is in it: the moment it acts at, and how long it lasts."""

    context: Context
    now: datetime
    channel: Channel
    send: Send
    began: float = field(default_factory=time.monotonic)

    def moment(self) -> datetime:
        """The present instant, told from the moment of the run."""
        return self.now + timedelta(seconds=time.monotonic() - self.began)


class _Traffic:
    """What is under way to which address, and who is left alone for the rest of the run."""

    def __init__(self) -> None:
        self._under_way: dict[Future[bool], tuple[str, float]] = {}
        self._quick: set[str] = set()
        self._left: set[str] = set()

    def __len__(self) -> int:
        return len(self._under_way)

    def add(self, address: str, outcome: Future[bool]) -> None:
        """One more is under way."""
        self._under_way[outcome] = address, time.monotonic()

    def full(self, batch: Sequence[Claimed]) -> set[str]:
        """Addresses that are sent nothing more for now, beside a batch that is about to go."""
        counts = Counter(address for address, _ in self._under_way.values())
        counts.update(one.address for one in batch)
        allowed = {address: _EACH if address in self._quick else 1 for address in counts}
        return self._left | {address for address in counts if counts[address] >= allowed[address]}

    def settle(self) -> int:
        """Wait until one has ended, at least; how many of those went out."""
        ended, _ = wait(self._under_way, return_when=FIRST_COMPLETED)
        for outcome in ended:
            address, began = self._under_way.pop(outcome)
            well = outcome.result() and time.monotonic() - began < _SLOW
            (self._quick if well else self._left).add(address)
        return sum(outcome.result() for outcome in ended)


def _drain(run: _Run) -> int:
    size = _WORKERS[run.channel]
    traffic = _Traffic()
    sent = 0
    with run.context.sessions.begin() as session:
        deliveries.set_aside(session, run.now, run.channel)
    with ThreadPoolExecutor(size) as pool:
        while True:
            for one in _next(run, traffic, size - len(traffic)):
                traffic.add(one.address, pool.submit(_attempt, run, one))
            if not len(traffic):
                return sent
            sent += traffic.settle()


def _next(run: _Run, traffic: _Traffic, free: int) -> list[Claimed]:
    """Up to so many deliveries that are due and still true; none any more as the run ends."""
    batch: list[Claimed] = []
    while len(batch) < free and time.monotonic() < run.began + _RUN_FOR:
        with run.context.sessions.begin() as session:
            claimed = deliveries.claim(
                session,
                run.now,
                LEASE,
                free - len(batch),
                channel=run.channel,
                skip=traffic.full(batch),
                each=1,
            )
            batch += deliveries.drop_untrue(session, claimed)
        if not claimed:
            break
    return batch


def _attempt(run: _Run, claimed: Claimed) -> bool:
    """Send one delivery and settle it; whether it went out."""
    began_at = run.moment()
    try:
        if claimed.attempts > MAX_ATTEMPTS:  # claimed again and again, and never settled
            raise _HopelessError("its workers died")
        run.send(run.context, claimed, run.now)
    except DeliveryError as error:
        _fail(run, claimed, error, began_at)
        return False
    with run.context.sessions.begin() as session:
        tried = Tried(claimed.id, claimed.attempts, began_at, run.moment())
        deliveries.settle_sent(session, tried)
    return True


def _fail(run: _Run, claimed: Claimed, error: DeliveryError, began_at: datetime) -> None:
    hopeless = isinstance(error, _HopelessError)
    dead = hopeless or claimed.attempts >= MAX_ATTEMPTS
    wait = wait_before(claimed.attempts + 1, random.random())  # noqa: S311 spreads, hides nothing
    tried = Tried(claimed.id, claimed.attempts, began_at, run.moment(), str(error))
    paused = False
    with run.context.sessions.begin() as session:
        deliveries.settle_failed(session, tried, next_attempt_at=None if dead else run.now + wait)
        if claimed.channel is Channel.WEBHOOK and not hopeless:
            gone = isinstance(error, GoneError)
            paused = webhooks.note_failure(session, int(claimed.address), run.now, gone=gone)
    _log.warning("delivery failed", key=claimed.key, attempts=claimed.attempts, dead=dead)
    if paused:
        _log.warning("webhook paused", webhook=claimed.address)


class _HopelessError(DeliveryError):
    """No further attempt can help; the receiver has no part in it."""


def _mail(context: Context, claimed: Claimed, now: datetime) -> None:
    with context.sessions() as session:
        attachments = deliveries.attachments(session, claimed.id)
    settings = context.settings
    message = mail.compose(
        sender=settings.mail_from,
        to=claimed.address,
        subject=claimed.body["subject"],
        text=claimed.body["text"],
        html=claimed.body.get("html"),
        parts=[
            mail.Part(one.name, one.media_type, one.content, one.content_id) for one in attachments
        ],
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
        [claimed.secret, *([claimed.previous_secret] if claimed.previous_secret else [])],
        message_id=claimed.key,
        body=claimed.body,
        now=now,
        allow_private=context.settings.allow_private_webhooks,
    )
