"""The daily digest: to whom, when, and what it says."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.core.ladder import Level
from app.db import feeds, webhooks
from app.db.tables import alert
from app.service import digest
from app.service.rules import Rules
from tests.jobs.rows import BRANCH, OTHER, deliveries_queued, vn, watched

MONDAY = "2026-11-23 07:00"


def write(session: Session, rules: Rules, at: str, *, heard: str | None = None) -> int:
    now = vn(at)
    feeds.hear(session, "one-stop", {code: vn(heard) if heard else now for code in rules.branches})
    return digest.write_digests(
        session, rules, now, silence_days=3, soon_days=2, public_url="https://x.vn/"
    )


def mail(session: Session) -> dict[str, Any]:
    bodies = [row["body"] for row in deliveries_queued(session) if row["channel"] == "mail"]
    assert len(bodies) == 1
    return dict(bodies[0])


@pytest.mark.parametrize(
    ("at", "written"),
    [
        ("2026-11-23 06:59", 0),  # before opening
        ("2026-11-23 07:00", 1),
        ("2026-11-23 23:59", 1),  # the scheduler was down all day
        ("2026-11-24 07:30", 0),  # Ngày Văn hóa Việt Nam, a day off
        ("2026-11-22 07:30", 0),  # Sunday
        ("2026-11-21 07:30", 0),  # a Saturday like any other
        ("2026-08-22 07:30", 1),  # a Saturday worked for 31 August
        ("2026-08-31 07:30", 0),
    ],
)
def test_a_digest_is_written_on_working_days_from_the_opening(
    session: Session, rules: Rules, director: Callable[..., int], at: str, written: int
):
    director("an", [BRANCH])

    assert write(session, rules, at) == written


def test_each_recipient_has_one_digest_a_day(
    session: Session, rules: Rules, director: Callable[..., int]
):
    first, second = director("an", [BRANCH]), director("binh", [BRANCH, OTHER])
    chief = director("chi")
    hook, _ = webhooks.create(session, "H20.16", None, "https://a.vn/")

    counts = [write(session, rules, at) for at in (MONDAY, MONDAY, "2026-11-23 15:00")]

    assert counts == [4, 0, 0]
    assert [row["key"] for row in deliveries_queued(session)] == [
        *(f"digest:user:{user}:2026-11-23" for user in (first, second, chief)),
        f"digest:webhook:{hook}:2026-11-23",
    ]
    assert [row["branch"] for row in deliveries_queued(session)] == [BRANCH, None, None, None]
    assert write(session, rules, "2026-11-25 07:00") == 4


def test_nobody_gets_one_without_an_address_or_when_switched_off(
    session: Session, rules: Rules, director: Callable[..., int]
):
    director("none", [BRANCH], email=None)
    director("empty", [BRANCH], email="")
    director("gone", [BRANCH], active=False)

    assert write(session, rules, MONDAY) == 0


def test_asking_again_when_all_have_theirs_costs_two_statements(
    session: Session, rules: Rules, director: Callable[..., int], statements: list[str]
):
    director("an", [BRANCH])
    write(session, rules, MONDAY)
    statements.clear()

    digest.write_digests(
        session, rules, vn("2026-11-23 07:01"), silence_days=3, soon_days=2, public_url=None
    )

    assert len(statements) == 2


def test_each_dossier_stands_in_one_place(
    session: Session, rules: Rules, director: Callable[..., int]
):
    director("an", [BRANCH])
    watched(session, rules, "2026-11-18", "H20.16.03-261101-0001")  # overdue for days
    watched(session, rules, "2026-11-20", "H20.16.03-261101-0002")  # since Saturday 00:00
    watched(session, rules, "2026-11-23", "H20.16.03-261101-0003")
    watched(session, rules, "2026-11-25", "H20.16.03-261101-0004")  # 24 off: its letter leaves now
    watched(session, rules, "2026-11-25", "H20.16.03-261101-0005", apologies=[{"sent_at": "-"}])
    watched(session, rules, "2026-11-26", "H20.16.03-261101-0006")
    watched(session, rules, "2026-11-27", "H20.16.03-261101-0007")  # too far
    watched(session, rules, "2026-11-18", "H20.16.03-261101-0008", state="finished")
    watched(session, rules, "2026-11-18", "H20.16.04-261101-0009", branch=OTHER)

    write(session, rules, MONDAY)

    assert mail(session)["subject"] == (
        "[Đúng Hạn] Khu vực III 23/11/2026: 2 quá hạn, 1 đến hạn hôm nay"
    )
    assert (
        mail(session)["text"]
        == """\
Khu vực III, thứ Hai 23/11/2026, số liệu lúc 07:00.

Đang quá hạn: 2 (mới từ ngày làm việc trước: 1)
Đến hạn hôm nay: 1
Sắp đến hạn: 3 (phải xin lỗi trong hôm nay nếu không kịp: 1)
Chưa xác minh: 0

Danh sách đầy đủ: https://x.vn/branches/H20.16.03

MỚI QUÁ HẠN (1)
- H20.16.03-261101-0002  hạn 20/11/2026

ĐẾN HẠN HÔM NAY (1)
- H20.16.03-261101-0003  hạn 23/11/2026

PHẢI GỬI PHIẾU XIN LỖI VÀ HẸN LẠI TRONG HÔM NAY nếu không kịp hạn (1)
- H20.16.03-261101-0004  hạn 25/11/2026

SẮP ĐẾN HẠN (2)
- H20.16.03-261101-0005  hạn 25/11/2026
- H20.16.03-261101-0006  hạn 26/11/2026

Thư này được gửi tự động mỗi ngày làm việc.
"""
    )


def test_what_no_report_has_confirmed_is_unverified_and_newly_overdue_once_it_is(
    session: Session, rules: Rules, director: Callable[..., int]
):
    director("an", [BRANCH])
    watched(session, rules, "2026-11-20", "H20.16.03-261101-0001")

    write(session, rules, MONDAY, heard="2026-11-20 17:00")
    unverified = mail(session)
    # The feed spoke on Monday at 07:20 and the sweep said so; by Wednesday's digest the due
    # moment is older than Monday's opening, but nobody has been told of it by mail yet.
    session.execute(
        insert(alert).values(
            code="H20.16.03-261101-0001",
            branch=BRANCH,
            level=int(Level.OVERDUE),
            due_at=vn("2026-11-21 00:00"),
            raised_at=vn("2026-11-23 07:20"),
        )
    )
    write(session, rules, "2026-11-25 07:00")
    told = deliveries_queued(session)[-1]["body"]

    assert unverified["subject"].endswith("0 quá hạn, 0 đến hạn hôm nay")
    assert "CHƯA XÁC MINH" in unverified["text"]
    assert told["subject"].endswith("1 quá hạn, 0 đến hạn hôm nay")
    assert "MỚI QUÁ HẠN (1)" in told["text"]


def test_a_silent_branch_is_named(session: Session, rules: Rules, director: Callable[..., int]):
    director("an", [BRANCH])

    write(session, rules, MONDAY, heard="2026-11-13 16:45")

    assert "CHÚ Ý: Khu vực III không gửi dữ liệu từ 16:45 13/11/2026." in mail(session)["text"]


def test_at_most_20_codes_a_section_and_the_rest_is_counted(
    session: Session, rules: Rules, director: Callable[..., int]
):
    director("chi")
    for branch in (BRANCH, OTHER):
        codes = (f"{branch}-261101-{n:04}" for n in range(30))
        watched(session, rules, "2026-11-23", *codes, branch=branch)

    write(session, rules, MONDAY)

    body = mail(session)
    assert body["subject"] == (
        "[Đúng Hạn] Toàn văn phòng, 10 chi nhánh 23/11/2026: 0 quá hạn, 60 đến hạn hôm nay"
    )
    assert body["text"].count("  hạn 23/11/2026") == 20
    assert "… và 40 hồ sơ khác" in body["text"]
    assert (
        "- Khu vực IV: 0 quá hạn, 30 đến hạn hôm nay, 0 sắp đến hạn, 0 chưa xác minh"
        in (body["text"])
    )
    assert "  https://x.vn/branches/H20.16.10" in body["text"]


def test_a_webhook_gets_the_figures_of_the_branches_it_covers(session: Session, rules: Rules):
    webhooks.create(session, "H20.16", [BRANCH], "https://a.vn/")
    watched(session, rules, "2026-11-23", "H20.16.03-261101-0001")
    watched(session, rules, "2026-11-23", "H20.16.04-261101-0001", branch=OTHER)

    write(session, rules, MONDAY)

    (queued,) = deliveries_queued(session)
    assert queued["body"]["type"] == "digest.daily"
    assert queued["body"]["data"]["day"] == "2026-11-23"
    (branch,) = queued["body"]["data"]["branches"]
    assert branch["branch"] == BRANCH
    assert branch["counts"]["due_today"] == 1
    assert sum(branch["counts"].values()) == 1
    assert branch["codes"] == {"due_today": ["H20.16.03-261101-0001"]}


def test_a_due_hour_is_shown_and_a_due_day_is_not_its_midnight():
    zone = vn(MONDAY).tzinfo

    assert digest.due(datetime.fromisoformat("2026-11-23T17:00:00Z"), zone) == "23/11/2026"
    assert digest.due(vn("2026-11-23 16:30"), zone) == "16:30 23/11/2026"


def test_a_closed_branch_gets_none(session: Session, rules: Rules, director: Callable[..., int]):
    director("an", [BRANCH])

    before = date(2025, 6, 30)  # the branches begin on 1 July 2025

    assert before.weekday() == 0
    assert write(session, rules, "2025-06-30 08:00") == 0
