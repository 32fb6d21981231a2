"""A one-stop-shop is asked over real HTTP: it pages, fails, repeats; we are killed meanwhile."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import event, select, text
from structlog.testing import capture_logs

from app.db import pulls
from app.db.engine import Sessions
from app.db.tables import applicant, dossier, feed, job_run, quarantine
from app.outbound import portal
from app.outbound.addresses import Reach
from app.outbound.portal import Door
from app.service import paging, pull
from app.service.pull import Told, run
from app.service.pulls import NotKeepableError, keep
from app.service.rules import RuleBook
from app.service.shape import PullBody
from jobs import Context
from jobs.pull import ask_sources
from tests.outbound.shops import Answer, Shop, shop
from tests.service.simulated import caller
from tests.web.wire import BRANCH, NAME, NOW, OTHER, Record, code, record

SOURCE = "mot-cua"


class Killed(BaseException):
    """The process is no more."""


class Portal:
    """A pull of a shop, and what came of it."""

    def __init__(self, sessions: Sessions, book: RuleBook, other: Shop) -> None:
        self.sessions, self.book, self.other = sessions, book, other
        self.now = NOW

    def keep(self, kind: str = "cursor", **changes: Any) -> None:  # noqa: ANN401 JSON
        shape = {"kind": kind, "page_size": 2} | changes.pop("shape", {})
        self.other.by = kind
        body = PullBody.model_validate({"url": f"{self.other.url}/list", "shape": shape} | changes)
        branches = caller(self.book, self.sessions).branches
        with self.sessions.begin() as session:
            keep(session, SOURCE, body, "H20.16", branches, self.now)

    def run(self, *, due: bool = False) -> Told:
        row = pull.claim(self.sessions, self.now, None if due else SOURCE)
        assert row is not None
        with portal.client() as client:
            return run(row, self.sessions, self.book, Door(client, Reach.ANY), lambda: self.now)

    @property
    def row(self) -> Any:  # noqa: ANN401 a row
        with self.sessions() as session:
            return pulls.find(session, SOURCE)

    def codes(self) -> list[str]:
        with self.sessions() as session:
            return list(session.scalars(select(dossier.c.code).order_by(dossier.c.code)))

    def revisions(self) -> int:
        with self.sessions() as session:
            return int(session.scalar(text("SELECT count(*) FROM revision")) or 0)

    def heard(self) -> dict[str, datetime]:
        with self.sessions() as session:
            return {row.branch: row.heard_at for row in session.execute(select(feed))}


@pytest.fixture
def it(sessions: Sessions, book: RuleBook) -> Iterator[Portal]:
    with shop() as other:
        yield Portal(sessions, book, other)


def records(count: int, *, seconds: int = 60) -> list[Record]:
    """One after another."""
    begin = datetime.fromisoformat("2026-11-16T09:00:00+07:00")
    return [
        record(n, updated_at=(begin + timedelta(seconds=seconds * n)).isoformat())
        for n in range(1, count + 1)
    ]


BOTH = pytest.mark.parametrize("kind", ["cursor", "watermark"])


@BOTH
def test_it_reads_page_after_page_and_goes_on_where_it_stopped(it: Portal, kind: str):
    it.keep(kind)
    it.other.records = records(5)

    first = it.run()
    it.other.records = records(7)
    asked = len(it.other.asked)
    second = it.run()

    assert (first.drained, first.problem) == (True, None)
    assert first.outcomes["created"] == 5
    assert it.codes() == [code(number) for number in range(1, 8)]
    assert second.outcomes["created"] == 2
    assert it.revisions() == 7
    again = it.other.lists[asked]
    assert again["cursor"] == "5" if kind == "cursor" else "09:00:00" in again["updated_since"]


@BOTH
def test_a_source_that_has_told_all_is_a_heartbeat_of_its_branches(it: Portal, kind: str):
    it.keep(kind, branches=[BRANCH, OTHER])

    told = it.run()

    assert (told.drained, told.pages, dict(told.outcomes)) == (True, 1, {})
    assert it.heard() == {BRANCH: NOW, OTHER: NOW}
    assert it.row["next_at"] == NOW + timedelta(seconds=300)


def test_it_may_not_speak_for_branches_it_was_not_given(it: Portal):
    it.keep(branches=[OTHER])
    it.other.records = records(1)

    told = it.run()

    assert told.outcomes == {"quarantined": 1}
    assert BRANCH not in it.heard()


@BOTH
@pytest.mark.parametrize("killed_at", ["after the answer", "before the commit", "after the commit"])
def test_killed_between_page_and_save_it_loses_nothing_and_repeats_one_page_at_most(
    it: Portal, kind: str, killed_at: str, monkeypatch: pytest.MonkeyPatch
):
    it.keep(kind)
    it.other.records = records(6)
    kills = iter([False, True])  # the second page

    def perhaps(*_: object) -> None:
        if next(kills, False):
            raise Killed

    with monkeypatch.context() as patch:
        if killed_at == "after the answer":
            read = paging.read

            def answered(*args: Any) -> paging.Page:  # noqa: ANN401
                page = read(*args)
                perhaps()
                return page

            patch.setattr(paging, "read", answered)
        else:
            save = pull._save  # noqa: SLF001 the place where it is killed

            def saved(*args: Any) -> None:  # noqa: ANN401
                if killed_at == "before the commit":
                    kill = lambda _session: perhaps()  # noqa: E731
                    event.listen(it.sessions, "before_commit", kill)
                    try:
                        save(*args)
                    finally:
                        event.remove(it.sessions, "before_commit", kill)
                else:
                    save(*args)
                    perhaps()

            patch.setattr(pull, "_save", saved)
        with pytest.raises(Killed):
            it.run()
    kept = len(it.codes())
    asked = len(it.other.asked)
    assert pull.claim(it.sessions, it.now) is None  # it is still leased
    it.now += pull.LEASE
    told = it.run(due=True)

    assert it.codes() == [code(number) for number in range(1, 7)]
    assert it.revisions() == 6
    assert told.drained
    whole = 4 if kind == "cursor" else 3  # a watermark has the record at the edge twice
    assert kept == (whole if killed_at == "after the commit" else 2)
    if kind == "cursor":  # it goes on right there: no page that was saved is asked again
        assert it.other.lists[asked]["cursor"] == str(kept)


def test_a_page_whose_records_cannot_be_saved_moves_no_cursor(
    it: Portal, monkeypatch: pytest.MonkeyPatch
):
    it.keep()
    it.other.records = records(2)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("our own fault")

    with monkeypatch.context() as patch:
        patch.setattr(pull, "take_in", broken)
        with pytest.raises(RuntimeError):
            it.run()

    row = it.row
    assert (row["cursor"], row["lease"], row["failures"]) == (None, None, 1)
    assert "our own fault" not in json.dumps(row["error"])
    assert it.run().outcomes["created"] == 2


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer({}, 500), "{host} answered {status}"),
        (Answer(b"<html>Bao tri</html>", headers={"content-type": "text/html"}), "for people"),
        (Answer(b'{"items": [{'), "not JSON"),
        (Answer({"rows": []}), "no list at"),
        (Answer({}, 401), "credential"),
        (Answer(b"", 302, {"location": "http://example.org/"}), "redirects"),
    ],
)
def test_a_wrong_answer_is_told_and_asked_again_later(it: Portal, answer: Answer, said: str):
    it.keep()
    it.other.records = records(3)
    it.other.next_ones = [answer]

    told = it.run()

    row = it.row
    assert told.problem is not None
    assert said in row["error"]["message"]
    assert (row["failures"], row["failed_at"], row["lease"]) == (1, NOW, None)
    assert NOW < row["next_at"] <= NOW + timedelta(seconds=30)
    assert it.heard() == {}
    assert it.run().outcomes["created"] == 3
    assert (it.row["failures"], it.row["error"]) == (0, None)


def test_it_waits_as_long_as_it_is_asked_to(it: Portal):
    it.keep()
    it.other.next_ones = [Answer({}, 429, {"retry-after": "3600"})]

    it.run()

    assert it.row["next_at"] == NOW + timedelta(hours=1)
    assert pull.claim(it.sessions, NOW + timedelta(minutes=59)) is None


def test_what_failed_half_way_keeps_the_pages_before(it: Portal):
    it.keep()
    it.other.records = records(5)
    it.other.next_ones = [None, Answer({}, 503)]

    told = it.run()

    assert (told.pages, it.row["cursor"]) == (1, "2")
    assert len(it.codes()) == 2
    assert it.run().outcomes["created"] == 3


def test_a_page_told_twice_is_harmless(it: Portal):
    it.keep()
    it.other.records = [*records(2), *records(2), *records(4)]

    told = it.run()

    assert told.outcomes == {"created": 4, "unchanged": 4}
    assert it.revisions() == 4


def test_cursors_that_go_round_are_told(it: Portal):
    it.keep(every_seconds=30)
    page = records(1)
    it.other.next_ones = [Answer({"items": page, "next": one}) for one in ("a", "b", "a", "b", "a")]

    told = it.run()

    assert told.problem is not None
    assert "never end" in told.problem.detail
    assert len(it.other.asked) == 3
    assert it.codes() == [code(1)]


def test_two_pages_of_equal_stamps_are_told_and_kept(it: Portal):
    it.keep("watermark")
    it.other.records = records(5, seconds=0)

    told = it.run()

    assert told.problem is not None
    assert "larger pages" in told.problem.detail
    assert len(it.other.asked) == 2
    it.keep("watermark", shape={"page_size": 10})
    assert it.run().problem is None
    assert len(it.codes()) == 5


def test_what_is_wrong_in_a_record_is_quarantined_as_of_any_sender(it: Portal):
    it.keep()
    it.other.records = [record(1, status=5), record(2)]

    told = it.run()

    assert told.outcomes == {"created": 1, "quarantined": 1}
    assert told.problem is None
    with it.sessions() as session:
        (row,) = session.execute(select(quarantine)).mappings()
    assert (row["source"], row["office"], row["branch"]) == (SOURCE, "H20.16", BRANCH)


@pytest.mark.parametrize("item", [7, None, NAME, [NAME], {"code": "\ud800"}])
def test_an_item_that_is_no_record_is_told_and_kept_where_names_are(it: Portal, item: object):
    it.keep()
    it.other.records = [record(1), item, record(3)]

    told = it.run()

    assert told.outcomes == {"created": 2, "quarantined": 1}
    assert (told.drained, it.row["failures"]) == (True, 0)
    assert it.row["error"]["params"] == {"count": "1", "line": "2"}
    with it.sessions() as session:
        (row,) = session.execute(select(quarantine)).mappings()
        held = session.scalar(
            select(applicant.c.details).where(applicant.c.subject == f"quarantine/{row['id']}")
        )
    assert NAME not in str(dict(row))
    assert held is not None
    assert json.loads(held["item"]) == item


def test_a_token_that_runs_out_on_the_way_is_had_anew(it: Portal):
    credential = {
        "kind": "oauth2",
        "token_url": f"{it.other.url}/token",
        "client_id": "us",
        "client_secret": "secret",
    }
    it.keep(credential=credential)
    it.other.records = records(6)
    it.other.next_ones = [None, lambda: it.other.tokens.append("another")]

    told = it.run()

    assert told.problem is None
    assert len(it.codes()) == 6
    assert it.other.tokens == ["token-0", "another", "token-2"]


def test_no_token_and_no_name_is_ever_logged(
    it: Portal, context: Context, capfd: pytest.CaptureFixture[str]
):
    it.keep(credential={"kind": "bearer", "token": "the-secret"})
    it.other.next_ones = [Answer(NAME.encode(), 500), Answer(NAME.encode(), 200)]
    with capture_logs() as logs:
        it.now = datetime.fromisoformat("2020-01-01T00:00:00+07:00")
        with it.sessions.begin() as session:
            session.execute(text("UPDATE pull SET next_at = '2020-01-01'"))
        settings = context.settings.model_copy(update={"pull_reach": Reach.ANY})
        ask_sources(Context(it.sessions, it.book, settings, context.client), NOW)

    assert it.other.asked[0][2]["authorization"] == "Bearer the-secret"
    (said,) = [one for one in logs if one["event"] == "pull failed"]
    with it.sessions() as session:
        (ledger,) = session.execute(select(job_run)).mappings()
    assert ledger["name"] == f"pull {SOURCE}"
    assert "answered 500" in ledger["error"]
    everything = f"{logs}{capfd.readouterr()}{dict(ledger)}{it.row['error']}{said}"
    assert "the-secret" not in everything
    assert NAME not in everything


def test_two_schedulers_never_ask_one_source_at_once(it: Portal):
    it.keep()
    inside, go_on = Event(), Event()

    def slow() -> None:
        inside.set()
        assert go_on.wait(10)

    it.other.next_ones = [slow]
    thread = Thread(target=it.run)
    thread.start()
    assert inside.wait(10)

    # while we wait for the answer, nobody else may ask, and no transaction is open
    assert pull.claim(it.sessions, NOW) is None
    assert pull.claim(it.sessions, NOW, SOURCE) is None
    with it.sessions() as session:
        waiting = session.scalar(
            text("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'")
        )
    go_on.set()
    thread.join()

    assert waiting == 0
    assert it.row["lease"] is None


def test_who_lost_the_lease_writes_nothing(it: Portal):
    it.keep()
    it.other.records = records(2)
    it.other.next_ones = [lambda: it.keep(every_seconds=60)]  # changed while we wait

    told = it.run()

    assert told.problem is not None
    assert it.codes() == []
    assert (it.row["every_seconds"], it.row["failures"]) == (60, 0)
    assert it.run().outcomes["created"] == 2


def test_a_removed_pull_ends_quietly(it: Portal):
    it.keep()
    it.other.records = records(2)

    def remove() -> None:
        with it.sessions.begin() as session:
            pulls.remove(session, SOURCE, "H20.16")

    it.other.next_ones = [remove]

    assert it.run().problem is not None
    assert (it.row, it.codes()) == (None, [])


def test_the_job_asks_what_is_due_and_no_other(it: Portal, context: Context):
    settings = context.settings.model_copy(update={"pull_reach": Reach.ANY})
    jobs = Context(it.sessions, it.book, settings, context.client)
    it.keep()
    it.other.records = records(3)

    assert ask_sources(jobs, NOW - timedelta(seconds=1)) == 0
    assert it.other.asked == []
    assert ask_sources(jobs, NOW) == 3
    with it.sessions.begin() as session:
        pulls.change(session, SOURCE, "H20.16", active=False, next_at=NOW)
    assert ask_sources(jobs, NOW) == 0


def test_a_long_list_goes_on_at_the_next_tick(it: Portal, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pull, "RUN_FOR", 0.0)
    it.keep()
    it.other.records = records(3)

    told = it.run()

    assert (told.pages, told.drained, told.problem) == (1, False, None)
    assert it.row["next_at"] == NOW
    assert it.heard() == {BRANCH: datetime.fromisoformat(records(2)[-1]["updated_at"])}


# --------------------------------------------------------------------------------- what is kept


@pytest.mark.parametrize(
    ("changes", "cursor"),
    [
        ({}, "4"),
        ({"every_seconds": 60, "shape": {"page_size": 9}}, "4"),
        ({"shape": {"parameters": {"office": "H20"}}}, None),
        ({"url": "http://127.0.0.1:1/other"}, None),
    ],
)
def test_a_changed_pull_goes_on_unless_it_reads_another_list(
    it: Portal, changes: dict[str, Any], cursor: str | None
):
    it.keep()
    it.other.records = records(4)
    it.run()

    it.keep(**changes)

    assert it.row["cursor"] == cursor


def test_a_credential_goes_to_the_place_it_was_given_for_and_no_other(it: Portal):
    it.keep(credential={"kind": "bearer", "token": "abc"})
    it.keep(every_seconds=60)
    assert it.row["credential"] == {"kind": "bearer", "token": "abc"}

    with pytest.raises(NotKeepableError, match="credential"):
        it.keep(url="https://elsewhere.example/list")
    it.keep(url="https://elsewhere.example/list", credential=None)
    assert it.row["credential"] is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://x/"},
        {"url": "http://user:pass@x/"},
        {"url": "http://x/#f"},
        {"url": "http://x/ y"},
        {"url": "//x"},
        {"every_seconds": 1},
        {"since": "2026-11-20T00:00:00+07:00"},
        {"credential": {"kind": "bearer", "token": "a\nb"}},
        {
            "credential": {
                "kind": "oauth2",
                "token_url": "x",
                "client_id": "a",
                "client_secret": "b",
            }
        },
        {"shape": {"kind": "pages"}},
        {"shape": {"adapter": "portal"}},
        {"shape": {"page_size": 5_001}},
        {"shape": {"cursor_parameter": "a b"}},
        {"more": 1},
    ],
)
def test_what_cannot_be_asked_is_refused(it: Portal, wrong: dict[str, Any]):
    with pytest.raises(ValueError, match="validation error"):
        it.keep(**wrong)
