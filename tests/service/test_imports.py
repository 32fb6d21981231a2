"""A clerk's file becomes dossiers; what cannot is kept, mended, and sent again."""

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from psutil import Process
from python_calamine import CalamineWorkbook
from sqlalchemy import Engine, MetaData, func, select

from app.db import imports as runs
from app.db.engine import Sessions
from app.db.tables import applicant, dossier, import_run, quarantine
from app.service import imports, rejects
from app.service.import_rows import speaking
from app.service.imports import Report
from app.service.language import detail
from app.service.outcomes import Caller
from app.service.rules import RuleBook
from app.service.sheet_tables import FileRefusedError
from app.web.imports import reasons
from tests.jobs.rows import vn
from tests.service.sheets import HEAD, NAME, NOW, code, csv_text, row, run, workbook
from tests.service.simulated import caller as office

Take = Callable[..., Report]
OTHER = Caller("huyen", "client:huyen", "H20.16", frozenset({"H20.16.03"}))


@pytest.fixture
def clerk(book: RuleBook, sessions: Sessions) -> Caller:
    """The office's own file."""
    return office(book, sessions)


@pytest.fixture
def take(clerk: Caller, book: RuleBook, sessions: Sessions) -> Take:
    """Take a file in, or preview it with `dry`."""

    def taken(file: bytes, who: Caller = clerk, **more: Any) -> Report:  # noqa: ANN401
        return run(file, who, book, sessions, **more)

    return taken


def counts(report: Report) -> dict[str, int]:
    return {kind: count for kind, count in report.counts.items() if count and kind != "received"}


def stored(sessions: Sessions) -> dict[str, Any]:
    with sessions() as session:
        return {row["code"]: row for row in session.execute(select(dossier)).mappings()}


def refused(sessions: Sessions) -> list[Any]:
    with sessions() as session:
        query = select(quarantine).where(quarantine.c.state == "open").order_by(quarantine.c.line)
        return list(session.execute(query).mappings())


def told(report: Report, language: str = "en") -> list[str]:
    return [detail(one.problem, language) for one in report.problems]


def everything(engine: Engine) -> dict[str, list[Any]]:
    """Every row of every table."""
    held = MetaData()
    held.reflect(engine)
    with engine.connect() as connection:
        return {
            name: sorted(map(repr, connection.execute(select(table))))
            for name, table in held.tables.items()
        }


# ---------------------------------------------------------------------------------------- taking in


def test_a_workbook_becomes_dossiers(take: Take, sessions: Sessions):
    days = {
        "Ngày_nhận": datetime.fromisoformat("2026-11-16T08:10"),
        "Ngày_hẹn_trả": date(2026, 11, 26),
    }
    report = take(workbook([row(1, **days), row(2, **days)], before=[["DANH SÁCH HỒ SƠ"], []]))

    assert counts(report) == {"created": 2}
    held = stored(sessions)[code(1)]
    assert held["received_at"] == vn("2026-11-16 08:10")
    assert held["promised_at"] == vn("2026-11-26 23:59:59")
    assert (held["branch"], held["procedure"], held["source"]) == (
        "H20.16.03",
        "1.012790",
        "one-stop",
    )
    assert held["due_on"] is not None


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_csv_becomes_the_same_dossiers(take: Take, sessions: Sessions, separator: str):
    take(workbook([row(1)]))
    before = stored(sessions)[code(1)]

    report = take(csv_text([row(1)], separator=separator).encode("utf-8-sig"))

    assert counts(report) == {"unchanged": 1}
    assert stored(sessions)[code(1)]["content_hash"] == before["content_hash"]


def test_the_same_row_is_unchanged_whatever_its_stamp(take: Take):
    file = workbook([row(1)])
    take(file)

    assert counts(take(file)) == {"unchanged": 1}
    assert counts(take(file, now=NOW + timedelta(days=1))) == {"unchanged": 1}
    assert counts(take(file, as_of=NOW - timedelta(days=1))) == {"unchanged": 1}


def test_a_changed_row_is_an_update_and_an_older_file_is_stale(take: Take, sessions: Sessions):
    take(workbook([row(1)]))
    done = workbook([row(1, Ngày_kết_thúc_xử_lý="20/11/2026")])

    assert counts(take(done, now=NOW + timedelta(hours=1))) == {"updated": 1}
    assert counts(take(workbook([row(1)]), as_of=NOW - timedelta(days=1))) == {"stale": 1}
    assert stored(sessions)[code(1)]["finished_at"] == vn("2026-11-20 00:00")


def test_a_broken_off_import_is_run_again_and_nothing_doubles(
    take: Take, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(imports, "CHUNK", 2)
    rows = [row(n) for n in range(1, 6)] + [row(6, Tên_TTHC="không có")]
    rows.insert(1, row(7, Ngày_nhận="hôm qua"))

    def stop(done: int, _: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take(workbook(rows), on_progress=stop)
    with sessions() as session:
        half = session.execute(select(import_run)).mappings().one()
    assert half["finished_at"] is None
    assert (half["counts"]["received"], half["counts"]["rows"]) == (4, 7)
    assert half["counts"]["created"] == len(stored(sessions)) == 3

    again = take(workbook(rows))
    assert counts(again) == {"unchanged": 3, "created": 2, "quarantined": 2}
    assert len(refused(sessions)) == 2
    with sessions() as session:
        whole = runs.find(session, again.import_id or 0, "H20.16", None)
    assert whole is not None
    assert whole["finished_at"] == NOW
    assert {kind: n for kind, n in whole["counts"].items() if n} == {
        "received": 7,
        "rows": 7,
        "created": 2,
        "unchanged": 3,
        "quarantined": 2,
    }


def test_chunks_count_as_one(take: Take, monkeypatch: pytest.MonkeyPatch, sessions: Sessions):
    monkeypatch.setattr(imports, "CHUNK", 3)
    rows = [row(n) for n in range(1, 11)] + [row(1)]

    report = take(workbook(rows), historical=True)

    assert counts(report) == {"created": 10, "unchanged": 1}
    assert len(stored(sessions)) == 10


# ------------------------------------------------------------------------------------------ dry run


def test_a_dry_run_says_what_would_become_and_writes_nothing(take: Take, engine: Engine):
    take(workbook([row(1), row(9, Tên_TTHC="lạ")]))
    before = everything(engine)
    file = workbook(
        [
            row(1),
            row(2),
            row(3, Ngày_nhận="25/13/2026"),
            row(4, Ngày_kết_thúc_xử_lý="19/11/2026"),
            row(5, Chi_nhánh="Khu vực 99"),
            row(6, Ngày_nhận="21/11/2026"),
        ]
    )

    report = take(file, dry=True, mapping={"Ngày trả": "-"}, now=NOW + timedelta(minutes=1))

    assert counts(report) == {"unchanged": 1, "created": 2, "quarantined": 3}
    assert [(one.line, one.problem.field) for one in report.problems] == [
        (4, "received_at"),
        (6, "branch"),
        (7, "received_at"),
    ]
    assert report.import_id is None
    assert everything(engine) == before
    assert before["dossier"]
    assert before["quarantine"]


def test_a_dry_run_tells_as_much_as_the_run_itself(take: Take):
    file = workbook([row(1), row(1), row(2, Ngày_nhận=""), row(3)])

    seen = take(file, dry=True)
    done = take(file)

    assert seen.counts == done.counts
    assert told(seen) == told(done)


def test_the_first_rows_are_shown_as_understood_and_without_names(take: Take):
    report = take(workbook([row(n) for n in range(1, 15)]), dry=True)

    assert len(report.rows) == 10
    line, record, by_day = report.rows[0]
    assert (line, record["code"], record["procedure"]) == (2, code(1), "1.012790")
    assert by_day == {"promised_at"}
    assert NAME not in repr(report.rows)


# --------------------------------------------------------------------------------------- historical


def test_an_old_list_is_marked_so_that_it_raises_no_alarm(
    take: Take, clerk: Caller, sessions: Sessions
):
    old = [row(1, Mã_hồ_sơ=code(1, "260105"), Ngày_nhận="05/01/2026", Ngày_hẹn_trả="")]
    report = take(workbook(old), historical=True)

    with sessions() as session:
        assert session.execute(select(import_run.c.historical)).scalar_one() is True
    speaker = speaking(clerk, report.import_id, historical=True)
    assert (speaker.historical, speaker.import_id) == (True, report.import_id)
    assert speaker.branches == clerk.branches


# ------------------------------------------------------------------------------------------ columns


def test_a_mapping_is_remembered_for_the_source_and_no_other(take: Take, clerk: Caller):
    head = ["Vào sổ" if name == "Ngày nhận" else name for name in HEAD]
    file = workbook([row(1)], head)
    with pytest.raises(FileRefusedError, match='no column "Ngày nhận"'):
        take(file, dry=True)

    assert counts(take(file, mapping={"vao so": "received_at"})) == {"created": 1}
    again = take(file)

    assert counts(again) == {"unchanged": 1}
    column = again.plan.sheet.columns.by_field["received_at"]
    assert (column.heading, column.remembered) == ("Vào sổ", True)
    with pytest.raises(FileRefusedError):
        take(file, OTHER)
    assert clerk.source != OTHER.source


def test_of_a_mapping_only_what_was_not_known_is_remembered(take: Take, sessions: Sessions):
    head = ["Vào sổ" if name == "Ngày nhận" else name for name in HEAD]
    file = workbook([row(1)], head)
    take(file, mapping={"Vào sổ": "received_at", "Mã hồ sơ": "code", "Ngày trả": "-"})

    with sessions() as session:
        said = runs.mapping(session, "H20.16", "one-stop")
    assert said == {"vaoso": "received_at", "ngaytra": "-"}
    back = take(file, mapping={"Ngày trả": "handed_over_at"})
    assert back.plan.sheet.columns.by_field["handed_over_at"].heading == "Ngày trả"
    assert take(file).plan.sheet.columns.by_field["handed_over_at"].remembered


def test_unknown_columns_are_told_and_left_out(take: Take):
    report = take(workbook([[*row(1), "120 m2"]], [*HEAD, "Diện tích"]), dry=True)

    assert [one.heading for one in report.plan.sheet.columns.unknown] == ["Diện tích"]
    assert counts(report) == {"created": 1}


def test_who_sends_for_one_branch_need_not_name_it(take: Take, sessions: Sessions):
    head = [name for name in HEAD if name != "Chi nhánh"]
    file = workbook([[cell for at, cell in enumerate(row(1)) if at != 2]], head)
    with pytest.raises(FileRefusedError, match="choose the branch of the whole file"):
        take(file, dry=True)

    assert counts(take(file, branch="H20.16.01", dry=True)) == {"created": 1}
    assert counts(take(file, OTHER)) == {"created": 1}
    assert stored(sessions)[code(1)]["branch"] == "H20.16.03"
    with pytest.raises(FileRefusedError, match="no branch you may send for"):
        take(file, OTHER, branch="H20.16.01")


def test_a_branch_out_of_scope_is_refused(take: Take, sessions: Sessions):
    report = take(workbook([row(1, Chi_nhánh="H20.16.01")]), OTHER)

    assert counts(report) == {"quarantined": 1}
    assert "no branch you may send for" in told(report)[0]
    assert refused(sessions)[0]["branch"] is None


def test_notes_tell_what_a_person_should_know(take: Take):
    rows = [row(n, Ngày_nhận=date(2026, 11, n)) for n in range(1, 5)]
    rows += [row(9, Ngày_nhận="16/11/2026")]
    head = ["-" if name == "Ngày kết thúc xử lý" else name for name in HEAD]
    report = take(workbook(rows, head), dry=True)

    notes = " ".join(note.detail for note in report.plan.notes)
    assert 'the day of "Ngày trả" is taken for it' in notes
    assert "Excel may have taken days for months" in notes


def test_a_column_written_month_first_is_not_guessed(take: Take):
    rows = [row(1, Ngày_nhận="09/25/2026"), row(2, Ngày_nhận="09/05/2026")]

    report = take(workbook(rows), dry=True)

    assert counts(report) == {"quarantined": 2}
    assert all("month first" in one for one in told(report))


def test_one_slip_does_not_condemn_a_column(take: Take):
    rows = [row(1, Ngày_nhận="09/25/2026"), row(2, Ngày_nhận="05/11/2026")]
    rows += [row(n, Ngày_nhận="16/11/2026") for n in range(3, 6)]

    assert counts(take(workbook(rows), dry=True)) == {"quarantined": 1, "created": 4}


# -------------------------------------------------------------------------- days without their hour


def mortgage(number: int, received: str, finished: str | None) -> list[Any]:
    """A registration due the same working day, or the next if received after 15:00."""
    return row(
        number, Tên_TTHC="1.011441", Ngày_nhận=received, Ngày_hẹn_trả="",
        Ngày_kết_thúc_xử_lý=finished,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("received", "finished", "outcome"),
    [
        ("16/11/2026", "16/11/2026", "created"),  # in time whatever the hour
        ("16/11/2026", "19/11/2026", "created"),  # late whatever the hour
        ("16/11/2026", "17/11/2026", "quarantined"),  # in time only after 15:00
        ("16/11/2026", None, "quarantined"),  # due today, or tomorrow
        ("16/11/2026 15:30", "17/11/2026", "created"),
        ("16/11/2026 14:30", "17/11/2026", "created"),
    ],
)
def test_the_hour_is_asked_for_only_where_it_decides(
    take: Take, received: str, finished: str | None, outcome: str
):
    report = take(workbook([mortgage(1, received, finished)]))

    assert counts(report) == {outcome: 1}
    if outcome == "quarantined":
        assert "the hour decides whether this dossier is in time" in told(report)[0]
        assert "E2 (Ngày nhận)" in told(report)[0]


@pytest.mark.parametrize(
    ("received", "finished", "late"),
    [
        ("16/11/2026", "16/11/2026", False),
        ("16/11/2026", "19/11/2026", True),
        ("16/11/2026 15:30", "17/11/2026", False),
        ("16/11/2026 14:30", "17/11/2026", True),
    ],
)
def test_a_date_alone_makes_nothing_late_and_nothing_on_time(
    take: Take, sessions: Sessions, received: str, finished: str, *, late: bool
):
    take(workbook([mortgage(1, received, finished)]))

    held = stored(sessions)[code(1)]
    assert (held["legal_end_on"] > held["legal_due_on"]) is late


def test_by_days_the_hour_changes_nothing(take: Take, sessions: Sessions):
    take(workbook([row(1, Ngày_nhận="16/11/2026"), row(2, Ngày_nhận="16/11/2026 16:45")]))

    held = stored(sessions)
    assert held[code(1)]["due_on"] == held[code(2)]["due_on"]


# ------------------------------------------------------------------------------------------ rejects

BAD = [
    row(1, Ngày_nhận="hôm qua", Chủ_hồ_sơ="=cmd|' /C calc'!A0"),
    row(2, Mã_hồ_sơ="", Chủ_hồ_sơ="@SUM(1)"),
    row(3, Ngày_kết_thúc_xử_lý="21/11/2026"),
    row(4, Tên_TTHC="Tên lạ", Ngày_nhận=date(2026, 11, 16)),
]


def rejects_of(sessions: Sessions, import_id: int | None, language: str = "vi") -> bytes:
    made = io.BytesIO()
    with sessions() as session:
        run_row = runs.find(session, import_id or 0, "H20.16", None)
        assert run_row is not None
        rejects.write(
            made,
            run_row["columns"]["headings"],
            rejects.rows(session, run_row["id"]),
            lambda one: reasons(one["problems"], language),
            language,
        )
    return made.getvalue()


def lines(file: bytes) -> list[list[Any]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(file)).get_sheet_by_index(0).to_python()


def mended(file: bytes, **cells: Any) -> bytes:  # noqa: ANN401 a cell
    """A file of rejects with cells changed, by heading, in the rows whose code they name."""
    head, *rows = lines(file)
    for one in rows:
        for name, held in cells.items():
            one[head.index(name.replace("_", " "))] = held
    return workbook(rows, head)


def test_refused_rows_are_kept_with_their_line_and_file_and_no_name(take: Take, sessions: Sessions):
    report = take(workbook([row(7), *BAD], before=[["Danh sách"]]))

    assert counts(report) == {"created": 1, "quarantined": 4}
    held = refused(sessions)
    assert [(one["line"], one["import_id"]) for one in held] == [
        (line, report.import_id) for line in (4, 5, 6, 7)
    ]
    for one in held:
        assert "cmd" not in repr(dict(one))
        assert NAME not in repr(dict(one))
    with sessions() as session:
        kept = session.scalars(
            select(applicant.c.details).where(applicant.c.subject.like("quarantine/%"))
        ).all()
    assert any("=cmd" in repr(one) for one in kept)


def test_rejects_come_back_with_the_same_columns_and_why(take: Take, sessions: Sessions):
    report = take(workbook(BAD))

    head, *rows = lines(rejects_of(sessions, report.import_id))
    assert head == [*HEAD, "Lý do bị từ chối (Đúng Hạn)", "Mã dòng bị từ chối (Đúng Hạn)"]
    assert [one[:3] for one in rows] == [["" if c is None else c for c in b[:3]] for b in BAD]
    assert rows[0][-2].startswith("ô E2 (Ngày nhận) không phải là ngày")
    assert rows[3][4] == "16/11/2026"
    english = lines(rejects_of(sessions, report.import_id, "en"))
    assert english[0][-2] == "Reason refused (Đúng Hạn)"
    assert english[1][-2].startswith("cell E2 (Ngày nhận) is no day")


def test_nothing_a_sender_wrote_runs_when_the_rejects_are_opened(take: Take, sessions: Sessions):
    signs = ["=1+1", "+1", "-1", "@a", "\t=1", "http://x.vn", "{=1}"]
    rows = [row(n, Ngày_nhận="x", Chủ_hồ_sơ=sign) for n, sign in enumerate(signs, start=1)]
    report = take(csv_text(rows).encode())

    made = rejects_of(sessions, report.import_id)
    with zipfile.ZipFile(io.BytesIO(made)) as packed:
        sheet = packed.read("xl/worksheets/sheet1.xml")
        assert b"<f>" not in sheet
        assert b"<hyperlink" not in sheet
        assert b'hidden="1"' in sheet
    assert [one[3] for one in lines(made)[1:]] == [sign.strip() for sign in signs] or [
        one[3] for one in lines(made)[1:]
    ] == signs


def test_mended_rejects_leave_quarantine(take: Take, sessions: Sessions):
    report = take(workbook(BAD))
    file = rejects_of(sessions, report.import_id)
    head, *rows = lines(file)
    rows[0][head.index("Ngày nhận")] = "16/11/2026 08:00"
    rows[1][head.index("Mã hồ sơ")] = code(2)
    rows[2][head.index("Ngày kết thúc xử lý")] = "19/11/2026"
    rows[3][head.index("Tên TTHC")] = "1.012790"

    again = take(workbook(rows, head), now=NOW + timedelta(hours=1))

    assert counts(again) == {"created": 4}
    assert refused(sessions) == []
    with sessions() as session:
        states = session.execute(select(quarantine.c.state, quarantine.c.settled_by)).all()
        assert set(states) == {("mended", "client:one-stop")}
        left = session.scalar(select(func.count()).where(applicant.c.subject.like("quarantine/%")))
    assert left == 0


def test_a_row_without_a_code_leaves_when_it_is_mended_even_to_the_same_stamp(
    take: Take, sessions: Sessions
):
    report = take(workbook([row(1, Mã_hồ_sơ="")]))
    assert refused(sessions)[0]["code"] is None

    file = mended(rejects_of(sessions, report.import_id), Mã_hồ_sơ=code(1))
    take(file, now=NOW)

    assert refused(sessions) == []


def test_a_row_still_wrong_takes_the_place_of_the_one_it_mends(take: Take, sessions: Sessions):
    first = take(workbook([row(1, Mã_hồ_sơ="", Ngày_nhận="x")]))
    (before,) = refused(sessions)

    file = mended(rejects_of(sessions, first.import_id), Mã_hồ_sơ=code(1))
    second = take(file, now=NOW + timedelta(hours=1))

    (after,) = refused(sessions)
    assert counts(second) == {"quarantined": 1}
    assert (after["id"], after["code"], after["import_id"]) == (
        before["id"],
        code(1),
        second.import_id,
    )
    assert after["times"] == 2
    head, *rows = lines(rejects_of(sessions, second.import_id))
    assert head.count("Lý do bị từ chối (Đúng Hạn)") == 1
    assert rows[0][0] == code(1)
    assert lines(rejects_of(sessions, first.import_id))[1:] == []


def test_a_line_copied_in_excel_is_not_lost(take: Take, sessions: Sessions):
    first = take(workbook([row(1, Mã_hồ_sơ="")]))
    head, only = lines(rejects_of(sessions, first.import_id))
    one, two, three = list(only), list(only), list(only)
    one[0], two[0], three[4] = code(1), "sai mã", "x"

    report = take(workbook([one, two, three], head), now=NOW + timedelta(hours=1))

    assert counts(report) == {"created": 1, "quarantined": 2}
    assert len(refused(sessions)) == 2


def test_another_sender_cannot_close_what_it_did_not_send(take: Take, sessions: Sessions):
    report = take(workbook([row(1, Mã_hồ_sơ="")]))

    file = mended(rejects_of(sessions, report.import_id), Mã_hồ_sơ=code(1))
    assert counts(take(file, OTHER)) == {"created": 1}

    assert len(refused(sessions)) == 1


def test_the_same_file_again_counts_its_refused_rows_and_keeps_them_once(
    take: Take, sessions: Sessions
):
    file = workbook(BAD)
    take(file)
    second = take(file, now=NOW + timedelta(hours=2))

    assert [one["times"] for one in refused(sessions)] == [2] * 4
    assert {one["import_id"] for one in refused(sessions)} == {second.import_id}


def test_a_row_refused_for_what_time_mends_is_closed_by_the_same_row(
    take: Take, sessions: Sessions
):
    """Received on Saturday by a clock that runs ahead; on Monday the same file is right."""
    file = workbook([row(1, Mã_hồ_sơ=code(1, "261121"), Ngày_nhận="21/11/2026 08:00")])
    assert counts(take(file)) == {"quarantined": 1}

    assert counts(take(file, now=NOW + timedelta(days=3))) == {"created": 1}
    assert refused(sessions) == []


# --------------------------------------------------------------------------------------------- size


def test_more_rows_than_the_bound_are_refused_before_any_is_taken(
    take: Take, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("app.service.import_read.MAX_ROWS", 3)
    with pytest.raises(FileRefusedError, match="more than 3 rows") as wrong:
        take(csv_text([row(n) for n in range(1, 5)]).encode())

    assert wrong.value.too_large
    assert stored(sessions) == {}


def test_a_row_with_a_huge_cell_is_refused_alone(take: Take):
    rows = [row(1, Chủ_hồ_sơ="x" * 40_000), row(2)]

    assert counts(take(csv_text(rows).encode())) == {"quarantined": 1, "created": 1}


def test_twenty_thousand_rows_take_no_more_memory_than_five_thousand(take: Take):
    """What the process holds after each chunk; the first warms every cache there is."""
    held: list[int] = []
    rows = (row(n) for n in range(1, 20_001))

    report = take(
        csv_text(rows).encode(),
        historical=True,
        on_progress=lambda *_: held.append(Process().memory_info().rss),
    )

    assert counts(report) == {"created": 20_000}
    assert len(held) == 4
    assert held[3] - held[0] < 48 * 1024 * 1024
