"""The national portal's calls as they are read, without a database."""

import ast
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any
from unicodedata import normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import app
from app.adapters.dvcqg import faults, progress, records, telling, texts
from app.adapters.dvcqg.records import Made
from app.adapters.dvcqg.telling import Held
from app.core.clock import Reason
from app.core.lifecycle import Status
from app.core.problems import Problem
from tests.jobs.rows import vn

BRANCHES = {"H20.16.03": "H20.16.03", "khu vực iii": "H20.16.03"}
RECEIVED = vn("2026-11-16 08:10")
Payload = dict[str, Any]


def dossier(status: object = "4", **changes: object) -> Payload:
    return {
        "MaHoSo": "H20.16.03-261116-0001",
        "MaTTHC": "1.012790",
        "KenhThucHien": "1",
        "LoaiDoiTuong": "1",
        "NgayTiepNhan": "20261116081000",
        "NgayHenTra": "20261127170000",
        "DonViXuLy": "Khu vực III",
        "TrangThaiHoSo": status,
    } | changes


def line(at: str, status: object, said: str = "Xử lý") -> Payload:
    return {
        "MaHoSo": "H20.16.03-261116-0001",
        "ThoiDiemXuLy": at,
        "TrangThai": status,
        "NoiDungXuLy": said,
    }


def digits(at: datetime) -> str:
    return at.strftime("%Y%m%d%H%M%S")


class Source:
    """What is known of one dossier, as tellings come in."""

    def __init__(self) -> None:
        self.held = Held()

    def sync(self, at: datetime, status: object = "4", **changes: object) -> "Source":
        told = telling.read(dossier(status, **changes), BRANCHES, None)
        self.held = telling.heard(self.held, told, at)
        return self

    def progress(self, at: datetime, status: object, said: str = "Xử lý") -> "Source":
        sighting = progress.read(line(digits(at), status, said), None).sighting
        assert sighting is not None
        self.held = telling.progressed(self.held, sighting)
        return self

    @property
    def made(self) -> Made:
        made = records.made(self.held, ())
        assert made is not None
        return made

    @property
    def record(self) -> Payload:
        return self.made.record

    @property
    def pauses(self) -> list[tuple[str, str, str | None]]:
        return [
            (one["reason"], one["from"][5:16], one["until"] and one["until"][5:16])
            for one in self.record.get("suspensions", [])
        ]


def at(hours: float) -> datetime:
    """So many hours after the receipt."""
    return RECEIVED + timedelta(hours=hours)


# ----------------------------------------------------------------------------------------- pauses


def test_four_five_four_is_one_pause():
    source = Source().sync(at(1)).sync(at(10), "5").sync(at(40))

    assert source.pauses == [("supplement", "11-16T18:10", "11-18T00:10")]
    assert source.record["suspensions_inferred"]
    assert source.record["suspensions"][0]["ground"] == "Suy ra từ trạng thái 4 → 5 → 4"
    assert source.record["status"] == 4


def test_each_kind_of_pause_has_its_own_run():
    source = Source().sync(at(1)).sync(at(10), "5").sync(at(20), "6").sync(at(40), "4")

    assert [one[0] for one in source.pauses] == ["supplement", "financial_obligation"]
    assert [one["ground"][-9:] for one in source.record["suspensions"]] == [
        "4 → 5 → 6",
        "5 → 6 → 4",
    ]


def test_a_dossier_that_stands_has_its_pause_open():
    source = Source().sync(at(1)).sync(at(10), "5")

    assert source.pauses == [("supplement", "11-16T18:10", None)]
    assert source.record["status"] == 5


def test_a_pause_ends_with_the_dossier():
    ended = {"NgayKetThucXuLy": digits(at(30))}
    source = Source().sync(at(1)).sync(at(10), "5").sync(at(40), "9", **ended)

    assert source.pauses == [("supplement", "11-16T18:10", "11-17T14:10")]
    assert source.record["status"] == 9


def test_a_line_told_late_finds_its_place():
    early = Source().progress(at(5), "5").progress(at(9), "4").sync(at(20))
    late = Source().sync(at(20)).progress(at(9), "4").progress(at(5), "5")

    assert early.pauses == late.pauses == [("supplement", "11-16T13:10", "11-16T17:10")]


def test_the_newest_word_says_where_a_dossier_stands():
    assert Source().sync(at(1)).progress(at(5), "5").record["status"] == 5
    assert Source().sync(at(1)).progress(at(5), "5").sync(at(20)).record["status"] == 4
    unchanged = Source().sync(at(1)).sync(at(2)).progress(at(5), "5").sync(at(6))
    assert unchanged.record["status"] == 4  # told again is told anew


def test_a_telling_just_after_a_line_is_its_older_word():
    """Else a sync that lags by minutes parts one supplement in two, and 766 counts them."""
    source = Source().sync(at(1)).progress(at(5), "5").sync(at(5.1)).sync(at(6), "5")

    assert source.pauses == [("supplement", "11-16T13:10", None)]


def test_lines_made_up_prove_nothing():
    source = Source().sync(at(1)).progress(at(0), "2").progress(at(30), "9").progress(at(31), "10")
    assert (source.record["status"], source.pauses) == (4, [])
    assert "finished_at" not in source.record
    assert Source().sync(at(1)).progress(at(0), "5").pauses == []  # dated at the receipt


def test_nothing_stops_the_clock_without_a_lawful_reason():
    assert Source().sync(at(1)).sync(at(5), "8").sync(at(9)).pauses == []
    posted = Source().sync(at(1)).sync(at(5), "8", GhiChu="Niêm yết tại UBND xã").sync(at(9))
    assert [one[0] for one in posted.pauses] == ["public_posting"]


def test_a_block_wins_over_what_was_inferred():
    block = {"NgayBoSung": digits(at(4)), "NgayTiepNhanBoSung": digits(at(9))}
    source = Source().sync(at(1)).sync(at(5), "5")
    source.sync(at(30), "4", DanhSachHoSoBoSung=[block])

    assert source.pauses == [("supplement", "11-16T12:10", "11-16T17:10")]
    assert "suspensions_inferred" not in source.record


def test_a_block_seen_only_the_night_after_is_still_the_same_pause():
    block = {"NgayBoSung": digits(at(2)), "NgayTiepNhanBoSung": digits(at(4))}
    source = Source().sync(at(1)).sync(at(15), "5").sync(at(39), "4", DanhSachHoSoBoSung=[block])

    assert len(source.pauses) == 1


def test_a_block_without_its_end_takes_it_from_the_statuses():
    block = {"NgayBoSung": digits(at(4))}
    source = Source().sync(at(1)).sync(at(5), "5", DanhSachHoSoBoSung=[block])
    assert source.pauses == [("supplement", "11-16T12:10", None)]
    source.sync(at(30), "4", DanhSachHoSoBoSung=[block])

    assert source.pauses == [("supplement", "11-16T12:10", "11-17T14:10")]
    assert source.record["suspensions_inferred"]


def test_an_open_block_of_a_dossier_that_goes_on_ends_when_that_was_said():
    """A day of completion that was forgotten must not stop the clock for ever."""
    block = {"NgayBoSung": digits(at(4))}
    source = Source().sync(at(1)).sync(at(12), "4", DanhSachHoSoBoSung=[block])
    assert source.pauses == [("supplement", "11-16T12:10", "11-16T20:10")]
    source.sync(at(13), "5", DanhSachHoSoBoSung=[block])
    assert source.pauses == [("supplement", "11-16T12:10", None)]


def test_what_a_block_does_not_cover_stays_inferred():
    block = {"NgayBoSung": digits(at(4)), "NgayTiepNhanBoSung": digits(at(9))}
    source = Source().sync(at(1)).sync(at(5), "5").sync(at(10), "4").sync(at(20), "6")
    source.sync(at(30), "4", DanhSachHoSoBoSung=[block])

    assert [one[0] for one in source.pauses] == ["supplement", "financial_obligation"]


_TELLINGS = st.lists(
    st.tuples(
        st.integers(1, 2_000),
        st.sampled_from(["2", "4", "4", "5", "6", "8", "9"]),
        st.sampled_from(["", "Cán bộ trả hồ sơ bổ sung", "Công dân thực hiện NVTC", "niêm yết"]),
    ),
    max_size=8,
)
_LINES = st.lists(
    st.tuples(
        st.integers(0, 2_000),
        st.sampled_from(["2", "4", "5", "6", "8", "9"]),
        st.sampled_from(["Xử lý", "Cán bộ trả hồ sơ bổ sung", "Công dân thực hiện NVTC", "x"]),
    ),
    max_size=8,
)


@settings(max_examples=400, deadline=None)
@given(_TELLINGS, _LINES, st.randoms(use_true_random=False))
def test_the_order_in_which_lines_come_makes_no_difference(
    tellings: list[tuple[int, str, str]], lines: list[tuple[int, str, str]], dice: Random
):
    """A telling's stamp is its arrival, so tellings keep their order; lines come whenever."""
    made = []
    for _ in range(3):
        source, left, late = Source(), sorted(tellings), [*lines, *lines[:2]]
        dice.shuffle(late)
        while left or late:
            if left and (not late or dice.random() < 0.5):
                minutes, status, said = left.pop(0)
                source.sync(at(minutes / 10), status, GhiChu=said)
            else:
                minutes, status, said = late.pop()
                source.progress(at(minutes / 10), status, said)
        made.append(records.made(source.held, ()))
    assert made[0] == made[1] == made[2]


@settings(max_examples=300, deadline=None)
@given(_TELLINGS, _LINES)
def test_pauses_inferred_lie_within_the_dossier_and_apart(
    tellings: list[tuple[int, str, str]], lines: list[tuple[int, str, str]]
):
    source = Source().sync(at(0.5))
    for minutes, status, said in sorted(tellings):
        source.sync(at(1 + minutes / 10), status, GhiChu=said)
    for minutes, status, said in lines:
        source.progress(at(minutes / 10), status, said)
    stops = source.record.get("suspensions", [])

    assert all(one["from"] >= RECEIVED.isoformat() for one in stops)
    assert all(one["until"] is None or one["until"] >= one["from"] for one in stops)
    assert all(
        one["until"] is not None and one["until"] <= two["from"] for one, two in pairwise(stops)
    )


def test_a_night_after_night_of_the_same_stays_small():
    source = Source()
    for hour in range(24 * 60):
        source.sync(at(hour))
    assert len(source.held.seen) <= 2 * 61
    ended = Source()
    for hour in range(40, 24 * 60):
        ended.sync(at(hour), "9", NgayKetThucXuLy=digits(at(30)))
    assert len(ended.held.seen) == 1


# --------------------------------------------------------------------------------------- disguise


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Cán bộ trả hồ sơ bổ sung", Status.AWAITING_SUPPLEMENT),
        ("CÁN BỘ   TRẢ HỒ SƠ BỔ SUNG.", Status.AWAITING_SUPPLEMENT),
        (normalize("NFD", "cán bộ trả hồ sơ bổ sung"), Status.AWAITING_SUPPLEMENT),
        ("Yêu cầu công dân bổ sung", Status.AWAITING_SUPPLEMENT),
        ("Cán bộ trả bổ sung hồ sơ", Status.STOPPED),
        ("Công dân thực hiện NVTC", Status.AWAITING_PAYMENT),
        ("Công dân thực hiện nghĩa vụ tài chính", Status.AWAITING_PAYMENT),
        ("Hồ sơ không có ngày hẹn trả", Status.IN_PROGRESS),
        ("Tạm dừng xử lý", Status.STOPPED),
        ("Kết thúc xử lý hồ sơ", None),
        ("Công dân đã thực hiện NVTC, trả kết quả", None),
        ("Đã trả kết quả", None),
        ("", None),
        (None, None),
    ],
)
def test_a_nine_is_what_its_text_says(said: str | None, meant: Status | None):
    assert texts.disguised(said) is meant


def test_a_nine_takes_its_meaning_from_the_last_line_before_it():
    source = Source().sync(at(1)).progress(at(5), "9", "Cán bộ trả hồ sơ bổ sung")
    source.sync(at(6), "9")
    assert (source.record["status"], source.record["status_told"]) == (5, 9)
    assert source.pauses == [("supplement", "11-16T13:10", None)]
    assert source.made.notes == ()

    source.progress(at(30), "4").sync(at(31), "4")
    assert source.record["status"] == 4
    source.sync(at(50), "9", NgayKetThucXuLy=digits(at(49)))
    assert (source.record["status"], source.record.get("status_told")) == (9, None)
    assert source.pauses == [("supplement", "11-16T13:10", "11-17T14:10")]


def test_a_nine_dated_after_the_line_is_its_own():
    source = Source().progress(at(5), "9", "Cán bộ trả hồ sơ bổ sung")
    source.sync(at(60), "9", NgayKetThucXuLy=digits(at(59)))

    assert source.record["status"] == 9
    assert source.pauses == [("supplement", "11-16T13:10", "11-18T19:10")]


def test_a_disguise_dated_at_the_receipt_gives_its_words_and_not_its_date():
    """Where the day of the request is unknown, the day of receipt is put in its place."""
    source = Source().sync(at(1)).sync(at(20), "9")
    source.progress(at(0), "9", "Công dân thực hiện NVTC").progress(at(10), "4")

    assert source.record["status"] == 6
    assert source.pauses == [("financial_obligation", "11-17T04:10", None)]


def test_a_nine_that_names_no_moment_is_not_believed_and_says_so():
    source = Source().sync(at(1), "9")
    assert (source.record["status"], source.record["status_told"]) == (4, 9)
    assert [one.field for one in source.made.notes] == ["NgayKetThucXuLy"]
    # with a line that says when, dated after the receipt, both agree
    source.progress(at(20), "9", "Kết thúc xử lý hồ sơ")
    assert source.record["status"] == 9
    assert source.record["finished_at"] == at(20).isoformat()


def test_a_ten_without_its_day_is_a_nine():
    source = Source().sync(at(50), "10", NgayKetThucXuLy=digits(at(30)))

    assert (source.record["status"], source.record["status_told"]) == (9, 10)
    assert [one.field for one in source.made.notes] == ["NgayTra"]


# --------------------------------------------------------------------------------------- promises


def blocks(*promises: tuple[float, float, str, str]) -> list[Payload]:
    return [
        {
            "NgayBoSung": digits(at(since)),
            "NgayTiepNhanBoSung": digits(at(until)),
            "NgayHenTraTruoc": old,
            "NgayHenTraMoi": new,
        }
        for since, until, old, new in promises
    ]


FIRST, SECOND, THIRD = "20261127170000", "20261201170000", "20261203170000"


@pytest.mark.parametrize(
    ("now", "held"),
    [(FIRST, SECOND), (SECOND, SECOND), (THIRD, THIRD), ("", SECOND)],
)
def test_the_promise_that_holds(now: str, held: str):
    told = blocks((4, 9, FIRST, SECOND))
    source = Source().sync(at(20), NgayHenTra=now, DanhSachHoSoBoSung=told)

    assert digits(datetime.fromisoformat(source.record["promised_at"])) == held


def test_promises_before_it_are_records_of_their_own():
    told = blocks((4, 9, FIRST, SECOND), (12, 15, SECOND, THIRD))
    made = Source().sync(at(20), "5", NgayHenTra=FIRST, DanhSachHoSoBoSung=told).made

    assert [one["promised_at"][:10] for one in made.earlier] == ["2026-11-27", "2026-12-01"]
    assert [len(one.get("suspensions", [])) for one in made.earlier] == [0, 1]
    assert {one["status"] for one in made.earlier} == {4}
    again = records.made(
        Source().sync(at(20), NgayHenTra=FIRST, DanhSachHoSoBoSung=told).held, made.promises
    )
    assert again is not None
    assert again.earlier == ()


# ----------------------------------------------------------------------------------------- values


@pytest.mark.parametrize("told", ["20261116081000", " 20261116081000 ", 20261116081000])
def test_a_time_has_fourteen_digits(told: object):
    read = telling.read(dossier(NgayTiepNhan=told), BRANCHES, None)

    assert (read.received_at, read.wrong) == (RECEIVED, ())


@pytest.mark.parametrize("told", [None, "", "  ", "0", 0, "00000000000000", "00010101000000"])
def test_no_time_is_written_in_many_ways(told: object):
    read = telling.read(dossier(NgayTra=told), BRANCHES, None)

    assert (read.handed_over_at, read.wrong) == (None, ())


@pytest.mark.parametrize(
    "told",
    [
        *("20261116", "2026-11-16", "20261316081000", "20260230081000", "20261116240000"),
        *("٢٠٢٦١١١٦٠٨١٠٠٠", "2026-11-16T08:10:00+07:00", "x" * 99, True),
    ],
)
def test_what_is_no_time_is_named_with_its_form_and_marks_the_record(told: object):
    read = telling.read(dossier(NgayTiepNhan=told), BRANCHES, None)
    (problem,) = faults.problems(read.wrong)

    assert problem.field == "NgayTiepNhan"
    assert "yyyyMMddHHmmss" in problem.detail
    made = records.made(telling.heard(Held(), read, at(1)), ())
    assert made is not None
    assert made.record["received_at"].startswith("NgayTiepNhan=")


def test_what_is_not_figures_is_never_repeated():
    name = "Nguyễn Thị Bích Hạnh"
    fields = ("NgayTiepNhan", "TrangThaiHoSo", "KenhThucHien", "LoaiDoiTuong", "NgayTra")
    read = telling.read(dossier() | dict.fromkeys(fields, name), BRANCHES, None)

    assert len(read.wrong) == len(fields)
    assert name not in repr(read)
    assert all(name not in problem.detail for problem in faults.problems(read.wrong))


def test_fields_of_the_portals_own_are_left_where_they_are():
    own = {
        "SoGiayToChuHoSo": "087123456789",
        "Email": "a@b.vn",
        "MaDoiTuong": "u-1",
        "La": {"x": 1},
    }

    plain = telling.read(dossier(), BRANCHES, None)
    assert telling.read(dossier(ChuHoSo="Trần A", **own), BRANCHES, None) == plain


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Thẩm định hồ sơ", "Thẩm định hồ sơ"),
        ("Gọi ông Nguyễn Văn Tèo bổ sung", "Gọi ông … bổ sung"),
        ("Bà Trần Thị Út nộp", "Bà … nộp"),
        ("SĐT 0912 345 678", "SĐT …"),
        ("CCCD 087123456789", "CCCD …"),
        ("Trả cho nguyễn thị bích hạnh", "Trả cho …"),
        ("Thửa 125 tờ 30", "Thửa 125 tờ 30"),
        ("Chuyển bước 2", "Chuyển bước 2"),
    ],
)
def test_what_an_officer_types_loses_persons_and_numbers(said: str, kept: str):
    assert texts.impersonal(said, "Nguyễn Thị Bích Hạnh") == kept


def test_a_name_learned_later_is_taken_out_of_what_came_before():
    source = Source().progress(at(5), "4", "Mời Lê Thị Mận lên")
    held = telling.without_name(source.held, "Lê Thị Mận")

    assert "Mận" not in repr(held)


# ------------------------------------------------------------------------------------------ words


def literals(module: str) -> set[str]:
    tree = ast.parse((Path(app.__file__).parent / module).read_text(encoding="utf-8"))
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_each_sentence_put_into_portal_words_is_one_that_intake_says():
    said = literals("core/lifecycle.py") | literals("service/records.py")

    assert set(faults._IN_PORTAL_WORDS) <= said  # noqa: SLF001


def test_a_native_problem_is_told_in_the_portals_fields():
    order = Problem(
        "handed_over_at", "{later} is before {first}", {"later": 1, "first": "finished_at"}
    )
    told = faults.translated(order)
    assert (told.field, told.params["first"]) == ("NgayTra", "NgayKetThucXuLy")

    def field(native: str, places: Sequence[int]) -> str:
        return faults.translated(Problem(native, "x"), places).field

    assert field("suspensions[1].until", [0, 3]) == "DanhSachHoSoBoSung[3].NgayTiepNhanBoSung"
    assert field("suspensions[2].from", [0, 3]) == "TrangThaiHoSo"
    assert field("steps[0].due_at", []) == "NoiDungXuLy"


def test_a_record_is_plain_json():
    source = Source().sync(at(1), "5").progress(at(2), "4")

    assert json.loads(json.dumps(source.record)) == source.record
    assert source.record["suspensions"][0]["reason"] == Reason.SUPPLEMENT.value
