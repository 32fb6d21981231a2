"""Refused records: counted, filtered, mended and driven again, and nothing leaves silently."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session
from typer.testing import CliRunner, Result

from app import wallclock
from app.cli import app as cli
from app.cli import feeds as feeds_command
from app.cli import pull as pull_command
from app.cli import quarantine as quarantine_command
from app.db.engine import Sessions
from app.db.tables import applicant, quarantine
from app.outbound.addresses import Reach
from app.service import changes, redrive
from app.service.publish import publish
from app.settings import Settings
from tests.outbound.shops import shop
from tests.web.wire import BRANCH, NAME, NOW, OTHER, Api, Record, code, record

NEW = "H20.16.77"


def wrong(number: int, **changes_: Any) -> Record:  # noqa: ANN401 JSON
    """Status 5 without what it needs."""
    return record(number, status=5, **changes_)


def items(sender: Api, **filters: object) -> list[Any]:
    return list(sender.get("/v1/quarantine", **filters)["items"])


def refused(session: Session) -> dict[str | None, Any]:
    session.commit()
    return {row["code"]: row for row in session.execute(select(quarantine)).mappings()}


def publish_branch(sessions: Sessions, sender: Api) -> None:
    """The office has one branch more."""
    office = sender.get("/v1/offices/H20.16")
    office["branches"].append({"code": NEW, "name": "Chi nhánh mới", "short_name": "Mới"})
    with sessions.begin() as session:
        publish(session, changes.office(office), "test", NOW)


# ---------------------------------------------------------------------------------------- filters


def test_it_is_filtered_by_source_branch_field_and_code(sender: Api, api: Callable[..., Api]):
    other = api("vbdlis")
    sender.batch([wrong(1), record(2, branch=NEW), record(3, updated_at="2026-11-16T08:10:05")])
    other.batch([wrong(4)])
    bad_stop = {"reason": "supplement", "from": "hôm qua"}
    sender.batch([record(5, suspensions=[bad_stop])])

    def found(**filters: object) -> list[str]:
        return sorted(one["code"] for one in items(sender, **filters))

    assert found(source="vbdlis") == [code(4)]
    assert found(branch=BRANCH) == [code(1), code(3), code(4), code(5)]
    assert found(field="branch") == [code(2)]
    assert found(field="updated_at") == [code(3)]
    assert found(field="suspensions") == [code(1), code(4), code(5)]
    assert found(field="suspensions[0].from") == [code(5)]
    assert found(field="suspension") == []
    assert found(code=code(2)[:-1].lower()) == [code(number) for number in (1, 2, 3, 4, 5)]
    assert found(source="vbdlis", field="branch") == []


def test_it_is_counted_by_branch_and_source_and_field(sender: Api, api: Callable[..., Api]):
    other = api("vbdlis")
    sender.batch([wrong(1), wrong(2), wrong(2), record(3, branch=NEW)])
    other.batch([wrong(4)])
    (first,) = items(sender, code=code(1))
    sender.http.post(f"/v1/quarantine/{first['id']}/discard", json={"reason": "gửi nhầm"})

    told = sender.get("/v1/quarantine/counts")

    assert told["totals"] == {"open": 3, "mended": 0, "discarded": 1}
    assert [
        (row["branch"], row["source"], row["open"], row["discarded"], row["times"], row["fields"])
        for row in told["rows"]
    ] == [
        (BRANCH, "one-stop", 1, 1, 2, {"suspensions": 1}),
        (BRANCH, "vbdlis", 1, 0, 1, {"suspensions": 1}),
        (None, "one-stop", 1, 0, 1, {"branch": 1}),
    ]
    assert told["rows"][0]["oldest_at"] == NOW.isoformat()
    mine = api("mine", branches=[BRANCH]).get("/v1/quarantine/counts")
    assert mine["totals"]["open"] == 2
    assert api("none", branches=[OTHER]).get("/v1/quarantine/counts")["rows"] == []


@pytest.mark.parametrize("query", ["?state=gone", "?limit=0", "?field=%00", "?source=" + "x" * 61])
def test_a_wrong_filter_names_its_field(sender: Api, query: str):
    answer = sender.http.get(f"/v1/quarantine{query}")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == query[1:].partition("=")[0]


# ------------------------------------------------------------------------ nothing leaves silently


def test_every_settling_says_who_when_and_how(sender: Api, session: Session):
    later = "2026-11-17T08:00:00+07:00"
    sender.batch([wrong(number) for number in range(1, 5)])
    ids = {one["code"]: one["id"] for one in items(sender)}

    sender.put(record(1, updated_at=later))
    sender.http.post(f"/v1/quarantine/{ids[code(2)]}/retry", json=record(2))
    sender.http.post(f"/v1/quarantine/{ids[code(3)]}/discard", json={"reason": " nhập hai lần "})

    settled = {one["code"]: one for one in items(sender, state="all")}
    assert {one["code"] for one in items(sender, state="mended")} == {code(1), code(2)}
    assert {one["code"] for one in items(sender, state="discarded")} == {code(3)}
    told = {name: (one["state"], one["settled_how"], one["note"]) for name, one in settled.items()}
    assert told == {
        code(1): ("mended", "resent", None),
        code(2): ("mended", "amended", None),
        code(3): ("discarded", "discarded", "nhập hai lần"),
        code(4): ("open", None, None),
    }
    for name in (code(1), code(2), code(3)):
        assert settled[name]["settled_by"] == "client:one-stop"
        assert settled[name]["settled_at"] == NOW.isoformat()
    assert NAME not in str(settled)
    held = session.scalars(
        select(applicant.c.subject).where(applicant.c.subject.startswith("quarantine/"))
    )
    assert list(held) == [f"quarantine/{ids[code(4)]}"]


@pytest.mark.usefixtures("catalogue_as_it_was")
def test_what_was_driven_as_it_was_says_so(sender: Api, sessions: Sessions):
    sender.batch([record(1, branch=NEW)])
    (one,) = items(sender)
    publish_branch(sessions, sender)

    again = sender.http.post(f"/v1/quarantine/{one['id']}/retry")

    assert again.json()["outcome"] == "created"
    (settled,) = items(sender, state="mended")
    assert (settled["settled_how"], settled["id"]) == ("redriven", one["id"])
    assert sender.get(f"/v1/quarantine/{one['id']}")["state"] == "mended"


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "   "}, {"reason": "x" * 501}])
def test_nothing_is_discarded_without_a_reason(sender: Api, body: dict[str, str]):
    sender.batch([wrong(1)])
    (one,) = items(sender)

    answer = sender.http.post(f"/v1/quarantine/{one['id']}/discard", json=body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "reason"
    assert len(items(sender)) == 1


def test_a_field_mended_away_does_not_come_back(sender: Api, session: Session):
    sender.batch([wrong(1, phone="0900000000")])
    (one,) = items(sender)
    mended = {name: held for name, held in wrong(1).items() if name != "applicant"}

    sender.http.post(f"/v1/quarantine/{one['id']}/retry", json=mended)

    assert session.scalar(select(func.count()).select_from(applicant)) == 0
    again = sender.http.post(f"/v1/quarantine/{one['id']}/retry").json()
    assert [told["field"] for told in again["errors"]] == ["suspensions"]


def test_a_record_at_the_address_of_another_is_refused_and_kept(sender: Api, session: Session):
    answer = sender.http.put(f"/v1/dossiers/{code(1)}", json=record(2))

    told = answer.json()
    assert (answer.status_code, told["code"], told["quarantined"]) == (422, code(2), True)
    (row,) = refused(session).values()
    assert (row["code"], row["conflict"], row["branch"]) == (code(2), True, BRANCH)
    assert NAME not in str(dict(row))
    # a later record of that code does not settle it, nor is it driven with the others
    sender.put(record(2, updated_at="2026-11-18T08:00:00+07:00"))
    assert sender.http.post("/v1/quarantine/retry", json={}).json()["driven"] == 0
    assert sender.http.post(f"/v1/quarantine/{row['id']}/retry").json()["outcome"] == "unchanged"


def test_a_code_that_no_text_can_hold_is_kept_too(sender: Api, session: Session):
    answer = sender.http.put(f"/v1/dossiers/{code(1)}", json=record(2) | {"code": "a\0b"})

    assert answer.status_code == 422
    assert list(refused(session)) == ["a�b"]


# ----------------------------------------------------------------------------------- many at once


@pytest.mark.usefixtures("catalogue_as_it_was")
def test_after_a_publication_all_that_waited_is_driven_again(
    sender: Api, api: Callable[..., Api], sessions: Sessions, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("app.web.quarantine.CHUNK", 3)
    other = api("vbdlis")
    sender.batch([*(record(number, branch=NEW) for number in range(1, 8)), wrong(8)])
    other.batch([record(9, branch=NEW)])
    publish_branch(sessions, sender)

    told = sender.http.post("/v1/quarantine/retry", json={"field": "branch", "source": "one-stop"})
    assert told.json() == {
        "driven": 7, "created": 7, "updated": 0, "unchanged": 0, "stale": 0, "quarantined": 0,
        "next": None,
    }  # fmt: skip
    first = sender.http.post("/v1/quarantine/retry", json={"limit": 1}).json()
    rest = sender.http.post("/v1/quarantine/retry", json={"after": first["next"]}).json()

    assert (first["quarantined"], first["driven"]) == (1, 1)
    assert (rest["created"], rest["next"]) == (1, None)
    assert [one["code"] for one in items(sender)] == [code(8)]
    assert {one["settled_how"] for one in items(sender, state="mended")} == {"redriven"}
    assert sender.get(f"/v1/dossiers/{code(1)}")["applicant"]["name"] == NAME
    with sessions() as session:  # each is spoken for the source that sent it
        sources = session.execute(text("SELECT code, source FROM dossier ORDER BY code")).all()
    assert dict(map(tuple, sources))[code(9)] == "vbdlis"


@pytest.mark.usefixtures("catalogue_as_it_was")
def test_what_is_refused_again_says_what_is_wrong_now(sender: Api, sessions: Sessions):
    sender.batch([wrong(1, branch=NEW)])
    (before,) = items(sender)
    publish_branch(sessions, sender)

    told = sender.http.post("/v1/quarantine/retry", json={}).json()

    (after,) = items(sender)
    assert told["quarantined"] == 1
    assert {one["field"] for one in before["problems"]} == {"branch", "suspensions"}
    assert {one["field"] for one in after["problems"]} == {"suspensions"}
    assert (after["branch"], after["times"]) == (NEW, 1)
    assert sender.http.post("/v1/quarantine/retry", json={"branch": NEW}).json()["driven"] == 1


def test_only_what_is_in_scope_is_driven(sender: Api, api: Callable[..., Api]):
    sender.batch([wrong(1), record(2, branch=NEW)])

    other = api("other", branches=[OTHER]).http.post("/v1/quarantine/retry", json={})
    mine = api("mine", branches=[BRANCH]).http.post("/v1/quarantine/retry", json={})
    foreign = {"branch": BRANCH}
    strange = api("mine", branches=[OTHER]).http.post("/v1/quarantine/retry", json=foreign)

    assert other.json()["driven"] == 0
    assert mine.json()["driven"] == 1
    assert strange.status_code == 404


@pytest.mark.parametrize("body", [{"limit": 0}, {"after": -1}, {"field": "\0"}, {"all": True}])
def test_a_wrong_wish_names_its_field(sender: Api, body: dict[str, Any]):
    answer = sender.http.post("/v1/quarantine/retry", json=body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == next(iter(body))


def test_driving_many_costs_the_same_statements_as_driving_few(sender: Api, statements: list[str]):
    found = []
    for first, size in ((1, 5), (1_000, 400)):
        sender.batch([wrong(number) for number in range(first, first + size)])
        statements.clear()
        told = sender.http.post("/v1/quarantine/retry", json={"code": code(first)[:-4]}).json()
        assert told["driven"] >= size
        found.append(len(statements))
    assert found[0] == found[1]
    assert redrive.CHUNK > 405


# ---------------------------------------------------------------------------------------- commands

Run = Callable[..., Result]


@pytest.fixture
def run(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> Run:
    @contextmanager
    def opened() -> Iterator[tuple[Any, Sessions]]:
        yield settings, sessions

    settings = SimpleNamespace(**Settings(pull_reach=Reach.ANY).model_dump())
    for module in (quarantine_command, pull_command, feeds_command):
        monkeypatch.setattr(module, "opened_database", opened)
    monkeypatch.setattr(wallclock, "now", lambda: NOW)

    def invoke(*words: str, **more: Any) -> Result:  # noqa: ANN401 of click
        return CliRunner().invoke(cli, list(words), **more)

    return invoke


def test_the_command_lists_counts_and_shows_without_names(run: Run, sender: Api):
    sender.batch([wrong(1), record(2, branch=NEW)])

    listed = run("quarantine", "list").output
    as_json = json.loads(run("quarantine", "list", "--field", "branch", "--json").output)
    counted = json.loads(run("quarantine", "counts", "--json").output)
    (first,) = items(sender, code=code(1))
    shown = run("quarantine", "show", str(first["id"])).output

    assert code(1) in listed
    assert "2 of 2." in listed
    assert [one["code"] for one in as_json] == [code(2)]
    assert counted["totals"]["open"] == 2
    assert BRANCH in run("quarantine", "counts").output
    assert json.loads(shown)["code"] == code(1)
    for told in (listed, shown, str(as_json)):
        assert NAME not in told
    assert NAME in run("quarantine", "show", str(first["id"]), "--names").output


def test_the_command_mends_drives_and_discards(run: Run, sender: Api, session: Session):
    sender.batch([wrong(number) for number in range(1, 5)])
    mended = json.dumps(record(1))
    ids = {one["code"]: str(one["id"]) for one in items(sender)}

    again = run("quarantine", "retry", ids[code(1)], "--file", "-", input=mended)
    still = run("quarantine", "retry", ids[code(2)], "--json")
    discarded = run("quarantine", "discard", ids[code(3)], "--reason", "nhập hai lần")
    everything = run("quarantine", "retry", "--all", "--json")

    assert again.output.strip() == f"{code(1)}: created"
    assert (still.exit_code, json.loads(still.output)["outcome"]) == (1, "quarantined")
    assert discarded.exit_code == 0
    assert json.loads(everything.output) == {"driven": 2, "quarantined": 2}
    rows = refused(session)
    assert [rows[code(number)]["state"] for number in range(1, 5)] == [
        "mended", "open", "discarded", "open",
    ]  # fmt: skip
    assert rows[code(3)]["note"] == "nhập hai lần"
    assert rows[code(1)]["settled_by"].startswith("command:")
    assert "nhập hai lần" in run("quarantine", "list", "--state", "discarded").output


@pytest.mark.parametrize(
    "words",
    [
        ("retry",),
        ("retry", "1", "--all"),
        ("retry", "--all", "--file", "-"),
        ("retry", "9"),
        ("show", "9"),
        ("discard", "9", "--reason", "nhầm"),
        ("discard", "9", "--reason", " "),
        ("list", "--state", "gone"),
        ("list", "--branch", "Z99"),
        ("list", "--office", "Z99"),
        ("retry", "1", "--file", "/nowhere"),
    ],
)
def test_a_wrong_command_says_so_in_one_line(run: Run, words: tuple[str, ...]):
    told = run("quarantine", *words)

    assert told.exit_code == 1
    assert told.output.startswith("dunghan: ")
    assert told.output.count("\n") == 1


def test_the_commands_of_pulls_and_feeds(run: Run, tmp_path: Path):
    secret = tmp_path / "token"
    secret.write_text("the-secret\n")
    with shop() as other:
        other.records = [record(1), record(2)]
        added = run("pull", "add", "mot-cua", "--url", f"{other.url}/list", "--kind", "cursor",
                    "--shape", '{"has_more": "more"}', "--credential", "bearer",
                    "--secret-file", str(secret))  # fmt: skip
        told = run("pull", "run", "mot-cua", "--json")
        other.next_ones = []
        other.records = None  # type: ignore[assignment]
    failed = run("pull", "run", "mot-cua")

    assert added.exit_code == 0, added.output
    assert json.loads(told.output)["outcomes"] == {"created": 2}
    assert other.asked[0][2]["authorization"] == "Bearer the-secret"
    assert (failed.exit_code, "cannot connect" in failed.output) == (1, True)
    listed = run("pull", "list").output
    assert "cannot connect" in listed
    assert "(1 in a row)" in listed
    (item,) = json.loads(run("pull", "list", "--json").output)
    assert "cannot connect" in item["error"]["detail"]
    assert (item["credential"], item["cursor"]) == ({"kind": "bearer"}, "2")
    assert "the-secret" not in added.output + told.output + listed + str(item)
    assert run("pull", "pause", "mot-cua").exit_code == 0
    assert "paused" in run("pull", "list").output
    assert run("pull", "resume", "mot-cua").exit_code == 0
    assert run("feeds", "expect", "mot-cua", "90").exit_code == 0
    (heard,) = [one for one in json.loads(run("feeds", "list", "--json").output)
                if one["branch"] == BRANCH]  # fmt: skip
    assert (heard["source"], heard["expected_minutes"]) == ("mot-cua", 90)
    assert "mot-cua *" in run("feeds", "list").output
    assert run("feeds", "forget", "mot-cua", "--branch", BRANCH).exit_code == 0
    assert run("pull", "remove", "mot-cua").exit_code == 0


@pytest.mark.parametrize(
    "words",
    [
        ("pull", "add", "a b", "--url", "http://x/", "--kind", "cursor"),
        ("pull", "add", "x", "--url", "x", "--kind", "cursor"),
        ("pull", "add", "x", "--url", "http://x/", "--kind", "pages"),
        ("pull", "add", "x", "--url", "http://x/", "--kind", "cursor", "--shape", "{"),
        ("pull", "add", "x", "--url", "http://x/", "--kind", "cursor", "--shape", "7"),
        ("pull", "add", "x", "--url", "http://x/", "--kind", "cursor", "--credential", "basic"),
        ("pull", "add", "x", "--url", "http://x/", "--kind", "cursor", "--branch", "Z99"),
        ("pull", "run", "x"),
        ("pull", "pause", "x"),
        ("pull", "remove", "x"),
        ("feeds", "expect", "x", "5"),
        ("feeds", "forget", "x"),
        ("feeds", "forget", "x", "--branch", "Z99"),
    ],
)
def test_a_wrong_pull_says_so_in_one_line(run: Run, words: tuple[str, ...]):
    told = run(*words)

    assert told.exit_code == 1, told.output
    assert told.output.startswith("dunghan: ")
    assert told.output.count("\n") == 1
