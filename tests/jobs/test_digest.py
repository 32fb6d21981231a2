"""The digest job: one mail each, whatever runs beside it, for a fixed number of statements."""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from email import message_from_bytes, policy
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from app.core.ladder import Level
from app.core.subscriptions import Subscription
from app.db import alerts, digests, feeds, subscriptions, webhooks
from app.db.engine import Sessions
from app.db.tables import alert, attachment, delivery
from app.db.tables import digest as kept
from app.printed.bars import Picture
from app.printed.easel import Easel, NotDrawnError
from app.printed.forms import Form, Size
from app.service.rules import Rules
from jobs import Context, digest, flags
from jobs import delivery as delivery_job
from tests.jobs.rows import BRANCH, OTHER, deliveries_queued, vn, watched

MONDAY = "2026-11-23 07:00"  # the next day is off
WEDNESDAY = "2026-11-25 07:00"
CODE = "H20.16.03-261101-0001"


class Blank(Easel):
    """Draws nothing, at once: what is on a chart is looked at elsewhere."""

    def draw(self, picture: Picture, size: Size, form: Form) -> bytes:
        """The picture's key."""
        _ = size, form
        return picture.key.encode()


class Broken(Easel):
    """Cannot draw."""

    def draw(self, picture: Picture, size: Size, form: Form) -> bytes:  # noqa: ARG002 an easel
        raise NotDrawnError


@pytest.fixture
def at_work(context: Context, session: Session, rules: Rules) -> Context:
    """Every branch has just been heard."""
    feeds.hear(session, "one-stop", dict.fromkeys(rules.branches, vn(MONDAY)))
    session.commit()
    return replace(context, easel=Blank())


@pytest.fixture
def real(at_work: Context) -> Iterator[Context]:
    easel = Easel()
    yield replace(at_work, easel=easel)
    easel.end()


def overdue(session: Session, at: str = "2026-11-21 00:01", number: int = 1) -> str:
    """A dossier's alert, as the sweep raises it."""
    code = f"{BRANCH}-261101-{number:04}"
    session.execute(
        insert(alert).values(
            office="H20.16", branch=BRANCH, subject=code, kind="limit",
            level=int(Level.OVERDUE), due_at=vn("2026-11-21 00:00"), raised_at=vn(at),
            tell=["branch", "office"], at_once=True,
        )
    )  # fmt: skip
    session.commit()
    return code


def settle(session: Session, state: str) -> None:
    session.execute(update(delivery).where(delivery.c.state == "queued").values(state=state))
    session.commit()


def bodies(session: Session) -> list[Mapping[str, Any]]:
    return [row["body"] for row in deliveries_queued(session)]


def test_two_schedulers_at_once_write_one_digest_each(
    at_work: Context, session: Session, director: Callable[..., int]
):
    for n in range(20):
        director(f"an{n}", [BRANCH])
    now = vn(MONDAY)

    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda _: digest.write_digests(at_work, now), range(8)))

    assert sum(counts) == 20
    assert len(deliveries_queued(session)) == 20


def test_nothing_is_written_where_no_catalogue_was_loaded(context: Context):
    assert digest.write_digests(context, vn("2013-02-03 07:00")) == 0


def test_each_recipient_has_one_mail_a_day_and_it_ends_with_the_day(
    at_work: Context, session: Session, director: Callable[..., int]
):
    first, second, chief = (
        director("an", [BRANCH]),
        director("binh", [BRANCH, OTHER]),
        director("c"),
    )
    hook, _ = webhooks.create(session, "H20.16", [BRANCH], "https://a.vn/")
    session.commit()

    counts = [digest.write_digests(at_work, vn(at)) for at in (MONDAY, MONDAY, "2026-11-23 15:00")]

    assert counts == [4, 0, 0]
    rows = deliveries_queued(session)
    assert [row["key"] for row in rows] == [
        *(f"digest:user:{user}:2026-11-23" for user in (first, second, chief)),
        f"digest:webhook:{hook}:2026-11-23",
    ]
    assert [row["branch"] for row in rows] == [BRANCH, None, None, BRANCH]
    assert {row["office"] for row in rows} == {"H20.16"}
    assert {row["expires_at"] for row in rows} == {vn("2026-11-23 17:00")}
    assert digest.write_digests(at_work, vn(WEDNESDAY)) == 4


def test_the_first_mail_of_a_week_has_the_summary_in_it(
    at_work: Context, session: Session, director: Callable[..., int]
):
    director("c")
    only = director("d")
    subscriptions.put(session, only, Subscription(daily=False))
    session.commit()

    counts = []
    for at in (MONDAY, MONDAY, WEDNESDAY):
        counts.append(digest.write_digests(at_work, vn(at)))
        settle(session, "sent")

    assert counts == [2, 0, 1]
    monday, wednesday, alone = bodies(session)
    assert "TUẦN TRƯỚC: TUẦN 47" in monday["text"]
    assert "TUẦN TRƯỚC" not in wednesday["text"]
    assert alone["subject"].startswith("[Đúng Hạn] Toàn văn phòng, tuần 47: ")
    key = deliveries_queued(session)[2]["key"]
    assert key == f"weekly:user:{only}:2026-11-23"


@pytest.mark.parametrize("daily", [True, False])
def test_a_summary_that_was_not_sent_is_in_the_mail_of_a_later_day_of_its_week(
    at_work: Context, session: Session, director: Callable[..., int], *, daily: bool
):
    chief = director("c")
    subscriptions.put(session, chief, Subscription(daily=daily))
    session.commit()
    found: dict[str, bool] = {}
    for at, state in (
        (MONDAY, "dropped"), (WEDNESDAY, "dead"), ("2026-11-26 07:00", "queued"),
        ("2026-11-27 07:00", "sent"), ("2026-11-27 16:00", "sent"),
    ):  # fmt: skip
        digest.write_digests(at_work, vn(at))
        fresh = [row for row in deliveries_queued(session) if row["key"] not in found]
        found |= {row["key"]: "TUẦN 47" in row["body"]["text"].upper() for row in fresh}
        settle(session, state)

    days = ("2026-11-23", "2026-11-25", "2026-11-26", "2026-11-27")
    kind = "digest" if daily else "weekly"
    assert found == {f"{kind}:user:{chief}:{day}": True for day in days}


def test_a_scheduler_that_was_down_on_the_first_day_sends_the_summary_on_the_next(
    at_work: Context, session: Session, director: Callable[..., int]
):
    director("c")

    assert digest.write_digests(at_work, vn("2026-11-26 07:00")) == 1
    settle(session, "sent")
    assert digest.write_digests(at_work, vn("2026-11-27 07:00")) == 1

    assert ["TUẦN TRƯỚC: TUẦN 47" in body["text"] for body in bodies(session)] == [True, False]


@pytest.mark.parametrize("first", ["daily", "weekly"])
def test_what_is_wished_for_after_the_mail_of_a_day_is_in_that_of_the_next(
    at_work: Context, session: Session, director: Callable[..., int], first: str
):
    chief = director("c")
    only = Subscription(daily=first == "daily", weekly=first == "weekly")
    for at, wish in ((MONDAY, only), ("2026-11-23 10:00", Subscription()), (WEDNESDAY, None)):
        if wish is not None:
            subscriptions.put(session, chief, wish)
            session.commit()
        digest.write_digests(at_work, vn(at))
        settle(session, "sent")

    kind = "digest" if first == "daily" else "weekly"
    keys = {row["key"]: row["body"]["text"] for row in deliveries_queued(session)}
    assert set(keys) == {f"{kind}:user:{chief}:2026-11-23", f"digest:user:{chief}:2026-11-25"}
    summed = "TUẦN TRƯỚC: TUẦN 47" in keys[f"digest:user:{chief}:2026-11-25"]
    assert summed == (first == "daily")


def test_what_was_not_sent_is_told_by_the_next_one(
    at_work: Context, session: Session, rules: Rules, director: Callable[..., int]
):
    director("an", [BRANCH])
    watched(session, rules, "2026-11-20", CODE)
    first = overdue(session)
    found = []
    for at, state in ((MONDAY, "dead"), (WEDNESDAY, "queued"), ("2026-11-26 07:00", "sent")):
        assert digest.write_digests(at_work, vn(at)) == 1
        found.append(deliveries_queued(session)[-1]["body"]["text"])
        settle(session, state)
    second = f"{BRANCH}-261101-0002"
    watched(session, rules, "2026-11-26", second)
    feeds.hear(session, "one-stop", {BRANCH: vn("2026-11-27 06:50")})
    session.commit()
    digest.write_digests(at_work, vn("2026-11-27 07:00"))
    last = deliveries_queued(session)[-1]["body"]["text"]

    assert all("MỚI QUÁ HẠN (1)" in text and first in text for text in found)
    assert "MỚI QUÁ HẠN (1)" in last
    newly = last.split("MỚI QUÁ HẠN (1)")[1].split("\n\n")[0]
    assert second in newly
    assert first not in newly
    states = [row["state"] for row in deliveries_queued(session)]
    assert states == ["dead", "dropped", "sent", "queued"]


def test_nothing_to_say_is_a_short_mail_or_none(
    at_work: Context, session: Session, director: Callable[..., int]
):
    director("an", [BRANCH])
    silent = director("binh", [BRANCH])
    subscriptions.put(session, silent, Subscription(weekly=False, all_clear=False))
    session.commit()

    assert digest.write_digests(at_work, vn(MONDAY)) == 1
    assert digest.write_digests(at_work, vn(MONDAY)) == 0

    (body,) = bodies(session)
    assert body["subject"] == "[Đúng Hạn] Khu vực III 23/11: không có việc gấp"
    said = session.execute(select(kept.c.recipient, kept.c.said).order_by(kept.c.key))
    assert [tuple(row) for row in said] == [("user:1", True), (f"user:{silent}", False)]


def test_a_quiet_day_leaves_no_trace_and_the_next_digest_tells_all(
    at_work: Context, session: Session, rules: Rules, director: Callable[..., int]
):
    user = director("an", [BRANCH])
    leave = (date(2026, 11, 20), date(2026, 11, 23))
    subscriptions.put(session, user, Subscription(weekly=False, quiet_days=(leave,)))
    digests.keep(
        session,
        [digests.Mark(f"digest:user:{user}:2026-11-19", f"user:{user}", "daily",
                      date(2026, 11, 19), 0, 0, said=False)],
        vn("2026-11-19 07:00"),
    )  # fmt: skip
    watched(session, rules, "2026-11-20", CODE)
    overdue(session)

    assert digest.write_digests(at_work, vn(MONDAY)) == 0
    assert session.scalar(select(kept.c.key).where(kept.c.day == date(2026, 11, 23))) is None
    assert digest.write_digests(at_work, vn(WEDNESDAY)) == 1
    assert "MỚI QUÁ HẠN (1)" in bodies(session)[0]["text"]


def test_a_mail_has_its_chart_in_it_and_its_list_beside_it(
    real: Context, session: Session, rules: Rules, director: Callable[..., int]
):
    director("an", [BRANCH])
    watched(session, rules, "2026-11-23", CODE)

    digest.write_digests(real, vn(MONDAY))

    (body,) = bodies(session)
    chart, table = session.execute(select(attachment).order_by(attachment.c.name)).all()
    assert body["subject"] == "[Đúng Hạn] Khu vực III 23/11: 1 đến hạn hôm nay"
    assert (chart.content_id, chart.media_type) == ("ahead", "image/png")
    assert chart.content.startswith(b"\x89PNG")
    assert 'src="cid:ahead"' in body["html"]
    assert "Thứ Hai 23/11: 1" in body["html"]  # what it shows, for who cannot see it
    assert (table.content_id, table.name) == (None, "digest_H20.16.03_2026-11-23..2026-11-23.xlsx")
    sheet = CalamineWorkbook.from_filelike(BytesIO(table.content)).get_sheet_by_index(0)
    cells = [str(cell) for row in sheet.to_python() for cell in row]
    assert CODE in cells
    assert f"https://x.vn/dossiers/{CODE}" in cells


def test_it_goes_out_with_the_chart_where_the_html_looks_for_it(
    at_work: Context, session: Session, rules: Rules, director: Callable[..., int], tmp_path: Path
):
    user = director("an", [BRANCH])
    watched(session, rules, "2026-11-23", CODE)
    digest.write_digests(at_work, vn(MONDAY))

    assert delivery_job.send_mails(at_work, vn(MONDAY)) == 1

    (file,) = (tmp_path / "outbox").iterdir()
    mail = message_from_bytes(file.read_bytes(), policy=policy.default)
    kinds = [part.get_content_type() for part in mail.walk() if not part.is_multipart()]
    assert kinds[:3] == ["text/plain", "text/html", "image/png"]
    assert kinds[3].endswith("spreadsheetml.sheet")
    picture = next(part for part in mail.walk() if part.get_content_type() == "image/png")
    assert picture["Content-ID"] == "<ahead>"
    assert f"user.{user}.2026-11-23@" in mail["Message-ID"]


def test_without_a_chart_the_mail_goes_all_the_same(
    at_work: Context, session: Session, rules: Rules, director: Callable[..., int]
):
    director("an", [BRANCH])
    watched(session, rules, "2026-11-23", CODE)

    assert digest.write_digests(replace(at_work, easel=Broken()), vn(MONDAY)) == 1

    (body,) = bodies(session)
    assert "cid:" not in body["html"]
    assert [row.content_id for row in session.execute(select(attachment))] == [None]


def test_each_reads_it_in_their_language(
    at_work: Context, session: Session, rules: Rules, director: Callable[..., int]
):
    director("an", [BRANCH])
    director("ben", [BRANCH], language="en")
    watched(session, rules, "2026-11-23", CODE)

    digest.write_digests(at_work, vn(MONDAY))

    assert [body["subject"] for body in bodies(session)] == [
        "[Đúng Hạn] Khu vực III 23/11: 1 đến hạn hôm nay",
        "[Đúng Hạn] Khu vực III 23/11: 1 due today",
    ]


def test_a_webhook_gets_the_figures_of_the_branches_it_covers(
    at_work: Context, session: Session, rules: Rules
):
    webhooks.create(session, "H20.16", [BRANCH], "https://a.vn/")
    watched(session, rules, "2026-11-23", CODE)
    watched(session, rules, "2026-11-23", "H20.16.04-261101-0001", branch=OTHER)

    digest.write_digests(at_work, vn(MONDAY))

    (body,) = (row["body"] for row in deliveries_queued(session) if row["alert_id"] is None)
    assert (body["type"], body["data"]["day"]) == ("digest.daily", "2026-11-23")
    (branch,) = body["data"]["branches"]
    assert branch["branch"] == BRANCH
    assert branch["counts"]["due_today"] == 1
    assert sum(branch["counts"].values()) == 1
    assert branch["codes"] == {"due_today": [CODE]}


def test_the_statements_do_not_depend_on_recipients_or_dossiers(
    at_work: Context,
    session: Session,
    rules: Rules,
    director: Callable[..., int],
    statements: list[str],
):
    counts = []
    for day, people in (("2026-11-23", 2), ("2026-11-25", 40)):
        for n in range(people):
            branches = sorted(rules.branches)[n % 9 : n % 9 + 1 + n % 3]
            director(f"{day}-{n}", branches)
            watched(session, rules, "2026-11-26", f"{branches[0]}-{day[8:]}1101-{n:04}",
                    branch=branches[0])  # fmt: skip
        statements.clear()
        assert digest.write_digests(at_work, vn(f"{day} 07:00")) >= people
        counts.append(len(statements))
        statements.clear()
        assert digest.write_digests(at_work, vn(f"{day} 07:01")) == 0
        assert len(statements) == 2  # the version of the rules, and who is without

    assert counts[1] - counts[0] <= 3  # what is inserted goes in blocks
    assert counts[1] <= 31  # two sweeps among them


def test_two_hundred_recipients_take_seconds(
    at_work: Context, session: Session, rules: Rules, director: Callable[..., int]
):
    branches = sorted(rules.branches)
    for branch in branches:
        watched(session, rules, "2026-11-23", *(f"{branch}-261101-{n:04}" for n in range(50)),
                branch=branch)  # fmt: skip
    for n in range(200):
        director(f"an{n}", [branches[n % len(branches)]])
    start = time.monotonic()

    assert digest.write_digests(at_work, vn(MONDAY)) == 200
    assert time.monotonic() - start < 10


def test_what_became_due_over_night_is_told_though_no_sweep_came_before(
    at_work: Context, session: Session, rules: Rules, director: Callable[..., int]
):
    """After an outage, and as an office opens, the digest and the sweeps begin at one instant."""
    director("an", [BRANCH])
    watched(session, rules, "2026-11-17", CODE)  # three working days after it are over on Friday

    assert digest.write_digests(at_work, vn(MONDAY)) == 1
    flags.raise_due(at_work, vn(MONDAY))
    settle(session, "sent")
    digest.write_digests(at_work, vn(WEDNESDAY))

    monday, wednesday = (body["text"] for body in bodies(session))
    assert "NAY ĐÃ QUÁ HẠN TRÊN 3 NGÀY LÀM VIỆC (1)" in monday
    assert "NAY ĐÃ QUÁ HẠN TRÊN 3 NGÀY LÀM VIỆC" not in wednesday
    assert set(session.scalars(select(alert.c.kind))) >= {"limit", "calendar"}


def test_a_watermark_waits_for_whoever_is_raising_alerts(sessions: Sessions, rules: Rules):
    _ = rules

    def read() -> int:
        with sessions.begin() as own:
            return digests.alerts_settled(own)

    with ThreadPoolExecutor(1) as pool:
        with sessions.begin() as raising:
            alerts.raise_due(raising, vn(MONDAY), {}, 10)
            raising.execute(
                insert(alert).values(
                    office="H20.16", branch=BRANCH, subject=CODE, kind="limit", level=50,
                    due_at=vn(MONDAY), raised_at=vn(MONDAY), tell=["branch"], at_once=True,
                )
            )  # fmt: skip
            waits = pool.submit(read)
            time.sleep(0.3)
            assert not waits.done()
        assert waits.result(10) == 1
