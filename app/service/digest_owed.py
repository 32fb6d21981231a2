"""To whom a digest or a weekly summary is owed, and until when."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.core.subscriptions import Subscription
from app.db import digests, subscriptions
from app.db.digests import Recipient
from app.service.mornings import open_branches
from app.service.rules import Branch, Rules
from app.service.silence import today


@dataclass(frozen=True, slots=True)
class Owed:
    """A recipient to whom something is owed now, until the last of its branches closes."""

    recipient: Recipient
    expires_at: datetime
    daily: bool
    weekly: bool
    all_clear: bool


def owed(session: Session, rules: Rules, now: datetime) -> list[Owed]:
    """To whom a digest or a weekly summary is owed at this moment.

    From the opening of the first of its branches to the closing of the last, on a day on which one
    of them works; not to who wants none that day. A summary is owed on each such day of its week
    until one was sent, and always in the one mail of a day. Once all have theirs it costs one
    statement.
    """
    opened = open_branches(rules, now)
    if not opened:
        return []
    day = today(rules.calendar_of(opened[0].branch.code), now)
    offices = {one.branch.office for one in opened}
    found = [
        (one, mine)
        for one in digests.recipients_without(session, offices, day)
        if (mine := [held for held in opened if _sees(one, held.branch)])
    ]
    if not found:
        return []
    people = [one.user_id for one, _ in found if one.user_id is not None]
    wishes = subscriptions.of(session, people) if people else {}
    due = []
    for one, mine in found:
        wish = wishes.get(one.user_id or 0, Subscription())
        daily = one.without_daily and wish.daily
        weekly = one.without_weekly and wish.weekly
        if (daily or weekly) and not (one.user_id and wish.quiet_on(day)):
            closes_at = max(held.closes_at for held in mine)
            due.append(Owed(one, closes_at, daily, weekly, wish.all_clear))
    return due


def _sees(recipient: Recipient, branch: Branch) -> bool:
    return recipient.office == branch.office and (
        recipient.branches is None or branch.code in recipient.branches
    )
