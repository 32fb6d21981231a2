"""The mail that tells the owner of a webhook that it was paused, and what to do."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from app.core.calendar import WorkingCalendar
from app.core.office_hours import CalendarEndsError
from app.db import access, deliveries, webhooks
from app.db.deliveries import Channel, Draft
from app.service.rules import RuleBook, Rules


def tell_owners(session: Session, book: RuleBook, now: datetime, public_url: str | None) -> int:
    """Queue a mail for each pause nobody was told of; return how many mails are new.

    To the contact of the webhook, else to the administrators of its office; in office hours of a
    branch it tells of, and given up at closing, so that the next working day tries again.
    """
    hooks = webhooks.untold(session)
    if not hooks:  # nearly always
        return 0
    rules = book.in_force(session)
    drafts: list[Draft] = []
    for hook in hooks:
        opened = _at_work(rules, hook, now)
        if opened is None:
            continue
        branch, calendar = opened
        day = calendar.local_day(now)
        body = letter(hook, calendar, public_url)
        drafts += [
            Draft(
                f"{hook['key']}:{who}:{date.fromordinal(day)}",
                Channel.MAIL,
                address,
                branch,
                body,
                office=hook["office"],
                expires_at=calendar.closing(day),
            )
            for who, address in _owners(session, hook).items()
        ]
    return deliveries.queue(session, drafts, now)


def letter(
    hook: Mapping[Any, Any], calendar: WorkingCalendar, public_url: str | None
) -> dict[str, str]:
    """Subject and text about one paused webhook."""
    since, paused = (
        f"{at.astimezone(calendar.zone):%H:%M %d/%m/%Y}"
        for at in (hook["failing_since"] or hook["paused_at"], hook["paused_at"])
    )
    if hook["active"]:
        why = (
            f"Từ {since}, {hook['failures']} lần gửi liên tiếp đến địa chỉ trên đều thất bại, nên "
            f"lúc {paused} hệ thống đã tạm dừng gửi."
        )
    else:
        why = (
            f"Lúc {paused}, địa chỉ trên trả lời 410 (không còn tồn tại), nên hệ thống đã tắt "
            "webhook này; từ đó không có thông báo mới nào được xếp hàng cho nó."
        )
    lines = [
        f"Webhook số {hook['id']}: {hook['url']}",
        "",
        why,
        "Những thông báo đang chờ được giữ lại, không mất.",
        "",
        "Việc cần làm:",
        "1. Kiểm tra máy nhận và sửa lỗi (nguyên nhân từng lần gửi xem ở nhật ký gửi).",
        f"2. Gọi POST /v1/webhooks/{hook['id']}/resume để gửi tiếp, kể cả phần đã giữ lại.",
    ]
    if public_url:
        lines += ["", f"Nhật ký gửi: {public_url.rstrip('/')}/deliveries"]
    return {
        "subject": f"[Đúng Hạn] Webhook số {hook['id']} đã bị tạm dừng",
        "text": "\n".join(lines) + "\n",
    }


def _owners(session: Session, hook: Mapping[Any, Any]) -> dict[str, str]:
    """Mail addresses by a word for the key of the notice."""
    if hook["contact"]:
        return {"contact": hook["contact"]}
    return {
        f"user:{one['id']}": one["email"] for one in access.administrators(session, hook["office"])
    }


def _at_work(
    rules: Rules, hook: Mapping[Any, Any], now: datetime
) -> tuple[str | None, WorkingCalendar] | None:
    """The calendar of a branch it tells of that is at work now; its code if it is the only one."""
    told = [
        code
        for code, branch in sorted(rules.branches.items())
        if branch.office == hook["office"]
        and (hook["branches"] is None or code in hook["branches"])
    ]
    for code in told:
        calendar = rules.calendar_of(code)
        day = calendar.local_day(now)
        try:
            works = calendar.is_working(day)
        except CalendarEndsError:
            continue
        if works and calendar.opening(day) <= now < calendar.closing(day):
            return (code if len(told) == 1 else None), calendar
    return None
