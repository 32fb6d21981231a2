"""Two schedulers, killed and stopped at random, their database and receivers too: is all said once?

`python -m tests.chaos.kill_time [--rounds 12] [--seconds 8] [--seed 1]`

Each round some dossiers fall overdue and some people are hired, who are owed the digest of the day;
then one of these happens: a scheduler is killed (SIGKILL) and begun anew, or both are; one is
stopped (SIGSTOP) for longer than a lead lasts; PostgreSQL is ended as by a power cut and started
again; the receivers refuse for a while. All the time they answer 500, hang, drip, or take in what
they never acknowledge. Then all is calm, and everything must have arrived: each alert at each
webhook under one webhook-id, for each person one Message-ID of the day; nothing stays queued, and
never was there no leader for more than 30 seconds.
"""

import argparse
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from random import Random
from threading import Thread
from time import monotonic, sleep
from typing import Any

import psutil
from sqlalchemy import func, insert, make_url, select
from sqlalchemy.exc import DBAPIError

from app import wallclock
from app.core.ladder import Level
from app.db import access as accounts
from app.db import feeds, webhooks
from app.db.embedded import Embedded
from app.db.engine import Sessions, connect, sessions
from app.db.tables import alert, delivery, dossier, user_account
from app.service import calendar_changes, publish
from tests.chaos.moody import Arrived, Moody, moody
from tests.chaos.schedulers import Scheduler, Watch
from tests.chaos.stand import databases, left_over
from tests.jobs.rows import VN, dossier_row, put_watch

_LONGEST_WITHOUT = 30.0  # seconds
_RECOVERS_WITHIN = 420.0  # seconds: a lease of two minutes, or four failures and their pauses
_BRANCHES = ("H20.16.03", "H20.16.04", "H20.16.05")
_OFFICE = "H20.16"
_STOPPED = 25.0  # seconds: longer than the server keeps a silent leader's lock


@dataclass
class Stage:
    """All that takes part."""

    database: Embedded
    url: str
    opened: Sessions
    schedulers: list[Scheduler]
    moody: Moody
    dice: Random
    made: int = 0
    hired: int = 0
    did: Counter[str] = field(default_factory=Counter)

    def burden(self) -> None:
        """Some dossiers are overdue, and some people want the digest of the day."""
        for _ in range(60):
            with suppress(DBAPIError):
                self._burden()
                return
            sleep(1)
        raise RuntimeError("the database stays away")

    def _burden(self) -> None:
        now = wallclock.now()
        due_at = now - timedelta(seconds=1)
        rows = [(f"{branch}-261101-{self.made + n:05}", branch)
                for n, branch in enumerate(_BRANCHES * 5)]  # fmt: skip
        with self.opened.begin() as session:
            feeds.hear(session, "one-stop", dict.fromkeys(_BRANCHES, now))
            session.execute(
                insert(dossier),
                [
                    dossier_row(code, branch, due_at, now.astimezone(VN).date(), "running")
                    for code, branch in rows
                ],
            )
            put_watch(session, rows, [(due_at, Level.OVERDUE)])
            for n in range(self.hired, self.hired + 3):
                branches = None if n % 7 == 0 else [_BRANCHES[n % 3]]
                accounts.put_user(
                    session, login=f"p{n}", name=f"p{n}", email=f"p{n}@x.vn", password_hash="",
                    role="director" if branches else "administrator", office=_OFFICE,
                    branches=branches, active=True,
                )  # fmt: skip
        self.made += len(rows)
        self.hired += 3

    def disturb(self, how: str) -> None:
        """Do one bad thing, and mend it."""
        self.did[how] += 1
        one = self.dice.choice(self.schedulers)
        if how in {"kill", "kill both"}:
            for each in self.schedulers if how == "kill both" else [one]:
                each.kill()
            sleep(self.dice.uniform(0, 3))
            for each in self.schedulers if how == "kill both" else [one]:
                each.begin()
        elif how == "kill the leader":
            leader = self._leader()
            (leader or one).kill()
            sleep(self.dice.uniform(0, 3))
            (leader or one).begin()
        elif how == "stop":
            leader = self._leader() or one
            leader.signal(signal.SIGSTOP)
            sleep(_STOPPED)
            leader.signal(signal.SIGCONT)
        elif how == "database":
            self._restart_database()
        elif how == "refuse":
            self.moody.refuse()
            sleep(self.dice.uniform(2, 6))
            self.moody.listen()

    def _leader(self) -> Scheduler | None:
        return next((one for one in self.schedulers if one.leads()), None)

    def _restart_database(self) -> None:
        """SIGQUIT ends every server process at once, without a checkpoint; then it recovers."""
        folder = self.database._server.pgdata  # noqa: SLF001 public, behind ours
        pid = int((folder / "postmaster.pid").read_text().splitlines()[0])
        server = psutil.Process(pid)
        server.send_signal(signal.SIGQUIT)
        server.wait(30)
        sleep(self.dice.uniform(0, 3))
        self.database._server.ensure_postgres_running()  # noqa: SLF001 public, behind ours


def _open_always(opened: Sessions) -> None:
    """Today is a working day from midnight to midnight, whatever day it is."""
    whole = [["00:00", "24:00"]]
    today = wallclock.now().astimezone(VN).date()
    body: dict[str, Any] = {
        "week": dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), whole),
        "days": [
            {"date": str(today + timedelta(days=n)), "kind": "work", "name": "chaos",
             "hours": whole}
            for n in range(2)
        ],
    }  # fmt: skip
    with opened.begin() as session:
        publish.publish(session, calendar_changes.calendar(_OFFICE, body), "chaos", wallclock.now())


@contextmanager
def staged(seed: int) -> Iterator[Stage]:
    """A database, receivers and two schedulers on it."""
    dice = Random(seed)  # noqa: S311 dice, not secrets
    with ExitStack() as closing:
        folder = Path(tempfile.mkdtemp(prefix="dh", dir="/tmp"))
        closing.callback(shutil.rmtree, folder, ignore_errors=True)
        database = Embedded(folder)
        closing.callback(database.stop)
        server = make_url(database.url.replace("postgresql://", "postgresql+psycopg://"))
        (url,) = closing.enter_context(databases(server, "chaos_time"))
        engine = connect(url, "chaos")
        closing.callback(engine.dispose)
        opened = sessions(engine)
        receivers = closing.enter_context(moody(dice))
        _open_always(opened)
        with opened.begin() as session:
            accounts.put_source(session, "one-stop", "one-stop")
            for path, branches in (("/office", None), ("/one", [_BRANCHES[0]])):
                _, receivers.secrets[path] = webhooks.create(
                    session, _OFFICE, branches, receivers.url + path
                )
        environment = {
            "DUNGHAN_DATABASE_URL": url,
            "DUNGHAN_MAIL_URL": receivers.mail_url,
            "DUNGHAN_ALLOW_PRIVATE_WEBHOOKS": "true",
            "DUNGHAN_HOME": str(folder / "home"),
        }
        schedulers = [Scheduler(environment, folder / f"jobs{n}.log") for n in range(2)]
        for one in schedulers:
            closing.callback(one.kill)
        yield Stage(database, url, opened, schedulers, receivers, dice)


def rounds(stage: Stage, count: int, seconds: float, say: Callable[[str], object]) -> None:
    """The bad time."""
    ways = ["kill the leader", "kill", "stop", "database", "refuse", "kill both"]
    for number in range(count):
        stage.burden()
        sleep(stage.dice.uniform(0.2, 1) * seconds)
        how = ways[number % len(ways)]
        begun = monotonic()
        stage.disturb(how)
        say(f"{number + 1:3} {how}: {monotonic() - begun:.0f} s")
        sleep(stage.dice.uniform(0.2, 1) * seconds)


def recovered(stage: Stage) -> float:
    """Wait until everything that is owed was raised, queued and sent; how long that took."""
    stage.moody.calm()
    begun = monotonic()
    while monotonic() - begun < _RECOVERS_WITHIN:
        with suppress(DBAPIError), stage.opened() as session:
            queued = session.scalar(_count(delivery.c.state == "queued"))
            raised = session.scalar(select(func.count()).where(alert.c.level == Level.OVERDUE))
            written = session.scalar(_count(delivery.c.key.startswith("digest:user:")))
            if (queued, raised, written) == (0, stage.made, stage.hired):
                break
        sleep(1)
    return monotonic() - begun


def _count(condition: Any) -> Any:  # noqa: ANN401 SQL
    return select(func.count()).select_from(delivery).where(condition)


def wrong(stage: Stage, watch: Watch, today: date) -> Iterator[str]:
    """Everything that is not as it ought to be."""
    arrived = stage.moody.arrived
    with stage.opened() as session:
        states = Counter(session.scalars(select(delivery.c.state)))
        alerts = session.execute(select(alert).where(alert.c.level == Level.OVERDUE)).all()
        people = list(session.scalars(select(user_account.c.email)))
    if set(states) != {"sent"}:
        yield f"deliveries end as {dict(states)}"
    if len(alerts) != stage.made or len({one.subject for one in alerts}) != stage.made:
        yield f"{stage.made} dossiers fell overdue, {len(alerts)} alerts were raised"
    for path, branches in (("/office", _BRANCHES), ("/one", _BRANCHES[:1])):
        told = {fact.split(" ")[1] for where, fact in arrived.events if where == path}
        for one in alerts:
            if one.branch in branches and one.subject not in told:
                yield f"{path} never heard of {one.subject}"
    yield from _names(arrived)
    for to in people:
        names = arrived.mails.get((to, str(today)), Counter())
        if len(names) != 1:
            yield f"{to} has {len(names)} Message-IDs of the day: {dict(names)}"
    if watch.longest > _LONGEST_WITHOUT or watch.oldest_tick > _LONGEST_WITHOUT:
        yield f"no leader for {watch.longest:.0f} s, no tick for {watch.oldest_tick:.0f} s"
    if not watch.samples:
        yield "nobody watched the leaders"


def _names(arrived: Arrived) -> Iterator[str]:
    """Each fact has one name at each webhook, however often it came, and each name one fact."""
    ids: Counter[tuple[str, str]] = Counter()
    for (path, fact), names in arrived.events.items():
        ids.update((path, name) for name in names)
        if len(names) != 1:
            yield f"{path} heard of {fact} as {dict(names)}"
    for one, count in ids.items():
        if count > 1:
            yield f"one webhook-id for {count} facts: {one}"
    yield from (f"a signature does not hold: {one}" for one in arrived.unsigned)


def run(count: int, seconds: float, seed: int, say: Callable[[str], object]) -> list[str]:
    """All rounds and the reckoning; what comes back is empty if everything held."""
    with staged(seed) as stage:
        watch = Watch()
        watching = Thread(target=watch.run, args=[stage.url])
        watching.start()
        today = wallclock.now().astimezone(VN).date()
        try:
            rounds(stage, count, seconds, say)
            took = recovered(stage)
        finally:
            watch.ended.set()
            watching.join()
        found = list(wrong(stage, watch, today))
        for one in stage.schedulers:
            one.kill()
        if left := left_over([p for one in stage.schedulers for p in one.family], 15):
            found.append(f"processes outlive their scheduler: {left}")
        arrived = stage.moody.arrived
        calls = sum(names.total() for names in arrived.events.values())
        mails = sum(names.total() for names in arrived.mails.values())
        say(f"{dict(stage.did)}; receivers: {dict(sorted(arrived.moods.items()))}")
        say(
            f"{stage.made} alerts in {calls} calls of {len(arrived.events)} facts, {mails} mails "
            f"for {stage.hired} people; recovered in {took:.0f} s; the lead changed "
            f"{watch.changes} times, {watch.longest:.0f} s without at most (tick "
            f"{watch.oldest_tick:.0f} s), no database in {watch.out_of_reach} of "
            f"{watch.samples + watch.out_of_reach} samples"
        )
    return found


def main() -> int:
    """Run from the command line; the exit status is 0 if nothing is wrong."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--rounds", type=int, default=12)
    asked.add_argument("--seconds", type=float, default=8.0, help="of a round, besides its evil")
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--database", help="not used: it is killed, so it must be one of its own")
    told = asked.parse_args()
    begun = monotonic()
    found = run(told.rounds, told.seconds, told.seed, lambda one: print(one, flush=True))
    for one in found[:50]:
        print("WRONG:", one)
    end = f"{len(found)} WRONG" if found else "all said, nothing twice under another name."
    print(f"{monotonic() - begun:.0f} s, seed {told.seed}: {end}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
