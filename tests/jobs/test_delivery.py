"""Deliveries: sent with nothing open, tried again, given up, never lost."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default

import httpx
import pytest
from sqlalchemy import Engine, select, text, update
from sqlalchemy.orm import Session
from standardwebhooks import Webhook

from app import wallclock
from app.core.retry import MAX_ATTEMPTS, wait_before
from app.db import deliveries, webhooks
from app.db.deliveries import Channel, Claimed, Draft, Tried
from app.db.tables import delivery
from app.db.webhooks import Owned
from jobs import Context
from jobs.delivery import LEASE, send_mails, send_webhooks
from tests.jobs.rows import BRANCH, OTHER, deliveries_queued, vn
from tests.outbound.receivers import Receiver, http_receiver, smtp_receiver

AT = vn("2026-11-23 07:00")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_receiver() as found:
        yield found


def hook(session: Session, url: str, *keys: str) -> str:
    """A webhook with messages queued for it; its secret."""
    number, secret = webhooks.create(session, "H20.16", None, url)
    drafts = [
        Draft(key, Channel.WEBHOOK, str(number), BRANCH, {"type": "alert.overdue", "data": key})
        for key in keys
    ]
    deliveries.queue(session, drafts, AT)
    session.commit()
    return secret


def tried(claimed: Claimed, error: str | None = None) -> Tried:
    return Tried(claimed.id, claimed.attempts, AT, AT + timedelta(seconds=1), error)


def letters(session: Session, *addresses: str) -> None:
    body = {"subject": "Đúng hạn", "text": "0 quá hạn\n", "office": "H20.16"}
    drafts = [
        Draft(f"digest:user:{n}:2026-11-23", Channel.MAIL, address, None, body)
        for n, address in enumerate(addresses)
    ]
    deliveries.queue(session, drafts, AT)
    session.commit()


def test_a_webhook_is_sent_once_and_can_be_verified(
    session: Session, context: Context, receiver: Receiver
):
    secret = hook(session, receiver.url, "alert:1:1")
    now = wallclock.now()
    session.execute(update(delivery).values(next_attempt_at=now))
    session.commit()

    sent = [send_webhooks(context, now), send_webhooks(context, now + timedelta(hours=1))]

    assert sent == [1, 0]
    ((headers, body),) = receiver.arrived
    assert Webhook(secret).verify(body, headers) == {"type": "alert.overdue", "data": "alert:1:1"}
    assert headers["webhook-id"] == "alert:1:1"
    (row,) = deliveries_queued(session)
    assert (row["state"], row["attempts"], row["next_attempt_at"]) == ("sent", 1, None)


def test_a_mail_reaches_a_real_server(session: Session, context: Context):
    letters(session, "an@x.vn", "binh@x.vn", "chi@x.vn")
    with smtp_receiver() as (place, mailbox):
        settings = context.settings.model_copy(update={"mail_url": f"smtp://{place}"})

        sent = send_mails(replace(context, settings=settings), AT)

    assert sent == 3
    read = [message_from_bytes(one.content, policy=default) for one in mailbox.envelopes]
    assert {one["To"] for one in read} == {"an@x.vn", "binh@x.vn", "chi@x.vn"}
    assert {one["Message-ID"] for one in read} == {
        f"<digest.user.{n}.2026-11-23@localhost>" for n in range(3)
    }
    assert {one["Subject"] for one in read} == {"Đúng hạn"}


def test_without_a_server_mails_are_files(session: Session, context: Context):
    letters(session, "an@x.vn")

    send_mails(context, AT)

    (written,) = (context.settings.home / "outbox").iterdir()
    assert written.name == "digest.user.0.2026-11-23@localhost.eml"


def test_a_failing_receiver_is_tried_ever_more_slowly_and_then_given_up(
    session: Session, context: Context, receiver: Receiver
):
    receiver.answers = [503]
    receiver.text = b"later"
    hook(session, receiver.url, "alert:1:1")
    now, waits = AT, []

    for _ in range(MAX_ATTEMPTS):
        send_webhooks(context, now)
        session.rollback()
        due = session.scalar(select(delivery.c.next_attempt_at))
        if due is not None:
            assert send_webhooks(context, due - timedelta(seconds=1)) == 0
            waits.append(due - now)
            now = due

    (row,) = deliveries_queued(session)
    assert len(receiver.arrived) == MAX_ATTEMPTS
    assert (row["state"], row["attempts"]) == ("dead", MAX_ATTEMPTS)
    assert row["last_error"] == "answered 503: later"
    for attempt, wait in enumerate(waits, start=2):
        assert wait_before(attempt, 1) <= wait <= wait_before(attempt)
    assert len(waits) == MAX_ATTEMPTS - 1
    assert {headers["webhook-id"] for headers, _ in receiver.arrived} == {"alert:1:1"}


def test_what_a_dead_worker_held_comes_due_again(
    session: Session, context: Context, receiver: Receiver
):
    hook(session, receiver.url, "alert:1:1")
    claimed = deliveries.claim(session, AT, LEASE, 10, channel=Channel.WEBHOOK)
    session.commit()  # and here the worker dies

    during = send_webhooks(context, AT + LEASE - timedelta(seconds=1))
    after = send_webhooks(context, AT + LEASE)

    assert [one.key for one in claimed] == ["alert:1:1"]
    assert (during, after) == (0, 1)
    assert deliveries_queued(session)[0]["attempts"] == 2


def test_what_kills_every_worker_is_given_up(
    session: Session, context: Context, receiver: Receiver
):
    hook(session, receiver.url, "alert:1:1")
    session.execute(update(delivery).values(attempts=MAX_ATTEMPTS))
    session.commit()

    send_webhooks(context, AT)

    assert deliveries_queued(session)[0]["state"] == "dead"
    assert receiver.arrived == []


def test_a_worker_that_outlived_its_lease_pulls_nothing_back(session: Session):
    hook(session, "http://127.0.0.1/", "alert:1:1")
    (first,) = deliveries.claim(session, AT, LEASE, 1, channel=Channel.WEBHOOK)
    (second,) = deliveries.claim(session, AT + LEASE, LEASE, 1, channel=Channel.WEBHOOK)

    deliveries.settle_failed(session, tried(first, "late"), next_attempt_at=AT)

    (row,) = deliveries_queued(session)
    assert second.id == first.id
    assert (row["next_attempt_at"], row["last_error"]) == (AT + 2 * LEASE, None)


def test_no_transaction_is_open_while_sending(session: Session, engine: Engine, context: Context):
    hook(session, "http://127.0.0.1/", *(f"alert:{n}:1" for n in range(20)))
    session.close()
    open_ones: list[int] = []
    watcher = engine.execution_options(isolation_level="AUTOCOMMIT")
    query = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
    )

    def answer(_: httpx.Request) -> httpx.Response:
        with watcher.connect() as connection:
            open_ones.append(connection.scalar(query) or 0)
        return httpx.Response(200)

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        sent = send_webhooks(replace(context, client=client), AT)

    assert sent == 20
    # Others of the batch may be settling: that is a statement, never a wait for a receiver.
    assert min(open_ones) == 0
    assert sum(open_ones) <= len(open_ones)


def test_alone_a_delivery_is_sent_with_nothing_open_at_all(
    session: Session, engine: Engine, context: Context
):
    hook(session, "http://127.0.0.1/", "alert:1:1")
    session.close()
    states: list[str] = []
    query = text(
        "SELECT state FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )

    def answer(_: httpx.Request) -> httpx.Response:
        with engine.connect() as connection:
            states.extend(connection.scalars(query))
        return httpx.Response(200)

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        send_webhooks(replace(context, client=client), AT)

    assert set(states) <= {"idle"}


def test_a_receiver_that_failed_does_not_stand_before_the_others(
    session: Session, context: Context, receiver: Receiver
):
    receiver.answers = [500]
    hook(session, receiver.url, *(f"alert:bad{n}:1" for n in range(100)))
    with http_receiver() as good:
        hook(session, good.url, *(f"alert:good{n:02}:2" for n in range(30)))

        sent = send_webhooks(context, AT)

        assert sent == 30
        assert len(good.arrived) == 30
    assert len(receiver.arrived) <= 8


def test_a_deleted_or_silenced_webhook_is_given_up_without_a_call(
    session: Session, context: Context, receiver: Receiver
):
    hook(session, receiver.url, "alert:1:1")
    hook(session, receiver.url, "alert:1:2")
    assert webhooks.remove(session, 1, Owned("H20.16", None))
    session.execute(text("UPDATE webhook SET active = false"))
    session.commit()

    send_webhooks(context, AT)

    rows = deliveries_queued(session)
    assert [row["state"] for row in rows] == ["dead", "dead"]
    assert [row["last_error"] for row in rows] == [
        *("the webhook was deleted", "the webhook is switched off"),
    ]
    assert receiver.arrived == []


def test_private_addresses_are_refused_unless_allowed(
    session: Session, context: Context, receiver: Receiver
):
    hook(session, receiver.url, "alert:1:1")
    settings = context.settings.model_copy(update={"allow_private_webhooks": False})

    send_webhooks(replace(context, settings=settings), AT)

    assert receiver.arrived == []
    assert "private" in deliveries_queued(session)[0]["last_error"]


def test_one_key_is_queued_once(session: Session):
    draft = Draft("digest:user:1:2026-11-23", Channel.MAIL, "an@x.vn", None, {"subject": "1"})

    added = [deliveries.queue(session, [draft], AT) for _ in range(2)]

    assert added == [1, 0]


def test_claiming_and_settling_are_a_statement_each(session: Session, statements: list[str]):
    hook(session, "http://127.0.0.1/", "alert:1:1", "alert:2:1")
    statements.clear()

    claimed = deliveries.claim(session, AT, LEASE, 10, channel=Channel.WEBHOOK)
    first, second = sorted(claimed, key=lambda one: one.key)
    deliveries.settle_sent(session, tried(first))
    deliveries.settle_failed(session, tried(second, "x\0" * 5000), next_attempt_at=None)

    assert len(statements) == 3
    assert len(deliveries_queued(session)[1]["last_error"]) == 2048


def test_webhooks_are_seen_and_removed_within_a_scope(session: Session):
    whole, secret = webhooks.create(session, "H20.16", None, "https://a.vn/")
    ours, _ = webhooks.create(session, "H20.16", [BRANCH], "https://b.vn/")

    def seen(branches: list[str] | None) -> list[int]:
        return [row["id"] for row in webhooks.listing(session, Owned("H20.16", branches))]

    assert secret.startswith("whsec_")
    assert Webhook(secret).sign("m", AT, "{}").startswith("v1,")
    assert seen(None) == [whole, ours]
    assert seen([BRANCH, OTHER]) == [ours]
    assert seen([OTHER]) == []
    assert not webhooks.remove(session, whole, Owned("H20.16", [BRANCH]))
    assert not webhooks.remove(session, ours, Owned("H99", None))
    assert webhooks.remove(session, ours, Owned("H20.16", [BRANCH]))
