"""A year in minutes: the jobs are called with `now` moved on, and all that was said is reckoned.

`python -m tests.chaos.a_year [--dossiers 1500] [--seed 1] [--days 363] [--database URL]`

The snapshots of a simulated year come in as time goes by, feeds are heard (one is silent for a
week, one sends by day only), days off are published, the scheduler is away over an opening and for
two days, the mail server for a day and the webhooks' receiver for some hours. Mails go to a real
SMTP server, alerts to a real HTTP receiver. At the end everything that was announced must be what
a second reckoning, in plain loops, says (`foretold`), and everyone must have been told of it once.
"""

import argparse
import json
import logging
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from time import monotonic

import msgspec
import structlog
from sqlalchemy import Engine, text

from app.core.lifecycle import Facts
from app.core.subscriptions import Subscription
from app.db import access as accounts
from app.db import feeds, subscriptions, webhooks
from app.db.engine import Sessions, connect, sessions
from app.outbound import webhook
from app.printed.bars import Picture
from app.printed.easel import Easel
from app.printed.forms import Form, Size
from app.service import calendar_changes, publish, records
from app.service.calendar_items import Day
from app.service.intake import CHUNK, take_in
from app.service.outcomes import Caller, Line
from app.service.rules import RuleBook, Rules
from app.settings import Settings
from app.simulator import year
from app.simulator.plan import Plan
from jobs import Context, delivery, digest, flags, recompute, standing
from tests.chaos.foretold import Foretold, hours
from tests.chaos.receivers import Clock, Post, post
from tests.chaos.reckoning import Person, Reckoning, wrong
from tests.chaos.stand import database_server, databases
from tests.chaos.troubles import FIRST, VN, Troubles, at, troubles
from tests.service.simulated import caller, dong_thap

SOURCE = "one-stop"
UNTIL = datetime(2026, 12, 31, 17, 30, tzinfo=VN)
OFFICE = "H20.16"
NOWHERE = "smtp://127.0.0.1:9"  # nobody listens there
_WORKED = ("00:00:30", "05:45", "07:00:20", "07:31", "08:05", "11:45", "14:10", "16:58",
           "17:00:10", "17:20", "20:30")  # fmt: skip
_OFF = ("00:00:30", "09:00", "20:00")


class Blank(Easel):
    """Draws nothing, at once: four thousand charts would take longer than the year."""

    def draw(self, picture: Picture, size: Size, form: Form) -> bytes:
        """The picture's key."""
        _ = size, form
        return picture.key.encode()


def arrivals(seed: int, dossiers: int) -> list[tuple[datetime, str, bytes]]:
    """When each line arrives, of which branch (if it says), in the order of time."""
    plan = Plan(seed, dossiers, dong_thap(), UNTIL)
    found: list[tuple[datetime, str, bytes]] = []
    for start in range(0, dossiers, year.BLOCK):
        numbers = range(start, min(start + year.BLOCK, dossiers))
        last = at(FIRST, "00:00") - timedelta(days=9)
        for record in year.block(seed, numbers, plan, year.USUAL):
            raw = msgspec.json.encode(record)
            told = json.loads(raw)
            stamp = told.get("updated_at") if isinstance(told, dict) else None
            try:
                moment = datetime.fromisoformat(str(stamp))
                last = max(last, moment) if moment.tzinfo and moment < UNTIL else last
            except ValueError:
                pass
            found.append((last, str(told.get("branch", "")), raw))
    return sorted(found, key=lambda one: one[0])


@dataclass
class Year:
    """What runs through it."""

    context: Context
    who: Caller
    post: Post
    troubles: Troubles
    people: Sequence[Person]
    foretold: Foretold
    silent_from: tuple[str | None, datetime]
    reckoning: Reckoning = field(default_factory=Reckoning)
    held_back: list[tuple[datetime, str, bytes]] = field(default_factory=list)

    @property
    def opened(self) -> Sessions:
        """Sessions of its database."""
        return self.context.sessions

    def rules(self) -> Rules:
        """The rules in force."""
        with self.opened() as session:
            return self.context.book.in_force(session)

    def tick(self, now: datetime, coming: Sequence[tuple[datetime, str, bytes]]) -> None:
        """Everything of one moment: what comes in, what is heard, what the jobs do."""
        self.post.clock.now = now
        self._intake(now, coming)
        self._heartbeat(now)
        for moment, scope, day in self.troubles.published:
            if moment == now:
                self._publish(now, scope, day)
        if any(now in span for span in self.troubles.away):
            return
        self.post.down = now in self.troubles.refusing
        if not self.post.down:
            self._resume(now)
        mail_url = NOWHERE if now in self.troubles.no_mail else self.post.mail_url
        settings = self.context.settings.model_copy(update={"mail_url": mail_url})
        context = replace(self.context, settings=settings)
        rules = self.rules()
        self.foretold.sweep(rules, now)
        recompute.derive_anew(context, now)
        flags.raise_due(context, now)
        standing.raise_standing(context, now)
        digest.write_digests(context, now)
        delivery.send_mails(context, now)
        delivery.send_webhooks(context, now)
        self.reckoning.note(rules, self.people, now, mail=now not in self.troubles.no_mail)

    def _intake(self, now: datetime, coming: Sequence[tuple[datetime, str, bytes]]) -> None:
        waiting, self.held_back = [*self.held_back, *coming], []
        if now in self.troubles.mute_for:
            self.held_back = [one for one in waiting if one[1] == self.troubles.mute]
            waiting = [one for one in waiting if one[1] != self.troubles.mute]
        rules = self.rules()
        for start in range(0, len(waiting), CHUNK):
            part = waiting[start : start + CHUNK]
            sent = [Line(number, raw) for number, (_, _, raw) in enumerate(part)]
            with self.opened.begin() as session:
                outcomes = take_in(session, sent, self.who, self.context.book, now)
            for outcome, (_, _, raw) in zip(outcomes, part, strict=True):
                if outcome.outcome == "quarantined":
                    continue
                facts = _read(raw)
                self.foretold.hear(facts.branch, min(facts.updated_at, now))
                if outcome.outcome in {"created", "updated"}:
                    self.foretold.take(facts, rules, now)

    def _heartbeat(self, now: datetime) -> None:
        rules = self.rules()
        silent, since = self.silent_from
        quiet = {silent} if now >= since else set()
        if now in self.troubles.mute_for:
            quiet.add(self.troubles.mute)
        open_now = hours(rules, [self.troubles.by_day], now.date())
        if open_now is None or not open_now.opens_at <= now < open_now.closes_at:
            quiet.add(self.troubles.by_day)
        heard = dict.fromkeys(set(rules.branches) - quiet, now)
        with self.opened.begin() as session:
            feeds.hear(session, SOURCE, heard)
        for branch in heard:
            self.foretold.hear(branch, now)

    def _resume(self, now: datetime) -> None:
        """The owner of a webhook that was paused in the outage looks, and lets it go on."""
        owned = webhooks.Owned(OFFICE, None)
        with self.opened.begin() as session:
            for held in webhooks.listing(session, owned):
                if held["paused_at"] is not None:
                    webhooks.resume(session, held["id"], owned, now)

    def _publish(self, now: datetime, scope: str, day: date) -> None:
        off = Day(kind="off", name="Nghỉ đột xuất", date=day)
        with self.opened.begin() as session:
            assert publish.publish(session, calendar_changes.calendar_day(scope, off), "chaos", now)
        self.foretold.publish(self.rules(), now)
        recompute.derive_anew(self.context, now)


def _read(raw: bytes) -> Facts:
    record = records.decode(raw)
    assert isinstance(record, records.DossierRecord)
    return records.facts(record)._replace(code=record.code.strip().upper())


def hire(opened: Sessions, rules: Rules, directors: int, days: int) -> list[Person]:
    """A director for each of some branches and more with wishes of their own; their accounts."""
    codes = sorted(rules.branches)
    leave = (FIRST + timedelta(days=days // 2), FIRST + timedelta(days=days // 2 + 13))
    wishes = {
        "quiet": Subscription(quiet_weekdays=frozenset({5}), quiet_days=(leave,)),
        "brief": Subscription(all_clear=False, weekly=False),
    }
    wanted: list[tuple[str, str, list[str] | None]] = [
        *((f"director{n}", "director", [code]) for n, code in enumerate(codes[:directors])),
        ("both", "director", [codes[0], codes[3]]),
        ("quiet", "director", [codes[1]]),
        ("brief", "director", [codes[4]]),
        ("administrator", "administrator", None),
        ("department", "department", None),
    ]
    made = []
    with opened.begin() as session:
        for login, role, branches in wanted:
            number = accounts.put_user(
                session, login=login, name=login, email=f"{login}@x.vn", password_hash="",
                role=role, office=OFFICE, branches=branches, active=True,
            )  # fmt: skip
            wish = wishes.get(login, Subscription())
            subscriptions.put(session, number, wish)
            made.append(Person(f"user:{number}", f"{login}@x.vn", role, branches or codes, wish))
    return made


def hook_up(opened: Sessions, rules: Rules, held: Post) -> dict[str, list[str]]:
    """A webhook for the whole office and one for a branch; the branches of each, by its path."""
    codes = sorted(rules.branches)
    made: dict[str, list[str]] = {}
    with opened.begin() as session:
        for path, branches in (("/office", None), ("/branch", [codes[0]])):
            _, secret = webhooks.create(session, OFFICE, branches, held.url + path)
            held.secrets[path] = secret
            made[path] = branches or codes
    return made


def moments(rules: Callable[[], Rules], days: int, extra: Sequence[datetime]) -> Iterator[datetime]:
    """The instants at which things happen: more of them on days somebody works."""
    more = sorted(extra)
    for n in range(days + 1):
        day = FIRST + timedelta(days=n)
        worked = hours(rules(), sorted(rules().branches), day) is not None
        found = {at(day, clock) for clock in (_WORKED if worked else _OFF)}
        yield from sorted(found | {one for one in more if one.date() == day})


def prepare(opened: Sessions, book: RuleBook) -> Rules:
    """One branch has hours of its own, another works on Saturdays; the rules in force."""
    with opened() as session:
        codes = sorted(book.in_force(session).branches)
    late = [["07:30", "11:30"], ["13:00", "17:30"]]
    usual = [["07:00", "11:30"], ["13:30", "17:00"]]
    working = ("mon", "tue", "wed", "thu", "fri")
    weeks = {
        codes[2]: dict.fromkeys(working, late),
        codes[3]: dict.fromkeys(working, usual) | {"sat": [["07:30", "11:00"]]},
    }
    with opened.begin() as session:
        for code, week in weeks.items():
            publish.publish(
                session, calendar_changes.calendar(code, {"week": week}), "chaos",
                at(FIRST, "00:00"),
            )  # fmt: skip
    with opened() as session:
        return book.in_force(session)


def _without_waiting_for_the_disk(engine: Engine) -> None:
    """Nobody pulls the plug of a simulated year."""
    with engine.begin() as connection:
        name = connection.scalar(text("SELECT current_database()"))
        connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
    engine.dispose()


def run(url: str, dossiers: int, days: int, seed: int, directors: int,
        say: Callable[[str], object]) -> list[str]:  # fmt: skip
    """Go through it in a database; what comes back is empty if everything held."""
    engine = connect(url, "chaos")
    _without_waiting_for_the_disk(engine)
    clock = Clock(at(FIRST, "00:00"))
    with ExitStack() as closing:
        closing.callback(engine.dispose)
        opened, book = sessions(engine), RuleBook()
        rules = prepare(opened, book)
        held = closing.enter_context(post(clock, Random(seed)))  # noqa: S311 dice, not secrets
        home = Path(closing.enter_context(tempfile.TemporaryDirectory()))
        settings = Settings(home=home, public_url="https://x.vn/", allow_private_webhooks=True)
        client = closing.enter_context(webhook.client())
        context = Context(opened, book, settings, client, Blank())
        people = hire(opened, rules, directors, days)
        hooks = hook_up(opened, rules, held)
        plan = Plan(seed, dossiers, dong_thap(), UNTIL)
        silent_from = (plan.silent, UNTIL - timedelta(days=21))
        with opened.begin() as session:
            accounts.put_source(session, SOURCE, SOURCE)
        going = Year(
            context, caller(book, opened), held, troubles(days, rules), people,
            Foretold(settings.silence_days), silent_from,
        )  # fmt: skip
        coming = arrivals(seed, dossiers)
        come, month = 0, 0
        extra = [one for one, _, _ in going.troubles.published]
        for now in moments(going.rules, days, extra):
            until = come
            while until < len(coming) and coming[until][0] <= now:
                until += 1
            going.tick(now, coming[come:until])
            come = until
            if now.month != month:
                month = now.month
                say(f"{now:%Y-%m-%d}: {come} records, {len(held.mails)} mails, "
                    f"{len(held.events)} calls of webhooks")  # fmt: skip
        found, told = wrong(going, hooks)
        say(told)
    return found


def main() -> int:
    """Run from the command line; the exit status is 0 if nothing is wrong."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--dossiers", type=int, default=1_500)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--days", type=int, default=363)
    asked.add_argument("--database", help="a PostgreSQL 18 to make a database on")
    told = asked.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    begun = monotonic()
    with (
        database_server(told.database) as server,
        databases(server, "chaos_year") as (url,),
    ):
        found = run(
            url, told.dossiers, told.days, told.seed, 10, lambda one: print(one, flush=True)
        )
    for one in found[:50]:
        print("WRONG:", one)
    print(f"{told.days} days in {monotonic() - begun:.0f} s, seed {told.seed}: "
          + (f"{len(found)} WRONG" if found else "everyone told once, in time."))  # fmt: skip
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
