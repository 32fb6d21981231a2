"""The daily digest: what a director should know as the branch opens, in plain Vietnamese."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from sqlalchemy.orm import Session

from app.core.calendar import WorkingCalendar
from app.core.layers import unconfirmed_soon
from app.core.office_hours import CalendarEndsError
from app.db import deliveries, digests
from app.db.deliveries import Channel, Draft
from app.db.digests import SHOWN, Group, Recipient, Standing, Yard
from app.service.rules import Branch, Rules
from app.service.silence import BranchClock, branch_clocks, today

_WEEKDAYS = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")
# In the order of the mail. What is long overdue is only counted: its list is one click away.
_SECTIONS = (
    (Standing.NEWLY_OVERDUE, "MỚI QUÁ HẠN"),
    (Standing.DUE_TODAY, "ĐẾN HẠN HÔM NAY"),
    (Standing.APOLOGY_TODAY, "PHẢI GỬI PHIẾU XIN LỖI VÀ HẸN LẠI TRONG HÔM NAY nếu không kịp hạn"),
    (Standing.DUE_SOON, "SẮP ĐẾN HẠN"),
    (Standing.UNVERIFIED, "CHƯA XÁC MINH: đã qua hạn, nhưng chi nhánh chưa gửi dữ liệu mới"),
)


@dataclass(frozen=True, slots=True)
class BranchDay:
    """One branch on the day of a digest: its moments, its clock, its dossiers by standing."""

    branch: Branch
    yard: Yard
    clock: BranchClock
    groups: Mapping[Standing, Group]

    def count(self, *standings: Standing) -> int:
        """How many dossiers stand in one of these ways."""
        return sum(self.groups[one].count for one in standings if one in self.groups)


def write_digests(
    session: Session,
    rules: Rules,
    now: datetime,
    *,
    silence_days: int,
    soon_days: int,
    public_url: str | None,
) -> int:
    """Queue the digests that are owed at this moment; return how many.

    A digest is owed from the opening of a branch on its working day until midnight: to its
    directors and to the webhooks that cover it, and to the administrators of its office. Who has
    several branches gets one for all of them, as the first opens. Unique keys see to it that each
    recipient has one a day; once all have theirs, asking costs two statements.
    """
    opened = open_branches(rules, now)
    if not opened:
        return 0
    offices = {branch.office for branch in opened}
    day = today(rules.calendar_of(opened[0].code), now)
    people = _owed(digests.people_without(session, offices, day), opened)
    hooks = _owed(digests.webhooks_without(session, offices, day), opened)
    if not people and not hooks:
        return 0
    clocks = branch_clocks(session, rules, now, silence_days=silence_days, soon_days=soon_days)
    days = branch_days(session, rules, clocks, now)
    open_from = unconfirmed(rules, [one.branch.code for one in days], day)
    drafts = [_mail(one, _covered(one, days), open_from, day, now, public_url) for one in people]
    drafts += [_message(one, _covered(one, days), day, now) for one in hooks]
    return deliveries.queue(session, drafts, now)


def open_branches(rules: Rules, now: datetime) -> list[Branch]:
    """The branches that have opened today: at work on this date, its opening time passed."""
    found = []
    for branch in rules.branches.values():
        calendar = rules.calendar_of(branch.code)
        day = calendar.local_day(now)
        if (
            branch.is_active(date.fromordinal(day))
            and calendar.is_working(day)
            and calendar.opening(day) <= now
        ):
            found.append(branch)
    return found


def branch_days(
    session: Session, rules: Rules, clocks: Mapping[str, BranchClock], now: datetime
) -> list[BranchDay]:
    """Every branch active today with its dossiers, from one statement."""
    yards = {}
    for branch in rules.branches.values():
        calendar = rules.calendar_of(branch.code)
        if branch.is_active(today(calendar, now)):
            yards[branch.code] = _yard(branch.code, calendar, clocks[branch.code], now)
    groups: dict[str, dict[Standing, Group]] = {code: {} for code in yards}
    for group in digests.standing(session, list(yards.values()), now):
        groups[group.branch][group.standing] = group
    return [
        BranchDay(rules.branches[code], yard, clocks[code], groups[code])
        for code, yard in yards.items()
    ]


def unconfirmed(rules: Rules, branches: Iterable[str], day: date) -> dict[date, list[str]]:
    """The first days nobody has confirmed, from 60 days before, each with the branches it is of."""
    found: dict[date, list[str]] = {}
    for branch in branches:
        first = unconfirmed_soon(rules.published(branch).spec, day)
        if first is not None:
            found.setdefault(first, []).append(branch)
    return dict(sorted(found.items()))


def _yard(branch: str, calendar: WorkingCalendar, clock: BranchClock, now: datetime) -> Yard:
    day = calendar.local_day(now)
    day_start = calendar.midnight_after(day - 1)
    try:
        since = calendar.opening(calendar.last_working_day_before(day))
    except CalendarEndsError:
        since = day_start
    return Yard(
        branch=branch,
        since=since,
        clock_at=clock.clock_at,
        day_start=day_start,
        day_end=calendar.midnight_after(day),
        soon_until=clock.soon_until,
    )


def _owed(recipients: Iterable[Recipient], opened: Collection[Branch]) -> list[Recipient]:
    return [one for one in recipients if any(_sees(one, branch) for branch in opened)]


def _covered(recipient: Recipient, days: Iterable[BranchDay]) -> list[BranchDay]:
    return [day for day in days if _sees(recipient, day.branch)]


def _sees(recipient: Recipient, branch: Branch) -> bool:
    return recipient.office == branch.office and (
        recipient.branches is None or branch.code in recipient.branches
    )


def _mail(
    recipient: Recipient,
    days: Sequence[BranchDay],
    open_from: Mapping[date, Sequence[str]],
    day: date,
    now: datetime,
    public_url: str | None,
) -> Draft:
    whole = recipient.branches is None
    warned = _calendar(days, open_from, public_url) if whole else []
    body = {
        "subject": subject(days, day, whole_office=whole),
        "text": letter(days, day, now, public_url, warned, whole_office=whole),
        "office": recipient.office,
    }
    return Draft(recipient.key, Channel.MAIL, recipient.address, _only(days), body)


def _message(recipient: Recipient, days: Sequence[BranchDay], day: date, now: datetime) -> Draft:
    body = {
        "type": "digest.daily",
        "timestamp": now.isoformat(),
        "data": {"day": day.isoformat(), "branches": [_figures(one) for one in days]},
    }
    return Draft(recipient.key, Channel.WEBHOOK, recipient.address, _only(days), body)


def _only(days: Sequence[BranchDay]) -> str | None:
    return days[0].branch.code if len(days) == 1 else None


def _figures(day: BranchDay) -> dict[str, Any]:
    """One branch for machines: counts that add up, and the first codes of each standing."""
    heard_at = day.clock.heard_at
    return {
        "branch": day.branch.code,
        "heard_at": heard_at.isoformat() if heard_at else None,
        "silent": day.clock.silent,
        "counts": {standing.value: day.count(standing) for standing in Standing},
        "codes": {
            standing.value: [code for _, code in group.first]
            for standing, group in day.groups.items()
        },
    }


def subject(days: Sequence[BranchDay], day: date, *, whole_office: bool) -> str:
    """`[Đúng Hạn] Khu vực III 22/11/2026: 3 quá hạn, 5 đến hạn hôm nay`."""
    overdue = _total(days, Standing.OVERDUE, Standing.NEWLY_OVERDUE)
    due = _total(days, Standing.DUE_TODAY)
    return (
        f"[Đúng Hạn] {_title(days, whole_office=whole_office)} {day:%d/%m/%Y}: "
        f"{overdue} quá hạn, {due} đến hạn hôm nay"
    )


def letter(
    days: Sequence[BranchDay],
    day: date,
    now: datetime,
    public_url: str | None,
    warned: Sequence[str] = (),
    *,
    whole_office: bool,
) -> str:
    """The digest as plain text: figures, what each branch has, then the codes, earliest first.

    `warned` are lines of what else has to be done.
    """
    zone = days[0].yard.day_start.tzinfo
    title = _title(days, whole_office=whole_office)
    at = f"{_WEEKDAYS[day.weekday()]} {day:%d/%m/%Y}, số liệu lúc {now.astimezone(zone):%H:%M}"
    lines = [
        f"{title}, {at}.",
        "",
        *_summary(days),
        "",
        *_feeds(days, zone),
        *warned,
    ]
    if len(days) > 1:
        lines += ["THEO CHI NHÁNH", *(_line(one, public_url) for one in days), ""]
    elif public_url:
        lines += [f"Danh sách đầy đủ: {_link(public_url, days[0].branch)}", ""]
    for standing, heading in _SECTIONS:
        lines += _section(standing, heading, days, zone)
    lines.append("Thư này được gửi tự động mỗi ngày làm việc.")
    return "\n".join(lines) + "\n"


def _title(days: Sequence[BranchDay], *, whole_office: bool) -> str:
    if len(days) == 1:
        return days[0].branch.short_name
    return f"{'Toàn văn phòng, ' if whole_office else ''}{len(days)} chi nhánh"


def _total(days: Iterable[BranchDay], *standings: Standing) -> int:
    return sum(day.count(*standings) for day in days)


def _summary(days: Sequence[BranchDay]) -> list[str]:
    newly = _total(days, Standing.NEWLY_OVERDUE)
    overdue = newly + _total(days, Standing.OVERDUE)
    letters = _total(days, Standing.APOLOGY_TODAY)
    soon = letters + _total(days, Standing.DUE_SOON)
    return [
        f"Đang quá hạn: {overdue} (mới từ ngày làm việc trước: {newly})",
        f"Đến hạn hôm nay: {_total(days, Standing.DUE_TODAY)}",
        f"Sắp đến hạn: {soon} (phải xin lỗi trong hôm nay nếu không kịp: {letters})",
        f"Chưa xác minh: {_total(days, Standing.UNVERIFIED)}",
    ]


def _feeds(days: Iterable[BranchDay], zone: tzinfo | None) -> list[str]:
    """A warning for each branch whose feed is silent: its figures may be older than they look."""
    lines = []
    for day in days:
        if day.clock.silent:
            heard_at = day.clock.heard_at
            told = (
                f"không gửi dữ liệu từ {heard_at.astimezone(zone):%H:%M %d/%m/%Y}"
                if heard_at
                else "chưa từng gửi dữ liệu"
            )
            lines.append(f"CHÚ Ý: {day.branch.short_name} {told}.")
    return [*lines, ""] if lines else []


def _calendar(
    days: Sequence[BranchDay], open_from: Mapping[date, Sequence[str]], public_url: str | None
) -> list[str]:
    """That the calendar is not confirmed for long, and what to do, for whoever keeps it."""
    names = {day.branch.code: day.branch.short_name for day in days}
    lines = []
    for first, branches in open_from.items():
        mine = [names[code] for code in branches if code in names]
        if not mine:
            continue
        whose = "" if len(mine) == len(names) else f" của {', '.join(mine)}"
        lines.append(
            f"CHÚ Ý: lịch làm việc{whose} từ {first:%d/%m/%Y} chưa được xác nhận, hạn trả rơi vào "
            "những ngày đó chỉ là tạm tính. Hãy nhập ngày nghỉ theo thông báo chính thức rồi xác "
            "nhận lịch."
        )
        if public_url:
            lines.append(f"  {public_url.rstrip('/')}/calendar?year={first.year}")
    return [*lines, ""] if lines else []


def _line(day: BranchDay, public_url: str | None) -> str:
    counts = (
        f"- {day.branch.short_name}: "
        f"{day.count(Standing.OVERDUE, Standing.NEWLY_OVERDUE)} quá hạn, "
        f"{day.count(Standing.DUE_TODAY)} đến hạn hôm nay, "
        f"{day.count(Standing.APOLOGY_TODAY, Standing.DUE_SOON)} sắp đến hạn, "
        f"{day.count(Standing.UNVERIFIED)} chưa xác minh"
    )
    return f"{counts}\n  {_link(public_url, day.branch)}" if public_url else counts


def _link(public_url: str, branch: Branch) -> str:
    return f"{public_url.rstrip('/')}/branches/{branch.code}"


def _section(
    standing: Standing, heading: str, days: Iterable[BranchDay], zone: tzinfo | None
) -> list[str]:
    """The earliest due of all the branches; each gave its own earliest, so none is missed."""
    groups = [day.groups[standing] for day in days if standing in day.groups]
    count = sum(group.count for group in groups)
    if not count:
        return []
    first = sorted(entry for group in groups for entry in group.first)[:SHOWN]
    lines = [f"{heading} ({count})", *(f"- {code}  hạn {due(at, zone)}" for at, code in first)]
    if count > len(first):
        lines.append(f"  … và {count - len(first)} hồ sơ khác")
    return [*lines, ""]


def due(at: datetime, zone: tzinfo | None) -> str:
    """A due moment for people: 24:00 of a day is that day, any other has its hour."""
    local = at.astimezone(zone)
    if local.time() == time():
        return f"{local.date() - timedelta(days=1):%d/%m/%Y}"
    return f"{local:%H:%M %d/%m/%Y}"
