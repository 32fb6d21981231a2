"""An endpoint that keeps failing is left alone, its owner told once, and nothing is lost."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from app.core.retry import PAUSE_AFTER, PAUSE_AFTER_FAILING_FOR
from app.db import deliveries, webhooks
from app.db.deliveries import Channel, Draft, Tried
from app.db.tables import delivery, webhook
from app.db.webhooks import Owned
from app.service.rules import RuleBook, Rules
from jobs import Context
from jobs.delivery import send_mails, send_webhooks
from tests.jobs.rows import BRANCH, deliveries_queued, vn
from tests.outbound.receivers import Receiver, http_receiver

AT = vn("2026-11-23 09:00")  # a Monday, at work
NEXT = vn("2026-11-25 08:00")  # the 24th is a holiday
NIGHT = vn("2026-11-23 22:00")
OURS = Owned("H20.16", None)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_receiver() as found:
        found.answers = [503]
        yield found


def registered(session: Session, url: str, messages: int = 1, **more: Any) -> int:  # noqa: ANN401
    hook, _ = webhooks.create(session, "H20.16", None, url, **more)
    queued(session, hook, messages)
    return hook


def queued(
    session: Session, hook: int, messages: int, at: datetime = AT, name: str = "alert"
) -> None:
    drafts = [
        Draft(f"{name}:{n}:{hook}", Channel.WEBHOOK, str(hook), BRANCH, {"n": n}, "H20.16")
        for n in range(messages)
    ]
    deliveries.queue(session, drafts, at)
    session.commit()


def stands(session: Session) -> Any:  # noqa: ANN401 a row
    session.rollback()
    return session.execute(select(webhook)).mappings().one()


def failing(session: Session, hook: int, failures: int, since: datetime) -> None:
    changed = update(webhook).where(webhook.c.id == hook)
    session.execute(changed.values(failures=failures, failing_since=since))
    session.commit()


def letters(context: Context) -> list[Any]:
    outbox = Path(context.settings.home / "outbox")
    files = sorted(outbox.iterdir()) if outbox.exists() else []
    return [message_from_bytes(one.read_bytes(), policy=default) for one in files]


LONG = AT - PAUSE_AFTER_FAILING_FOR
JUST = LONG + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("failures", "since", "paused"),
    [
        (PAUSE_AFTER - 1, LONG, AT),
        (PAUSE_AFTER - 2, LONG, None),
        (PAUSE_AFTER * 10, JUST, None),
    ],
)
def test_it_is_paused_after_enough_failures_over_enough_time(
    session: Session,
    context: Context,
    receiver: Receiver,
    failures: int,
    since: datetime,
    paused: datetime | None,
):
    hook = registered(session, receiver.url)
    failing(session, hook, failures, since)

    send_webhooks(context, AT)

    row = stands(session)
    assert (row["failures"], row["failing_since"]) == (failures + 1, since)
    assert row["paused_at"] == paused
    assert row["active"]


def test_the_first_failure_begins_the_count_and_a_success_ends_it(
    session: Session, context: Context, receiver: Receiver
):
    registered(session, receiver.url)
    send_webhooks(context, AT)
    first = stands(session)
    receiver.answers = [204]

    send_webhooks(context, AT + timedelta(minutes=1))

    then = stands(session)
    assert (first["failures"], first["failing_since"]) == (1, AT)
    assert (then["failures"], then["failing_since"]) == (0, None)


def test_while_it_is_paused_everything_waits_and_then_goes_out(
    session: Session, context: Context, receiver: Receiver
):
    hook = registered(session, receiver.url, 3)
    failing(session, hook, 99, LONG)
    send_webhooks(context, AT)
    calls = len(receiver.arrived)
    later = AT + timedelta(days=3)
    queued(session, hook, 3, later, "later")

    during = send_webhooks(context, later)
    held = [(row["state"], row["next_attempt_at"]) for row in deliveries_queued(session)]
    receiver.answers = [204]
    released = webhooks.resume(session, hook, OURS, later)
    session.commit()
    after = send_webhooks(context, later)

    assert during == 0
    assert calls == 1  # one that fails is asked no more in a run
    assert held == [("queued", None)] * 6
    assert (released, after) == (6, 6)
    assert len(receiver.arrived) == calls + 6
    row = stands(session)
    assert (row["paused_at"], row["failures"], row["failing_since"]) == (None, 0, None)


def test_what_is_held_costs_a_claim_nothing(session: Session, receiver: Receiver):
    hook = registered(session, receiver.url, 1_000)
    session.execute(update(webhook).values(paused_at=AT, failing_since=LONG))
    session.commit()

    deliveries.set_aside(session, AT, Channel.WEBHOOK)

    due = select(delivery.c.id).where(delivery.c.next_attempt_at <= AT)
    assert session.execute(due).all() == []
    assert webhooks.resume(session, hook, OURS, AT) == 1_000
    assert len(session.execute(due).all()) == 1_000


def test_what_is_put_aside_as_a_pause_ends_is_released_too(session: Session, context: Context):
    hook = paused(session)
    queued(session, hook, 3)

    with context.sessions() as aside, ThreadPoolExecutor(1) as pool:
        deliveries.set_aside(aside, AT, Channel.WEBHOOK)
        released = pool.submit(resumed, context, hook)
        done, _ = wait([released], timeout=0.5)
        aside.commit()
        count = released.result(timeout=10)

    assert (done, count) == (set(), 3)
    assert len(deliveries.claim(session, AT, timedelta(minutes=2), 8, channel=Channel.WEBHOOK)) == 3


def test_what_a_pause_that_is_ending_holds_is_not_put_aside(session: Session, context: Context):
    hook = paused(session)
    queued(session, hook, 3)

    with context.sessions.begin() as resuming:
        webhooks.resume(resuming, hook, OURS, AT)
        deliveries.set_aside(session, AT, Channel.WEBHOOK)
        session.commit()

    assert len(deliveries.claim(session, AT, timedelta(minutes=2), 8, channel=Channel.WEBHOOK)) == 3


def resumed(context: Context, hook: int) -> int | None:
    with context.sessions.begin() as session:
        return webhooks.resume(session, hook, OURS, AT)


def test_one_that_is_gone_is_switched_off_at_once(
    session: Session, context: Context, receiver: Receiver
):
    receiver.answers = [410]
    hook = registered(session, receiver.url, 2)

    send_webhooks(context, AT)
    send_webhooks(context, AT + timedelta(hours=1))

    row = stands(session)
    assert (row["active"], row["paused_at"]) == (False, AT)
    assert {row["state"] for row in deliveries_queued(session)} == {"queued"}
    assert len(receiver.arrived) == 1
    receiver.answers = [204]
    webhooks.resume(session, hook, OURS, AT + timedelta(hours=2))
    session.commit()
    assert send_webhooks(context, AT + timedelta(hours=2)) == 2
    assert stands(session)["active"]


def test_a_deleted_one_takes_what_it_held_along(session: Session, receiver: Receiver):
    hook = registered(session, receiver.url, 2)
    session.execute(update(webhook).values(paused_at=AT, failing_since=LONG))
    deliveries.set_aside(session, AT, Channel.WEBHOOK)

    assert webhooks.remove(session, hook, OURS)

    rows = deliveries_queued(session)
    assert {(row["state"], row["last_error"]) for row in rows} == {
        ("dead", "the webhook was deleted")
    }


def paused(session: Session, url: str = "https://hooks.x.vn/", **more: Any) -> int:  # noqa: ANN401
    hook = registered(session, url, 0, **more)
    session.execute(
        update(webhook)
        .where(webhook.c.id == hook)
        .values(paused_at=AT, failing_since=LONG, failures=23)
    )
    session.commit()
    return hook


def test_its_administrators_are_told_once(
    session: Session, context: Context, director: Callable[..., int]
):
    director("an")
    director("binh")
    director("chi", [BRANCH])
    director("dung", email=None)
    director("em", active=False)
    hook = paused(session)

    sent = [send_mails(context, AT + timedelta(minutes=n)) for n in range(3)]

    assert sent == [2, 0, 0]
    told = letters(context)
    assert {one["To"] for one in told} == {"an@x.vn", "binh@x.vn"}
    assert {one["Subject"] for one in told} == {f"[Đúng Hạn] Webhook số {hook} đã bị tạm dừng"}
    said = told[0].get_content()
    for fact in (
        "https://hooks.x.vn/",
        "23 lần",
        "08:00 23/11/2026",
        f"/v1/webhooks/{hook}/resume",
    ):
        assert fact in said
    assert "https://x.vn/deliveries" in said


def test_its_contact_is_told_instead(
    session: Session, context: Context, director: Callable[..., int]
):
    director("an")
    paused(session, contact="it@hooks.vn")

    send_mails(context, AT)

    assert [one["To"] for one in letters(context)] == ["it@hooks.vn"]


@pytest.mark.parametrize(
    "at", [NIGHT, vn("2026-11-22 09:00"), vn("2026-11-23 05:00"), vn("2026-11-24 09:00")]
)
def test_nobody_is_told_at_night_or_on_a_day_off(session: Session, context: Context, at: datetime):
    paused(session, contact="it@hooks.vn")

    assert send_mails(context, at) == 0
    assert send_mails(context, NEXT) == 1


def test_a_notice_that_did_not_get_through_is_tried_on_the_next_day(
    session: Session, context: Context
):
    paused(session, contact="it@hooks.vn")
    nowhere = {"mail_url": "smtp://127.0.0.1:1"}
    broken = Context(
        context.sessions, context.book, context.settings.model_copy(update=nowhere), context.client
    )
    send_mails(broken, AT)

    assert send_mails(context, NIGHT) == 0
    assert send_mails(context, NEXT) == 1
    assert [row["state"] for row in deliveries_queued(session)] == ["dropped", "sent"]


def test_a_second_pause_is_told_of_again(session: Session, context: Context):
    hook = paused(session, contact="it@hooks.vn")
    send_mails(context, AT)
    webhooks.resume(session, hook, OURS, AT)
    again = AT + timedelta(hours=2)
    session.execute(update(webhook).values(paused_at=again, failing_since=AT, failures=20))
    session.commit()

    assert send_mails(context, again) == 1
    assert session.scalar(text("SELECT count(DISTINCT key) FROM delivery")) == 2


def test_a_success_that_was_under_way_leaves_the_counts_of_a_pause(
    session: Session, context: Context
):
    hook = registered(session, "http://127.0.0.1:9/", messages=2, contact="it@hooks.vn")
    failing(session, hook, PAUSE_AFTER - 1, LONG)
    lease = timedelta(minutes=2)
    fails, goes = deliveries.claim(session, AT, lease, 8, channel=Channel.WEBHOOK)
    deliveries.settle_failed(session, Tried(fails.id, 1, AT, AT, "503"), next_attempt_at=None)
    assert webhooks.note_failure(session, hook, AT, gone=False)

    deliveries.settle_sent(session, Tried(goes.id, 1, AT, AT))
    session.commit()

    row = stands(session)
    assert (row["paused_at"], row["failures"], row["failing_since"]) == (AT, PAUSE_AFTER, LONG)
    assert send_mails(context, AT) == 1


def test_a_pause_that_knows_no_beginning_is_told_of_all_the_same(
    session: Session, context: Context
):
    hook = paused(session, contact="it@hooks.vn")
    session.execute(update(webhook).values(failing_since=None))
    session.commit()

    sent = [send_mails(context, AT + timedelta(minutes=n)) for n in range(2)]
    webhooks.resume(session, hook, OURS, AT)
    again = AT + timedelta(hours=2)
    session.execute(update(webhook).values(paused_at=again, failures=20))
    session.commit()

    assert sent == [1, 0]
    (told,) = letters(context)
    assert "09:00 23/11/2026" in told.get_content()
    assert send_mails(context, again) == 1


class _NoRules(RuleBook):
    """Rules that cannot be read."""

    def __init__(self) -> None:
        pass

    def in_force(self, session: Session, version: int | None = None) -> Rules:
        raise LookupError(f"no rules {version} in {session}")


def test_a_notice_that_cannot_be_written_stops_no_other_mail(
    session: Session, context: Context, capsys: pytest.CaptureFixture[str]
):
    paused(session, contact="it@hooks.vn")
    body = {"subject": "Đúng hạn", "text": "0 quá hạn"}
    deliveries.queue(session, [Draft("digest", Channel.MAIL, "an@x.vn", None, body)], AT)
    session.commit()

    assert send_mails(replace(context, book=_NoRules()), AT) == 1

    assert [one["To"] for one in letters(context)] == ["an@x.vn"]
    assert "owners of paused webhooks" in capsys.readouterr().out
