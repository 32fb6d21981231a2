"""The page of deliveries: what was given up first, each try, and a button to send again."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.orm import Session

from app.db import deliveries
from app.db.deliveries import Channel, Draft
from app.db.tables import delivery, webhook
from jobs import Context
from jobs.delivery import send_mails
from tests.web.browser import Open
from tests.web.test_deliveries import SAID, end, hooked, mailed
from tests.web.wire import BRANCH, NOW


def test_what_was_given_up_stands_first(browse: Open, session: Session):
    mailed(session, "an")
    end(session, "dead", "answered 503: <b>later</b>")
    mailed(session, *(f"n{number}" for number in range(60)))

    browser = browse()

    page = browser.read("/deliveries")

    head, _, log = page.partition("<h2>Nhật ký</h2>")
    assert "Gửi không được" in head
    assert "digest:user:an" in head
    assert "digest:user:an" not in log
    assert "digest:user:n59" in log
    assert "answered 503: &lt;b&gt;later&lt;/b&gt;" in browser.http.get("/deliveries").text
    assert SAID not in page
    assert 'href="/deliveries?before=' in log


def test_the_log_is_narrowed_and_turned_over(browse: Open, session: Session):
    mailed(session, *(f"n{number:02}" for number in range(60)))
    hooked(session, None, "1")
    browser = browse()

    first = browser.read("/deliveries?state=queued&channel=mail")
    second = browser.read("/deliveries?state=queued&channel=mail&before=11")

    assert "digest:user:n59" in first
    assert "digest:user:n09" not in first
    assert "alert:1:1" not in first
    assert "digest:user:n09" in second


def test_a_dead_letter_is_sent_again_by_its_button(
    browse: Open, session: Session, context: Context
):
    mailed(session, "an")
    end(session, "dead", "answered 503")
    browser = browse()

    answer = browser.send("/deliveries/1/replay")
    sent = send_mails(context, NOW)

    assert (answer.status_code, answer.headers["location"]) == (303, "/deliveries/1")
    assert sent == 1
    page = browser.read("/deliveries/1")
    assert "Đã gửi lại bằng tay" in page
    assert "user:administrator" in page


def test_all_that_was_given_up_is_sent_again_at_once(browse: Open, session: Session):
    mailed(session, "an", "binh")
    hooked(session, None, "1")
    end(session, "dead")
    browser = browse()

    answer = browser.send("/deliveries/replay", channel="mail")

    assert answer.headers["location"] == "/deliveries?queued=2"
    assert "Đã xếp hàng gửi lại: 2" in browser.read("/deliveries?queued=2")
    states = session.execute(text("SELECT channel, state FROM delivery GROUP BY 1, 2 ORDER BY 1"))
    assert [tuple(row) for row in states] == [("mail", "queued"), ("webhook", "dead")]


def test_what_cannot_be_sent_again_says_why(browse: Open, session: Session):
    mailed(session, "an", expires_at=NOW - timedelta(days=1))
    end(session, "dropped", deliveries.OVER)
    browser = browse()

    answer = browser.send("/deliveries/1/replay")

    assert answer.status_code == 409
    assert "đã qua ngày phải gửi" in answer.text
    assert "đã qua ngày phải gửi" in browser.read("/deliveries")


@pytest.mark.parametrize("path", ["/deliveries/1/replay", "/deliveries/replay"])
def test_nothing_is_sent_again_without_the_token_of_the_page(
    browse: Open, session: Session, path: str
):
    mailed(session, "an")
    end(session, "dead")
    browser = browse()

    answer = browser.http.post(path, data={"csrf": "wrong", "channel": "mail"})

    assert answer.status_code == 403
    assert session.scalar(text("SELECT state FROM delivery")) == "dead"


def test_a_paused_webhook_is_said_and_what_waits_for_it(browse: Open, session: Session):
    hooked(session, [BRANCH], "1")
    values: dict[str, Any] = {"paused_at": NOW, "failing_since": NOW, "failures": 23}
    session.execute(update(webhook).values(values))
    session.execute(update(delivery).values(next_attempt_at=None))
    session.commit()

    page = browse().read("/deliveries")

    assert "Webhook số 1 lỗi 23 lần liên tiếp" in page
    assert "webhook đang tạm dừng" in page


def test_the_page_is_for_administrators(browse: Open, session: Session):
    mailed(session, "an")
    director = browse("director", [BRANCH])

    for path in ("/deliveries", "/deliveries/1"):
        assert "an@x.vn" not in director.read(path, 403)
    assert director.send("/deliveries/1/replay").status_code == 403
    assert 'href="/deliveries"' not in director.read("/quarantine")
    assert 'href="/deliveries"' in browse().read("/quarantine")


def test_an_unknown_delivery_is_not_found(browse: Open):
    browser = browse()

    assert browser.read("/deliveries/1", 404)
    assert browser.read(f"/deliveries/{2**70}", 404)
    assert browser.read("/deliveries/x", 422)


def test_a_letter_that_waits_says_when(browse: Open, session: Session):
    body = {"subject": "", "text": ""}
    draft = Draft("k", Channel.MAIL, "an@x.vn", None, body, "H20.16")
    deliveries.queue(session, [draft], NOW)
    session.commit()

    assert "10:15 20/11/2026" in browse().read("/deliveries/1")
