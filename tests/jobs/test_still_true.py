"""What is sent is still true, still of its day, and written down try by try."""

import base64
import hmac
from collections.abc import Iterator
from datetime import datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from app.core.ladder import Level
from app.db import deliveries, webhooks
from app.db.deliveries import Attachment, Channel, Draft
from app.db.tables import alert, attempt, delivery, dossier
from app.db.webhooks import Owned
from jobs import Context
from jobs.delivery import LEASE, send_mails, send_webhooks
from tests.jobs.rows import BRANCH, deliveries_queued, dossier_row, vn
from tests.outbound.receivers import Receiver, http_receiver

AT = vn("2026-11-23 07:00")
DUE = vn("2026-11-24 00:00")
OURS = Owned("H20.16", None)
ENDED: dict[str, Any] = {"state": "finished", "finished_at": AT}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_receiver() as found:
        yield found


def announced(session: Session, number: int, level: Level, hook: int, **facts: object) -> None:
    """A dossier with an alert of a level and its delivery."""
    code = f"{BRANCH}-261101-{number:04}"
    row = dossier_row(code, BRANCH, DUE, DUE.date(), "running") | facts
    session.execute(insert(dossier).values(**row))
    fact: dict[str, Any] = {
        "id": number,
        "office": "H20.16",
        "branch": BRANCH,
        "subject": code,
        "kind": level.kind.value,
        "level": int(level),
        "due_at": DUE,
        "raised_at": AT,
        "tell": ["branch"],
        "at_once": True,
    }
    session.execute(insert(alert).values(fact))
    draft = Draft(
        f"alert:{number}:{hook}",
        Channel.WEBHOOK,
        str(hook),
        BRANCH,
        {"type": "alert.overdue"},
        "H20.16",
        alert_id=number,
    )
    deliveries.queue(session, [draft], AT)


def test_what_is_no_longer_true_is_never_said(
    session: Session, context: Context, receiver: Receiver
):
    hook, _ = webhooks.create(session, "H20.16", None, receiver.url)
    gone: dict[int, tuple[Level, dict[str, Any]]] = {
        1: (Level.OVERDUE, {"state": "finished"}),
        2: (Level.DUE_TODAY, {"state": "closed"}),
        3: (Level.OVERDUE, {"due_at": DUE + timedelta(days=1)}),
        4: (Level.OVERDUE, {"due_at": None, "state": "suspended"}),
        5: (Level.ACCEPTANCE_LATE, {"state": "running"}),
        6: (Level.HAND_OVER_LATE, ENDED | {"handed_over_at": AT}),
        7: (Level.HAND_OVER_LATE, {"finished_at": None}),
        8: (Level.SUPPLEMENT_NOTICE_LATE, ENDED),
        9: (Level.SUPPLEMENT_NOTICE_LATE, {"state": "closed"}),
    }
    holds: dict[int, tuple[Level, dict[str, Any]]] = {
        11: (Level.OVERDUE, {}),
        12: (Level.ACCEPTANCE_LATE, {"state": "submitted"}),
        13: (Level.HAND_OVER_LATE, ENDED),
        15: (Level.SUPPLEMENT_NOTICE_LATE, {}),
        16: (Level.SUPPLEMENT_NOTICE_LATE, {"state": "waiting", "due_at": None}),
        14: (Level.FEED_SILENT, {"state": "closed"}),
    }
    for number, (level, facts) in (gone | holds).items():
        announced(session, number, level, hook, **facts)
    session.commit()

    sent = send_webhooks(context, AT)

    assert sent == len(receiver.arrived) == len(holds)
    told = {headers["webhook-id"] for headers, _ in receiver.arrived}
    assert told == {f"alert:{number}:{hook}" for number in holds}
    rows = {row["alert_id"]: row for row in deliveries_queued(session)}
    assert {number for number, row in rows.items() if row["state"] == "dropped"} == set(gone)
    assert {rows[number]["last_error"] for number in gone} == {deliveries.UNTRUE}
    assert {rows[number]["attempts"] for number in gone} == {0}


def test_the_truth_of_a_batch_is_asked_for_at_once(session: Session, statements: list[str]):
    hook, _ = webhooks.create(session, "H20.16", None, "http://127.0.0.1/")
    for number in range(1, 6):
        announced(session, number, Level.OVERDUE, hook, state="finished")
    session.commit()
    statements.clear()

    batch = deliveries.claim(session, AT, LEASE, 8, channel=Channel.WEBHOOK)
    left = deliveries.drop_untrue(session, batch)

    assert (len(batch), left) == (5, ())
    assert len(statements) == 2


def mail(key: str, **more: Any) -> Draft:  # noqa: ANN401 of a draft
    body = {"subject": "Đúng hạn", "text": "0 quá hạn\n"}
    return Draft(key, Channel.MAIL, "an@x.vn", None, body | more.pop("body", {}), "H20.16", **more)


def test_a_letter_whose_day_is_over_is_not_sent(session: Session, context: Context):
    closing = vn("2026-11-23 17:00")
    drafts = [
        mail("digest:user:1:2026-11-23", expires_at=closing),
        mail("digest:user:2:2026-11-23"),
    ]
    deliveries.queue(session, drafts, AT)
    session.commit()

    sent = send_mails(context, closing)

    over, other = deliveries_queued(session)
    assert sent == 1
    assert (over["state"], over["last_error"], over["attempts"]) == ("dropped", deliveries.OVER, 0)
    assert over["next_attempt_at"] is None
    assert other["state"] == "sent"


def test_until_its_day_is_over_a_letter_goes_out(session: Session, context: Context):
    closing = vn("2026-11-23 17:00")
    deliveries.queue(session, [mail("digest:user:1:2026-11-23", expires_at=closing)], AT)
    session.commit()

    assert send_mails(context, closing - timedelta(seconds=1)) == 1


def test_a_claim_takes_nothing_that_is_over(session: Session):
    deliveries.queue(session, [mail("digest:user:1:2026-11-23", expires_at=AT)], AT)

    assert deliveries.claim(session, AT, LEASE, 8, channel=Channel.MAIL) == ()


def test_each_attempt_is_written_down(session: Session, context: Context, receiver: Receiver):
    receiver.answers = [503, 204]
    receiver.text = b"later"
    hook, _ = webhooks.create(session, "H20.16", None, receiver.url)
    deliveries.queue(session, [Draft("k", Channel.WEBHOOK, str(hook), None, {})], AT)
    session.commit()

    send_webhooks(context, AT)
    send_webhooks(context, AT + timedelta(hours=1))

    rows = session.execute(select(attempt).order_by(attempt.c.id)).mappings().all()
    assert [(row["number"], row["error"]) for row in rows] == [
        (1, "answered 503: later"),
        (2, None),
    ]
    for row, at in zip(rows, (AT, AT + timedelta(hours=1)), strict=True):
        assert at <= row["began_at"] <= row["ended_at"] < at + timedelta(seconds=20)
    ended = session.scalar(select(delivery.c.sent_at))
    assert ended == rows[1]["ended_at"]


def test_a_letter_takes_its_pictures_and_files_along(
    session: Session, context: Context, statements: list[str]
):
    files = (
        Attachment("ngày 23.xlsx", "application/vnd.ms-excel", b"PK\0"),
        Attachment("chart.png", "image/png", b"\x89PNG\0", "chart"),
    )
    html = {"html": '<p>0 quá hạn <img src="cid:chart"></p>'}
    for _ in range(2):
        deliveries.queue(session, [mail("digest:user:1:d", body=html, attachments=files)], AT)
    session.commit()
    statements.clear()

    send_mails(context, AT)

    assert sum("attachment" in one for one in statements) == 1
    assert session.scalar(text("SELECT count(*) FROM attachment")) == 2
    (written,) = Path(context.settings.home / "outbox").iterdir()
    read = message_from_bytes(written.read_bytes(), policy=default)
    (file,) = read.iter_attachments()
    assert (file.get_filename(), file.get_content()) == (files[0].name, files[0].content)
    pictures = [part for part in read.walk() if part["Content-ID"]]
    assert [(part["Content-ID"], part.get_content()) for part in pictures] == [
        ("<chart>", files[1].content)
    ]


def test_many_are_queued_at_once(session: Session):
    drafts = [mail(f"digest:user:{n}:d") for n in range(12_000)]

    assert deliveries.queue(session, drafts, AT) == 12_000


@pytest.mark.parametrize(
    ("asked_at", "signers"), [(AT + timedelta(hours=23), 2), (AT + timedelta(hours=24), 1)]
)
def test_for_a_day_after_a_rotation_both_secrets_sign(
    session: Session, context: Context, receiver: Receiver, asked_at: datetime, signers: int
):
    hook, old = webhooks.create(session, "H20.16", None, receiver.url)
    new = webhooks.rotate(session, hook, OURS, AT)
    deliveries.queue(session, [Draft("k", Channel.WEBHOOK, str(hook), None, {})], asked_at)
    session.commit()

    send_webhooks(context, asked_at)

    ((headers, body),) = receiver.arrived
    told = f"k.{headers['webhook-timestamp']}.".encode() + body
    keys = [base64.b64decode(secret.removeprefix("whsec_")) for secret in (new or "", old)]
    expected = ["v1," + base64.b64encode(hmac.digest(key, told, "sha256")).decode() for key in keys]
    assert headers["webhook-signature"].split(" ") == expected[:signers]


def test_only_who_keeps_a_webhook_gives_it_a_new_secret(session: Session):
    hook, old = webhooks.create(session, "H20.16", None, "http://127.0.0.1/")
    deliveries.queue(session, [Draft("k", Channel.WEBHOOK, str(hook), None, {})], AT)

    refused = webhooks.rotate(session, hook, Owned("H20.16", [BRANCH]), AT)
    (claimed,) = deliveries.claim(session, AT, LEASE, 1, channel=Channel.WEBHOOK)

    assert refused is None
    assert (claimed.secret, claimed.previous_secret) == (old, None)
