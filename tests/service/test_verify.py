"""Whatever is changed behind the service's back is found, and what is sound is left in peace."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.db import chain
from app.db.calendars import NATIONAL
from app.db.engine import Sessions
from app.service import calendar_changes, intake, verify
from app.service.calendar_items import Day
from app.service.outcomes import Line
from app.service.publish import publish
from app.service.recompute import recompute
from app.service.recount import recount
from app.service.roots import seal
from app.service.rules import RuleBook
from app.service.sealed_days import days
from app.service.verify import Checked, Fault, What
from tests.catalogues import as_it_was
from tests.jobs.rows import vn
from tests.service.simulated import UNTIL, caller, lines, send
from tests.service.test_recompute import LAW, UNKNOWN, publish_law
from tests.web.wire import BRANCH, code, finished, record

SUSPENDED = {
    "status": 5,
    "suspensions": [{"reason": "supplement", "from": "2026-11-17T09:00:00+07:00", "until": None}],
}
ON = vn("2026-11-17 09:00")


@pytest.fixture(autouse=True)
def _as_it_was(sessions: Sessions) -> Iterator[None]:
    with as_it_was(sessions):
        yield


@pytest.fixture
def take(sessions: Sessions, book: RuleBook) -> Callable[..., None]:
    def take_in(*records: dict[str, Any], now: datetime = UNTIL) -> None:
        who = caller(book, sessions)
        told = [Line(at, json.dumps(one).encode()) for at, one in enumerate(records, 1)]
        with sessions.begin() as session:
            outcomes = intake.take_in(session, told, who, book, now)
        assert {one.outcome for one in outcomes} <= {"created", "updated"}

    return take_in


@pytest.fixture
def lived(take: Callable[..., None]) -> None:
    """Two dossiers of four and of two revisions, and one just received, accepted on two days."""
    take(record(1), record(2), record(3), now=vn("2026-11-17 08:00"))
    take(
        record(1, **SUSPENDED, updated_at="2026-11-17T10:00:00+07:00"),
        record(2, commune="29926", updated_at="2026-11-17T10:00:00+07:00"),
        now=vn("2026-11-17 10:30"),
    )
    again = SUSPENDED["suspensions"][0] | {"until": "2026-11-18T09:00:00+07:00"}  # type: ignore[index]
    take(
        record(1, suspensions=[again], updated_at="2026-11-18T09:00:00+07:00"),
        now=vn("2026-11-18 09:30"),
    )
    take(
        finished(1, "2026-11-19", suspensions=[again]),
        now=vn("2026-11-19 10:30"),
    )


@pytest.fixture
def forge(sessions: Sessions) -> Callable[..., None]:
    """Change something where only somebody with the database's password can."""

    def run(statement: str, **told: object) -> None:
        with sessions.begin() as session:
            done = session.execute(text(statement), {"code": code(1)} | told)
            assert done.rowcount > 0  # type: ignore[attr-defined]

    return run


def found(sessions: Sessions, book: RuleBook) -> list[Fault]:
    checked = Checked()
    faults = list(verify.dossiers(sessions, book, checked))
    assert len(faults) == checked.faults
    return faults


def told(faults: Sequence[Fault]) -> list[tuple[What, int | None]]:
    assert {fault.code for fault in faults} <= {code(1)}
    return [(fault.what, fault.revision_no) for fault in faults]


# ------------------------------------------------------------------------------------ what is sound


def test_a_simulated_year_has_no_fault(sessions: Sessions, book: RuleBook):
    send(sessions, book, lines(400))
    checked = Checked()

    assert list(verify.dossiers(sessions, book, checked)) == []

    with sessions() as session:
        held = session.scalar(text("SELECT count(*) FROM dossier"))
        revisions = session.scalar(text("SELECT count(*) FROM revision"))
    assert (checked.dossiers, checked.of, checked.revisions) == (held, held, revisions)
    assert revisions > held * 2


def test_chunks_by_code_leave_nothing_out(
    sessions: Sessions, book: RuleBook, monkeypatch: pytest.MonkeyPatch
):
    send(sessions, book, lines(100))
    monkeypatch.setattr("app.service.verify.CHUNK", 7)
    checked, ticks = Checked(), []

    assert list(verify.dossiers(sessions, book, checked, lambda: ticks.append(1))) == []

    with sessions() as session:
        assert checked.dossiers == session.scalar(text("SELECT count(*) FROM dossier"))
    assert len(ticks) == checked.dossiers // 7 + 1


def test_nor_has_one_that_a_law_a_storm_and_a_recount_have_moved(
    sessions: Sessions, book: RuleBook, take: Callable[..., None]
):
    take(record(1), finished(2, "2026-11-18"), record(3, procedure=UNKNOWN))
    publish_law(sessions, LAW)
    recompute(sessions, book, UNTIL)
    storm = Day(date=date(2026, 11, 25), kind="off", name="Bão")
    with sessions.begin() as session:
        publish(session, calendar_changes.calendar_day(NATIONAL, storm), "x", UNTIL)
    assert found(sessions, book) == []
    recompute(sessions, book, UNTIL)
    with sessions.begin() as session:
        recount(session, code(2), [BRANCH], book, by="user:tra", reason="xem lại", now=UNTIL)
    take(finished(1, "2026-11-19"))

    assert found(sessions, book) == []


def test_one_without_a_limit_is_not_judged_while_a_publication_may_give_it_one(
    sessions: Sessions, book: RuleBook, take: Callable[..., None], forge: Callable[..., None]
):
    take(record(1, procedure=UNKNOWN))
    publish_law(sessions, LAW)
    checked = Checked()
    assert list(verify.dossiers(sessions, book, checked)) == []
    assert (checked.dossiers, checked.waiting) == (1, 1)

    forge("UPDATE publication SET derived_at = now() WHERE derived_at IS NULL AND :code <> ''")

    assert {fault.what for fault in found(sessions, book)} == {What.FINDING}


@pytest.mark.usefixtures("lived")
def test_what_arrives_while_it_is_verified_is_no_fault(
    sessions: Sessions, book: RuleBook, take: Callable[..., None], monkeypatch: pytest.MonkeyPatch
):
    real = chain.standing

    def meanwhile(*given: Any) -> Any:  # noqa: ANN401 a page of rows
        rows = real(*given)
        take(finished(2, "2026-11-19"))
        return rows

    monkeypatch.setattr("app.service.verify.chain.standing", meanwhile)

    assert found(sessions, book) == []


# ---------------------------------------------------------------------------------- what is forged


@pytest.mark.usefixtures("lived")
@pytest.mark.parametrize(
    "said",
    [
        "at = at + interval '1 hour'",
        "by = 'client:other'",
        "source = 'other'",
        "why = 'recount: x'",
        "updated_at = updated_at - interval '1 second'",
        "new_due_on = coalesce(new_due_on, '2026-12-01') + 1",
        "old_due_on = coalesce(old_due_on, '2026-12-01') + 1",
        "content_hash = sha256(content_hash)",
        "head_hash = sha256(head_hash)",
    ],
)
def test_whatever_a_revision_says_is_held_by_its_head(
    sessions: Sessions, book: RuleBook, forge: Callable[..., None], said: str
):
    forge(f"UPDATE revision SET {said} WHERE code = :code AND revision_no = 2")

    assert (What.HEAD, 2) in told(found(sessions, book))


@pytest.mark.usefixtures("lived")
@pytest.mark.parametrize(
    ("number", "changes", "says"),
    [
        (4, '{"status": [4, 9]}', "is not that of the facts before revision 4"),
        (4, '{"status": [4, 9], "finished_at": [null, "2026-11-18T00:00:00Z"]}', "finished_at"),
        (4, "null", "is not that of the facts before revision 4"),
        (2, '{"status": [4, 5], "commune": ["1", "1"]}', "commune"),
        (2, '{"statu": [4, 5]}', "cannot be read"),
        (2, '{"status": 5}', "cannot be read"),
        (2, '{"suspensions": [[{"reason": "lunch"}], null]}', "suspensions"),
        (1, '{"status": [1, 4]}', "the first revision"),
    ],
)
def test_forged_changes_are_found(
    sessions: Sessions,
    book: RuleBook,
    forge: Callable[..., None],
    number: int,
    changes: str,
    says: str,
):
    forge(
        "UPDATE revision SET changes = nullif(CAST(:changes AS jsonb), 'null') "
        "WHERE code = :code AND revision_no = :number",
        changes=changes,
        number=number,
    )

    (fault,) = found(sessions, book)

    assert (fault.what, fault.code) == (What.CHANGES, code(1))
    assert says in fault.detail
    assert fault.revision_no in (number, number - 1)


@pytest.mark.usefixtures("lived")
def test_an_old_value_of_a_list_that_is_forged_is_found(
    sessions: Sessions, book: RuleBook, forge: Callable[..., None]
):
    forge(
        "UPDATE revision SET changes = jsonb_set(changes, '{suspensions,1,0,ground}', '\"x\"') "
        "WHERE code = :code AND revision_no = 2"
    )

    assert told(found(sessions, book)) == [(What.CHANGES, 2)]


@pytest.mark.usefixtures("lived")
@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("status = 10", "status was 9 and is 10"),
        ("finished_at = finished_at - interval '1 day'", "finished_at"),
        ("received_at = received_at + interval '1 minute'", "facts that stand"),
        ("commune = '29926'", "facts that stand"),
        ("procedure_code = '1.012784'", "facts that stand"),
        ("aliases = '[\"x\"]'", "facts that stand"),
        ("status_told = 5", "facts that stand"),
        ("suspensions_inferred = true", "facts that stand"),
        ("suspensions = suspensions || suspensions", "suspensions"),
        ("suspensions = jsonb_set(suspensions, '{0,note}', '1')", "cannot be read"),
        ("suspensions = '[1]'", "cannot be read"),
        ("stages = '[]'", ""),
        ("channel = 'fax'", "facts that stand"),
    ],
)
def test_a_fact_that_was_never_accepted_is_found(
    sessions: Sessions, book: RuleBook, forge: Callable[..., None], said: str, names: str
):
    forge(f"UPDATE dossier SET {said} WHERE code = :code")

    faults = found(sessions, book)

    if not names:  # an empty list says what none says
        assert faults == []
        return
    assert (What.CHANGES, 4) in told(faults)
    assert any(names in fault.detail for fault in faults), faults


@pytest.mark.usefixtures("lived")
@pytest.mark.parametrize(
    "name",
    ["state = 'running'", "how_ended = 'refused'", "case_used = 'x'",
     "difficult = true", "policy = 'restart'", "policy = NULL", "policy = 'x'", "due_at = now()",
     "provisional = true", "legal_due_on = legal_due_on + 1", "legal_end_on = legal_end_on - 1",
     "legal_late = true", "form_due_on = form_due_on + 1", "ended_on = NULL",
     "index766_due_on = index766_due_on + 1", "index766_end_on = NULL", "index766_late = true",
     "stage_dues = '[]'", "no_limit = 'unknown_case'", "limit_id = limit_id + 1",
     "limit_id = 999999999", "limit_id = NULL", "calendar_id = 999999999"],
)  # fmt: skip
def test_a_finding_that_the_facts_do_not_give_is_found(
    sessions: Sessions, book: RuleBook, forge: Callable[..., None], name: str
):
    forge(f"UPDATE dossier SET {name} WHERE code = :code")

    faults = found(sessions, book)

    assert {fault.what for fault in faults} == {What.FINDING}
    assert told(faults)
    if name.startswith("legal_due_on"):
        assert [fault.detail for fault in faults] == [
            "legal_due_on is 2026-12-01, worked out again it is 2026-11-30"
        ]


OF_ANOTHER_CASE = (
    "limit_id = (SELECT min(id) FROM limit_rule WHERE procedure = '1.012783' "
    "AND \"case\" <> 'with_survey')"
)


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("case_assumed = true", "the sender named the case"),
        (OF_ANOTHER_CASE, "of case"),
        ("limit_id = (SELECT min(id) FROM limit_rule WHERE procedure = '1.012784')",
         "of procedure 1.012784"),
        ("calendar_id = (SELECT max(id) FROM working_calendar)", "another's calendar"),
    ],
)  # fmt: skip
def test_a_limit_or_calendar_that_cannot_be_its_own_is_found(
    sessions: Sessions,
    book: RuleBook,
    take: Callable[..., None],
    forge: Callable[..., None],
    named: str,
    said: str,
):
    take(record(1, procedure="1.012783", case="with_survey"))
    storm = Day(date=date(2026, 12, 31), kind="off", name="Bão")
    with sessions.begin() as session:
        publish(session, calendar_changes.calendar_day("H20.16.04", storm), "x", UNTIL)
    assert found(sessions, book) == []
    forge(f"UPDATE dossier SET {named} WHERE code = :code")

    (fault,) = found(sessions, book)

    assert fault.what is What.FINDING
    assert said in fault.detail


@pytest.mark.usefixtures("lived")
def test_a_due_day_that_the_chain_did_not_say_is_found_twice(
    sessions: Sessions, book: RuleBook, forge: Callable[..., None]
):
    forge("UPDATE dossier SET due_on = due_on + 1 WHERE code = :code")

    assert told(found(sessions, book)) == [(What.DUE_DAY, 4), (What.FINDING, None)]


@pytest.mark.usefixtures("lived")
@pytest.mark.parametrize(
    ("numbers", "said"),
    [("= 2", "revision 2 is missing"), ("IN (2, 3)", "revisions 2–3 are missing"),
     ("= 1", "revision 1 is missing"), ("= 4", "the last there is is 3"),
     ("> 0", "no revision at all")],
)  # fmt: skip
def test_a_revision_taken_out_is_missed(
    sessions: Sessions, book: RuleBook, forge: Callable[..., None], numbers: str, said: str
):
    forge(f"DELETE FROM revision WHERE code = :code AND revision_no {numbers}")

    faults = found(sessions, book)

    assert {fault.code for fault in faults} == {code(1)}
    assert said in faults[0].detail
    assert faults[0].what is What.REVISION


@pytest.mark.usefixtures("lived")
def test_a_dossier_taken_out_of_its_history_is_missed(
    sessions: Sessions, book: RuleBook, forge: Callable[..., None]
):
    for gone in (code(3), code(1)):  # the last of all, and one before others
        forge("DELETE FROM dossier WHERE code = :gone AND :code <> ''", gone=gone)

    faults = found(sessions, book)

    assert [(fault.what, fault.code) for fault in faults] == [
        (What.DOSSIER, code(1)),
        (What.DOSSIER, code(3)),
    ]


@pytest.mark.usefixtures("lived")
def test_a_revision_put_in_is_found(sessions: Sessions, book: RuleBook, forge: Callable[..., None]):
    forge(
        "INSERT INTO revision SELECT code, 5, at, by, source, why, updated_at, NULL, new_due_on, "
        "new_due_on, content_hash, head_hash FROM revision WHERE code = :code AND revision_no = 4"
    )

    assert told(found(sessions, book)) == [(What.HEAD, 5), (What.REVISION, 5)]


# ------------------------------------------------------------------------------- what is asked for


@pytest.mark.usefixtures("lived")
def test_some_are_verified_and_no_others(
    sessions: Sessions, book: RuleBook, forge: Callable[..., None]
):
    forge("UPDATE dossier SET status = 10 WHERE code = :code")
    checked = Checked()

    assert list(verify.some(sessions, book, checked, [code(2), code(3), code(2)])) == []
    assert (checked.dossiers, checked.revisions) == (2, 3)
    assert list(verify.some(sessions, book, Checked(), [code(1)]))


def test_one_that_is_not_there_is_told(sessions: Sessions, book: RuleBook):
    checked = Checked()

    (fault,) = verify.some(sessions, book, checked, [code(9)])

    assert (fault.what, fault.code, checked.faults) == (What.DOSSIER, code(9), 1)


def test_a_sample_is_as_large_as_asked(sessions: Sessions, book: RuleBook):
    send(sessions, book, lines(100))

    with sessions() as session:
        drawn = [chain.some(session, 30) for _ in range(2)]

    assert [len(set(one)) for one in drawn] == [30, 30]
    assert set(drawn[0]) != set(drawn[1])
    assert list(verify.some(sessions, book, Checked(), drawn[0])) == []


# -------------------------------------------------------------------------------------- sealed days


@pytest.fixture
def sealed(sessions: Sessions, lived: None) -> None:
    """The days of `lived`, sealed."""
    _ = lived
    assert seal(sessions, vn("2026-11-20 04:00")) == 3


def of_days(sessions: Sessions, noted: dict[date, bytes] | None = None) -> list[Fault]:
    return list(days(sessions, Checked(), noted or {}))


@pytest.mark.usefixtures("sealed")
def test_sealed_days_hold_what_they_held(sessions: Sessions):
    checked = Checked()

    assert list(days(sessions, checked, {})) == []
    assert (checked.days, checked.of_days) == (3, 3)
    assert checked.sealed_until == date(2026, 11, 19)


WHOLE = "WHERE code = :code"


@pytest.mark.usefixtures("sealed")
def test_a_dossier_taken_out_whole_is_missed_by_its_days(
    sessions: Sessions, book: RuleBook, forge: Callable[..., None]
):
    for table in ("dossier", "revision"):
        forge(f"DELETE FROM {table} {WHOLE}")

    assert found(sessions, book) == []  # its chain cannot tell: it is gone with it
    faults = of_days(sessions)
    assert [fault.day for fault in faults] == [date(2026, 11, day) for day in (17, 18, 19)]
    assert "3 revisions give the root" in faults[0].detail


@pytest.mark.usefixtures("sealed")
def test_a_dossier_put_in_afterwards_with_a_past_date_is_found_by_its_day(
    sessions: Sessions, book: RuleBook, take: Callable[..., None]
):
    take(record(7), now=vn("2026-11-18 14:00"))

    assert found(sessions, book) == []
    assert [fault.day for fault in of_days(sessions)] == [date(2026, 11, 18)]


@pytest.mark.usefixtures("sealed")
def test_one_dated_before_all_sealed_days_is_found(sessions: Sessions, take: Callable[..., None]):
    take(record(7), now=vn("2026-11-16 08:30"))

    (fault,) = of_days(sessions)

    assert (fault.what, fault.code, fault.revision_no) == (What.ROOT, code(7), 1)


@pytest.mark.usefixtures("sealed")
def test_a_chain_made_anew_is_found_by_its_day(
    sessions: Sessions, book: RuleBook, forge: Callable[..., None]
):
    """The forger changes who did it, and makes all heads from there on anew."""
    forge("UPDATE revision SET by = 'client:other' WHERE code = :code AND revision_no = 4")
    made = chain._MADE  # noqa: SLF001 the forger has read our source
    forge(
        "UPDATE revision SET head_hash = made FROM (SELECT revision_no AS no, "
        f"{made} AS made FROM revision WHERE code = :code "
        "WINDOW before AS (ORDER BY revision_no)) AS new WHERE code = :code AND revision_no = no"
    )
    forge(
        "UPDATE dossier SET head_hash = revision.head_hash FROM revision "
        "WHERE dossier.code = :code AND revision.code = :code AND revision.revision_no = 4"
    )

    assert found(sessions, book) == []
    assert [fault.day for fault in of_days(sessions)] == [date(2026, 11, 19)]


@pytest.mark.usefixtures("sealed")
@pytest.mark.parametrize(
    ("forged", "found_on"),
    [
        ("UPDATE daily_root SET root = sha256(root) WHERE day = '2026-11-18'", [18, 19]),
        ("DELETE FROM daily_root WHERE day = '2026-11-18'", [18, 19]),
        ("UPDATE daily_root SET revisions = 9 WHERE day = '2026-11-19'", [19]),
    ],
)
def test_a_root_that_is_forged_does_not_fit_its_neighbours(
    sessions: Sessions, forge: Callable[..., None], forged: str, found_on: list[int]
):
    forge(forged + " AND :code <> ''")

    assert [fault.day.day for fault in of_days(sessions) if fault.day] == found_on


@pytest.mark.usefixtures("sealed")
def test_whoever_makes_every_root_anew_is_found_by_a_root_that_was_noted(
    sessions: Sessions, forge: Callable[..., None]
):
    noted = root_of(sessions, date(2026, 11, 19))
    assert of_days(sessions, noted) == []
    for table in ("dossier", "revision"):
        forge(f"DELETE FROM {table} {WHOLE}")
    forge("DELETE FROM daily_root WHERE :code <> ''")
    seal(sessions, vn("2026-11-20 04:00"))

    faults = of_days(sessions, noted)

    assert [(fault.what, fault.day) for fault in faults] == [(What.ROOT, date(2026, 11, 19))]


@pytest.mark.usefixtures("sealed")
def test_a_noted_root_of_a_day_that_is_not_sealed_is_told(sessions: Sessions):
    (fault,) = of_days(sessions, {date(2026, 11, 20) + timedelta(days=9): b"x" * 32})

    assert fault.day == date(2026, 11, 29)


def root_of(sessions: Sessions, day: date) -> dict[date, bytes]:
    with sessions() as session:
        held = session.scalar(text("SELECT root FROM daily_root WHERE day = :day"), {"day": day})
    return {day: bytes(held)}
