"""What was said in a year beside what ought to have been: by fact, by person and by webhook."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, Protocol

from sqlalchemy import func, select

from app.core.ladder import Level
from app.core.subscriptions import Subscription
from app.db.deliveries import UNTRUE
from app.db.engine import Sessions
from app.db.tables import alert, delivery
from app.db.tables import digest as kept
from app.service.rules import Rules
from tests.chaos.foretold import Fact, Foretold, hours
from tests.chaos.receivers import Mail, Post
from tests.chaos.troubles import FIRST, Troubles

_ROLES = {"director": "branch", "administrator": "office", "department": "department"}
_STANDING = 200  # alerts from this level on are of no dossier
_LIMIT_ENDS = 100
_NOTICE = "<paused."  # to who owns a webhook that was paused, beside the digest


class Person(NamedTuple):
    """Somebody who is owed digests; `name` is `user:1`."""

    name: str
    address: str
    role: str
    branches: Sequence[str]
    wish: Subscription


class Digest(NamedTuple):
    """A row of `digest`: how far it told, when, and what became of its mail."""

    key: str
    day: date
    after: int
    until: int
    written_at: datetime
    said: bool
    state: str | None

    @property
    def counts(self) -> bool:
        """Whether it told something, or there was nothing to tell."""
        return not self.said or self.state == "sent"


class Told(Protocol):
    """The year as it went."""

    post: Post
    people: Sequence[Person]
    foretold: Foretold
    reckoning: "Reckoning"
    troubles: Troubles

    @property
    def opened(self) -> Sessions:
        """Sessions of its database."""
        ...


@dataclass
class Reckoning:
    """Who could be written to, and when, by the calendar as it stood at that moment."""

    office_hours: set[tuple[str, datetime]] = field(default_factory=set)
    reachable: set[tuple[str, date]] = field(default_factory=set)

    def note(self, rules: Rules, people: Sequence[Person], now: datetime, *, mail: bool) -> None:
        """The jobs have run at a moment; `mail` says whether the mail server was there."""
        for one in people:
            found = hours(rules, one.branches, now.date())
            if found is None or not found.opens_at <= now < found.closes_at:
                continue
            self.office_hours.add((one.address, now))
            if mail and not one.wish.quiet_on(now.date()):
                self.reachable.add((one.address, now.date()))


def wrong(year: Told, hooks: Mapping[str, Sequence[str]]) -> tuple[list[str], str]:
    """Everything that is not as it ought to be, and a line on how much was looked at."""
    with year.opened() as session:
        alerts = [dict(row) for row in session.execute(select(alert)).mappings()]
        queued = session.scalar(
            select(func.count()).select_from(delivery).where(delivery.c.state == "queued")
        )
    digests = _digests(year.opened)
    found = [
        *_announcements(year.foretold, alerts),
        *_silences(year, alerts),
        *_mails(year),
        *_weeks(year),
        *_digests_told(year, alerts, digests),
        *_calls(year, alerts, hooks),
    ]
    levels = Counter(Level(one["level"]).word for one in alerts)
    told = (
        f"{len(year.foretold.dossiers)} dossiers, {len(alerts)} alerts {dict(levels)}, "
        f"{len(year.post.mails)} mails, {len(year.post.events)} calls, {queued} still queued"
    )
    return found, told


def _announcements(foretold: Foretold, alerts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Each fact once, at its moment, and none besides."""
    said = Counter(_fact(one) for one in alerts if one["level"] < _STANDING)
    at = {_fact(one): one["raised_at"] for one in alerts if one["level"] < _STANDING}
    yield from (f"announced {count} times: {fact}" for fact, count in said.items() if count > 1)
    yield from (f"never announced: {one}" for one in foretold.said.keys() - said.keys())
    yield from (f"announced for no reason: {one}" for one in said.keys() - foretold.said.keys())
    for fact, raised_at in at.items():
        if foretold.said.get(fact, raised_at) != raised_at:
            yield f"announced at {raised_at}, not at {foretold.said[fact]}: {fact}"
        if not foretold.stands(fact, raised_at):
            yield f"was not so when announced: {fact} at {raised_at}"
        clock_at = foretold.clock_at.get(fact)
        if clock_at is not None and fact.level >= Level.OVERDUE and fact.due_at > clock_at:
            yield f"accused at {raised_at}, when it was {clock_at} for the branch: {fact}"


def _fact(one: Mapping[str, Any]) -> Fact:
    return Fact(one["subject"], Level(one["level"]), one["due_at"])


def _silences(year: Told, alerts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The branch that said nothing for a week is missed once meanwhile."""
    span, mute = year.troubles.mute_for, year.troubles.mute
    count = sum(
        one["level"] == Level.FEED_SILENT and one["branch"] == mute and one["raised_at"] in span
        for one in alerts
    )
    if count != 1:
        yield f"{mute} was silent for a week: {count} alerts"


def _mails(year: Told) -> Iterator[str]:
    """At most one a day, in office hours, on no quiet day; and one where one is owed."""
    per_day: dict[tuple[str, date], list[Mail]] = defaultdict(list)
    wishes = {one.address: one.wish for one in year.people}
    for one in year.post.mails:
        if not one.message_id.startswith(_NOTICE):
            per_day[one.to, one.at.date()].append(one)
        if (one.to, one.at) not in year.reckoning.office_hours:
            yield f"a mail outside office hours: {one.to} {one.at} {one.subject}"
        if abs(one.dated - one.at) > timedelta(minutes=1):
            yield f"a mail of {one.at} is dated {one.dated}"
        if wishes[one.to].quiet_on(one.at.date()):
            yield f"a mail on a quiet day: {one.to} {one.at}"
    for (to, day), mails in per_day.items():
        if len(mails) > 1:
            yield f"{len(mails)} mails for {to} on {day}: {[one.subject for one in mails]}"
    ids = Counter(one.message_id for one in year.post.mails)
    yield from (f"{count} mails {one}" for one, count in ids.items() if count > 1)
    for to, day in year.reckoning.reachable - per_day.keys():
        if wishes[to].all_clear:
            yield f"no mail for {to} on {day}"


def _weeks(year: Told) -> Iterator[str]:
    """One summary a week for who wants it; none if the mail or the scheduler was away that week."""
    outages = [*year.troubles.away, year.troubles.no_mail]
    troubled = {week(at) for span in outages for at in (span.since.date(), span.until.date())}
    troubled.add(week(FIRST))  # it began before the year did
    had = Counter((one.to, week(one.at.date())) for one in year.post.mails if one.weekly)
    wishes = {one.address: one.wish for one in year.people}
    for to, when in {(to, week(day)) for to, day in year.reckoning.reachable} | had.keys():
        wanted = int(wishes[to].weekly)
        if had[to, when] > wanted or (had[to, when] < wanted and when not in troubled):
            yield f"{had[to, when]} summaries for {to} in the week {when}"


def week(day: date) -> tuple[int, int]:
    """The year and the number of the week of a day."""
    return day.isocalendar()[:2]


def _digests(opened: Sessions) -> dict[str, list[Digest]]:
    """The daily digests of each recipient, in the order of days."""
    columns = (kept.c.recipient, kept.c.key, kept.c.day, kept.c.alerts_after,
               kept.c.alerts_until, kept.c.written_at, kept.c.said, delivery.c.state)  # fmt: skip
    query = select(*columns).outerjoin(delivery, delivery.c.key == kept.c.key)
    query = query.where(kept.c.kind == "daily").order_by(kept.c.recipient, kept.c.day)
    found: dict[str, list[Digest]] = defaultdict(list)
    with opened() as session:
        for recipient, *rest in session.execute(query):
            found[recipient].append(Digest(*rest))
    return found


def _digests_told(
    year: Told, alerts: Sequence[Mapping[str, Any]], digests: Mapping[str, Sequence[Digest]]
) -> Iterator[str]:
    """Every alert that tells somebody is new in exactly one digest that reached them."""
    mails = {one.message_id: one for one in year.post.mails}
    for person in year.people:
        mine = [
            one
            for one in alerts
            if one["branch"] in person.branches and _ROLES[person.role] in one["tell"]
        ]
        reached = [one for one in digests[person.name] if one.counts]
        for before, now in zip([None, *reached], reached, strict=False):
            if now.after != (before.until if before else 0):
                yield f"{person.name}: {now.key} begins at {now.after}, {before} before it"
        for one in reached:
            mail = mails.get(f"<{one.key.replace(':', '.')}@localhost>")
            if one.said and mail is None:
                yield f"{one.key} is said to be sent and never arrived"
            if not one.said and person.wish.all_clear:
                yield f"{one.key} was not said, though {person.name} wants to hear all clear"
            new = [held for held in mine if one.after < held["id"] <= one.until]
            yield from _told_in(year.foretold, one, mail, new)


def _told_in(
    foretold: Foretold, one: Digest, mail: Mail | None, new: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """What is new and still so is in the table, and counted in the text by its highest level."""
    highest: dict[str, Level] = {}
    for held in new:
        fact = _fact(held)
        past_due = Level.OVERDUE <= fact.level < _LIMIT_ENDS
        if not past_due or not foretold.stands(fact, one.written_at):
            continue
        if mail is None or fact.code not in mail.listed:
            yield f"{one.key} does not tell of {fact}"
        highest[fact.code] = max(fact.level, highest.get(fact.code, fact.level))
    newly = sum(level is Level.OVERDUE for level in highest.values())
    if mail is not None and mail.newly_overdue != newly:
        yield f"{one.key} tells of {mail.newly_overdue} newly overdue, {newly} are"


def _calls(
    year: Told, alerts: Sequence[Mapping[str, Any]], hooks: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    """Each alert that goes at once arrived under one name, or was no longer so before it could."""
    went = {event.webhook_id for event in year.post.events if event.answered < 300}
    ids: dict[tuple[str, int], set[str]] = defaultdict(set)
    days: Counter[tuple[str, str]] = Counter()
    for event in year.post.events:
        path = event.webhook_id.split(" ")[0]
        if not event.signed:
            yield f"a signature that does not hold: {event.webhook_id}"
        body = json.loads(event.body)
        if body["type"] == "digest.daily":
            days[path, body["data"]["day"]] += event.answered < 300
        else:
            ids[path, body["data"]["id"]].add(event.webhook_id)
    yield from (f"{count} digests of {one}" for one, count in days.items() if count > 1)
    dropped = _untrue(year.opened)
    for number, (path, branches) in enumerate(hooks.items(), 1):
        for held in alerts:
            whole = held["branch"] is None and path == "/office"
            if not held["at_once"] or not (whole or held["branch"] in branches):
                continue
            names = ids[path, held["id"]]
            if len(names) == 1 and names & went:
                continue
            key = f"alert:{held['id']}:{number}"
            if key not in dropped or len(names) > 1:
                yield f"{path} was called as {names or 'nothing'} for {_fact(held)}"
            elif year.foretold.stands(_fact(held), year.post.clock.now):
                yield f"dropped as untrue, and is so to this day: {_fact(held)}"


def _untrue(opened: Sessions) -> set[str]:
    query = select(delivery.c.key).where(
        delivery.c.state == "dropped", delivery.c.last_error == UNTRUE
    )
    with opened() as session:
        return set(session.scalars(query))
