"""A province that repoints its sync to us: the national portal's two calls, over HTTP."""

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from unicodedata import normalize

import pytest
from httpx2 import Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.core.codes import dossier_code
from app.db.engine import Sessions
from tests.jobs.rows import vn
from tests.web.wire import BRANCH, NAME, OTHER, Api, Clock, code

UNIT = "Chi nhánh Văn phòng Đăng ký đất đai khu vực III"
SYNC, PROGRESS = "/v1/dvcqg/DongBoHoSoMC", "/v1/dvcqg/CapNhatTienDoHoSoMC"
PHONE, PAPER, HOME = "0912345678", "087123456789", "12 Nguyễn Huệ, Cao Lãnh"
Payload = dict[str, Any]


def dossier(number: int = 1, **changes: object) -> Payload:
    """A dossier as the provincial system of §8.2 sends it; received on Monday morning."""
    held: Payload = {
        "MaHoSo": code(number),
        "MaTTHC": "1.012790",
        "TenTTHC": "Đính chính Giấy chứng nhận đã cấp",
        "MaLinhVuc": "G15-LV01",
        "KenhThucHien": "1",
        "ChuHoSo": NAME,
        "SoGiayToChuHoSo": PAPER,
        "SoDienThoai": PHONE,
        "Email": "hanh@example.org",
        "ThongTinKhac": HOME,
        "LoaiDoiTuong": "1",
        "NgayNopHoSo": "20261116080000",
        "NgayTiepNhan": "20261116081000",
        "NgayHenTra": "20261127170000",
        "TrangThaiHoSo": "4",
        "NgayTra": "",
        "NgayKetThucXuLy": "",
        "ThongTinTra": "",
        "DonViXuLy": UNIT,
        "NoiNopHoSo": "2",
        "DuocThanhToanTrucTuyen": "0",
        "DanhSachHoSoBoSung": [],
        "DinhDanhCHS": [{"LoaiDinhDanh": "1", "SoDinhDanh": PAPER}],
        "TaiLieuNop": [{"TenTepDinhKem": "don.pdf", "DuocSoHoa": "0"}],
    }
    return held | changes


def line(number: int = 1, **changes: object) -> Payload:
    """A line of progress as such a system sends it."""
    held: Payload = {
        "MaHoSo": code(number),
        "NguoiXuLy": "Trần Văn B",
        "ChucDanh": "Chuyên viên",
        "ThoiDiemXuLy": "20261117090000",
        "PhongBanXuLy": "Chi nhánh khu vực III",
        "NoiDungXuLy": "Thẩm định hồ sơ",
        "TrangThai": "4",
        "NgayBatDau": "20261116140000",
        "NgayKetThucTheoQuyDinh": "20261118170000",
    }
    return held | changes


def enveloped(service: str, *data: Payload) -> Payload:
    return {
        "service": service,
        "isUpdating": "False",
        "session": "s",
        "madonvi": "H20.16",
        "data": list(data),
    }


@pytest.fixture
def province(sender: Api, sessions: Sessions) -> "Province":
    """The system of the whole office, with a token for as long as a test may move the clock."""
    with sessions.begin() as session:
        session.execute(text("UPDATE access_token SET expires_at = expires_at + interval '1 year'"))
    return Province(sender)


class Province:
    """A provincial system that knows only the portal's protocol."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def post(self, path: str, body: object, **query: str) -> Response:
        return self.api.http.post(path, json=body, params=query)

    def sync(self, *data: Payload) -> Any:  # noqa: ANN401 JSON
        answer = self.post(SYNC, enveloped("DongBoHoSoMC", *data))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def progress(self, *data: Payload) -> Any:  # noqa: ANN401 JSON
        answer = self.post(PROGRESS, enveloped("CapNhatTienDoHoSoMC", *data))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def held(self, number: int = 1) -> Any:  # noqa: ANN401 JSON
        return self.api.get(f"/v1/dossiers/{code(number)}")

    def history(self, number: int = 1) -> list[Any]:
        told: list[Any] = self.api.get(f"/v1/dossiers/{code(number)}/history")["items"]
        return told


def well(told: Any) -> list[str]:  # noqa: ANN401 JSON
    """The outcomes of an answer in which all is well."""
    assert told["error_code"] == "00", told
    assert "thành công" in told["message"].lower()
    return [one["outcome"] for one in told["data"]]


def refused(told: Any, place: int = 0) -> dict[str, str]:  # noqa: ANN401 JSON
    """The fields refused of one record, with why."""
    assert told["error_code"] == "01", told
    one = told["data"][place]
    assert one["error_code"] == "01"
    return {problem["field"]: problem["detail"] for problem in one["problems"]}


# ---------------------------------------------------------------------------------------- forms


def test_the_envelope_is_answered_as_its_senders_compare(province: Province):
    told = province.sync(dossier())

    assert well(told) == ["created"]
    assert told["data"][0]["MaHoSo"] == code(1)


@pytest.mark.parametrize("body", [[dossier()], dossier()])
def test_the_form_of_the_lgsp_is_answered_with_a_single_nought(province: Province, body: object):
    answer = province.post(SYNC, body, MaDinhDanhDV="000.00.16.H20", isUpdating="True")

    assert answer.json()["error_code"] == "0"
    assert "thành công" in answer.json()["message"].lower()
    assert province.held()["received_at"] == "2026-11-16T08:10:00+07:00"


def test_one_address_serves_both_services(province: Province):
    """Systems with one endpoint tell the calls apart in the body alone."""
    assert well(province.post(SYNC, enveloped("DongBoHoSoMC", dossier())).json())
    told = province.post(SYNC, enveloped("CapNhatTienDoHoSoMC", line())).json()

    assert well(told) == ["updated"]
    assert province.held()["steps"][0]["name"] == "Thẩm định hồ sơ"


def test_is_updating_makes_no_difference(province: Province):
    for updating in ("True", "False", True, None):
        body = enveloped("DongBoHoSoMC", dossier()) | {"isUpdating": updating}
        assert province.post(SYNC, body).json()["error_code"] == "00"


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"\xff", b"7", b'"x"', b"null", b'{"data": 5}', b'{"data": "x"}'),
        *(b'{"service": "DongBoHoSoMC"}', b'{"service": "LayThuTuc", "data": []}', b"[" * 5_000),
    ],
)
def test_a_body_that_is_no_call_is_refused_in_the_portals_form(province: Province, body: bytes):
    answer = province.api.http.post(SYNC, content=body)

    assert answer.status_code == 200
    assert answer.json()["error_code"] in ("01", "1")
    assert "thành công" not in answer.text.lower()


def test_more_records_than_a_call_may_have_are_refused_whole(province: Province):
    answer = province.post(SYNC, [{}] * 5_001)

    assert answer.json()["error_code"] == "1"
    assert "5000" in answer.json()["message"]
    assert answer.json()["data"] == []


def test_a_body_beyond_the_bound_or_packed_is_refused(
    province: Province, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("app.web.dvcqg.MAX_BYTES", 100)
    answer = province.post(SYNC, [dossier()])
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
    answer = province.api.http.post(SYNC, content=b"x", headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415


def test_the_session_in_the_body_opens_nothing(province: Province):
    del province.api.http.headers["Authorization"]

    answer = province.post(SYNC, enveloped("DongBoHoSoMC", dossier()))

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


# -------------------------------------------------------------------------------------- mapping


def test_every_field_a_dossier_knows_is_mapped(province: Province):
    well(
        province.sync(
            dossier(
                KenhThucHien="2",
                LoaiDoiTuong=2,
                DuocThanhToanTrucTuyen="1",
                SoBienNhan="BN-77",
                TrangThaiHoSo="10",
                NgayKetThucXuLy="20261118100000",
                NgayTra="20261119090000",
            )
        )
    )
    held = province.held()
    assert held["applicant"] == {"kind": "enterprise", "name": NAME}
    expected = {
        "code": code(1),
        "branch": BRANCH,
        "channel": "online",
        "status": 10,
        "submitted_at": "2026-11-16T08:00:00+07:00",
        "received_at": "2026-11-16T08:10:00+07:00",
        "promised_at": "2026-11-27T17:00:00+07:00",
        "finished_at": "2026-11-18T10:00:00+07:00",
        "handed_over_at": "2026-11-19T09:00:00+07:00",
        "online_payment": True,
    }
    assert {name: held[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("status", "more", "ended"),
    [
        ("3", {"NgayTuChoi": "20261117100000"}, "refused"),
        ("7", {"NgayKetThucXuLy": "20261117100000"}, "withdrawn"),
        ("8", {"NgayKetThucXuLy": "20261117100000"}, "stopped"),
        ("9", {"NgayKetThucXuLy": "20261117100000"}, "result"),
        ("9", {"NgayKetThucXuLy": "20261117100000", "NgayTuChoi": "20261117100000"}, "refused"),
    ],
)
def test_every_way_to_end_is_told(
    province: Province, status: str, more: Payload, ended: str, sessions: Sessions
):
    well(province.sync(dossier(TrangThaiHoSo=status, **more)))

    with sessions() as session:
        assert session.scalar(text("SELECT how_ended FROM dossier")) == ended


def test_a_dossier_only_filed_has_no_receipt_yet(province: Province):
    well(province.sync(dossier(TrangThaiHoSo="1")))

    assert province.held()["received_at"] is None
    assert province.held()["submitted_at"] == "2026-11-16T08:00:00+07:00"


@pytest.mark.parametrize(
    "unit",
    [
        UNIT,
        UNIT.upper(),
        normalize("NFD", UNIT),
        "  Chi nhánh  VPĐKĐĐ khu vực III ",
        "Khu vực III",
        BRANCH,
        BRANCH.lower(),
    ],
)
def test_a_branch_is_known_by_its_code_or_its_name(province: Province, unit: str):
    well(province.sync(dossier(DonViXuLy=unit)))

    assert province.held()["branch"] == BRANCH


def test_madonvi_stands_in_for_a_unit_that_is_not_named(province: Province):
    body = enveloped("DongBoHoSoMC", dossier(DonViXuLy="")) | {"madonvi": OTHER}
    assert well(province.post(SYNC, body).json()) == ["created"]
    assert province.held()["branch"] == OTHER


def test_a_unit_nobody_knows_is_refused_and_kept(province: Province):
    told = province.sync(dossier(1, DonViXuLy="Chi nhánh khu vực XXX"), dossier(2))

    assert "GET /v1/branches" in refused(told)["DonViXuLy"]
    assert "Chi nhánh khu vực XXX" in refused(told)["DonViXuLy"]
    assert told["data"][1]["error_code"] == "00"
    assert "thành công" not in json.dumps(told, ensure_ascii=False).lower()
    assert province.held(2)["code"] == code(2)
    kept = province.api.get("/v1/quarantine")["items"]
    assert [one["code"] for one in kept] == [code(1)]
    assert kept[0]["record"]["branch"] == "DonViXuLy=Chi nhánh khu vực XXX"


def test_a_refused_record_sent_every_night_is_kept_once_and_settled_when_mended(
    province: Province, clock: Clock
):
    for _ in range(4):
        clock.now += timedelta(days=1)
        refused(province.sync(dossier(DonViXuLy="Ai đó"), dossier(2, MaHoSo="")))
    kept = province.api.get("/v1/quarantine")["items"]
    assert sorted(one["times"] for one in kept) == [4, 4]

    clock.now += timedelta(days=1)
    well(province.sync(dossier()))
    assert [one["code"] for one in province.api.get("/v1/quarantine")["items"]] == [None]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"NgayTiepNhan": "2026-11-16"}, "NgayTiepNhan"),
        ({"NgayTiepNhan": "20261116"}, "NgayTiepNhan"),
        ({"NgayTiepNhan": "20261316081000"}, "NgayTiepNhan"),
        ({"NgayTiepNhan": "2026-11-16T08:10:00+07:00"}, "NgayTiepNhan"),
        ({"NgayTiepNhan": ""}, "NgayTiepNhan"),
        ({"NgayTiepNhan": "20270116081000"}, "NgayTiepNhan"),
        ({"NgayHenTra": "20261101000000"}, "NgayHenTra"),
        ({"NgayHenTra": "hôm nay"}, "NgayHenTra"),
        ({"NgayNopHoSo": "20261117000000"}, "NgayTiepNhan"),
        ({"TrangThaiHoSo": "11"}, "TrangThaiHoSo"),
        ({"TrangThaiHoSo": ""}, "TrangThaiHoSo"),
        ({"KenhThucHien": "online"}, "KenhThucHien"),
        ({"LoaiDoiTuong": "0"}, "LoaiDoiTuong"),
        ({"DuocThanhToanTrucTuyen": "9"}, "DuocThanhToanTrucTuyen"),
        ({"MaHoSo": "12345"}, "MaHoSo"),
        ({"MaHoSo": None}, "MaHoSo"),
        ({"MaTTHC": ""}, "MaTTHC"),
        ({"ChuHoSo": "x" * 300}, "ChuHoSo"),
        ({"DonViXuLy": OTHER + "9"}, "DonViXuLy"),
        ({"TrangThaiHoSo": "8"}, "TrangThaiHoSo"),
        ({"TrangThaiHoSo": "5", "NgayTra": "20261117100000"}, "TrangThaiHoSo"),
        ({"TrangThaiHoSo": "10"}, "NgayTra"),
        ({"TrangThaiHoSo": "4", "NgayKetThucXuLy": "20261117100000"}, "TrangThaiHoSo"),
        ({"DanhSachHoSoBoSung": [7]}, "DanhSachHoSoBoSung"),
        (
            {"DanhSachHoSoBoSung": [{"NgayTiepNhanBoSung": "20261117100000"}]},
            "DanhSachHoSoBoSung[0].NgayBoSung",
        ),
        (
            {
                "DanhSachHoSoBoSung": [
                    {},
                    {"NgayBoSung": "20261118100000", "NgayTiepNhanBoSung": "20261117100000"},
                ]
            },
            "DanhSachHoSoBoSung[1].NgayTiepNhanBoSung",
        ),
        (
            {"DanhSachHoSoBoSung": [{"NgayBoSung": "20261110100000"}]},
            "DanhSachHoSoBoSung[0].NgayBoSung",
        ),
        (
            {"DanhSachHoSoBoSung": [{"NgayBoSung": "hôm qua"}]},
            "DanhSachHoSoBoSung[0].NgayBoSung",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_the_portals_field_names(
    province: Province, changes: Payload, field: str
):
    told = province.sync(dossier(**changes))

    found = refused(told)
    assert field in found, found
    native = r"_at\b|\bupdated_at|suspensions|\bapplicant|\bsnapshot"
    assert not re.search(native, json.dumps(found)), found
    assert len(province.api.get("/v1/quarantine")["items"]) == 1


@pytest.mark.parametrize("nothing", ["", "0", "00000000000000", "00010101000000", None])
def test_what_machines_write_for_no_time_is_none(province: Province, nothing: str | None):
    well(province.sync(dossier(NgayTra=nothing, NgayHenTra=nothing, NgayTuChoi=nothing)))

    assert province.held()["promised_at"] is None


def test_a_branch_out_of_scope_is_refused_by_its_portal_name(api: Callable[..., Api]):
    province = Province(api("other", branches=[OTHER]))

    told = province.sync(dossier())

    assert "DonViXuLy" in refused(told)


# ----------------------------------------------------------------------------------------- nights


def test_a_nightly_full_sync_changes_nothing(province: Province, clock: Clock, sessions: Sessions):
    whole = [dossier(number) for number in range(1, 101)]
    whole += [
        dossier(number, TrangThaiHoSo="9", NgayKetThucXuLy="20261118100000")
        for number in range(101, 201)
    ]
    assert set(well(province.sync(*whole))) == {"created"}
    with sessions() as session:
        before = session.execute(text("SELECT code, updated_at, head_hash FROM dossier")).all()
    for _ in range(3):
        clock.now += timedelta(days=1)
        assert well(province.sync(*whole)) == ["unchanged"] * 200
    with sessions() as session:
        after = session.execute(text("SELECT code, updated_at, head_hash FROM dossier")).all()
        assert sorted(after) == sorted(before)
        assert session.scalar(text("SELECT count(*) FROM revision")) == 200
        heard = session.scalar(text("SELECT heard_at FROM feed"))
        assert heard == clock.now  # the night's silence is no silence
        assert session.scalar(text("SELECT max(jsonb_array_length(seen)) FROM portal_dossier")) == 4


def test_a_name_corrected_is_taken_over(province: Province, clock: Clock):
    well(province.sync(dossier(ChuHoSo="Trần Văn Z")))
    clock.now += timedelta(days=1)
    well(province.sync(dossier(ChuHoSo="Trần Văn A")))

    assert province.held()["applicant"]["name"] == "Trần Văn A"


def test_a_dossier_twice_in_one_call_is_two_tellings(province: Province):
    told = province.sync(dossier(), dossier(NgayHenTra="20261130170000"), dossier(2))

    assert well(told) == ["created", "updated", "created"]
    assert province.held()["promised_at"] == "2026-11-30T17:00:00+07:00"
    assert len(province.history()) == 2


# ------------------------------------------------------------------------------------ supplements


def test_a_supplement_block_is_a_suspension_and_two_promises(
    province: Province, sessions: Sessions
):
    block = {
        "HoSoBoSungId": 1,
        "NguoiYeuCauBoSung": "Trần Văn B",
        "NgayBoSung": "20261117100000",
        "NgayTiepNhanBoSung": "20261119100000",
        "TrangThaiBoSung": True,
        "NgayHenTraTruoc": "20261127170000",
        "NgayHenTraMoi": "20261201170000",
    }
    told = province.sync(dossier(NgayHenTra="20261201170000", DanhSachHoSoBoSung=[block]))

    assert well(told) == ["created"]
    held = province.held()
    assert held["promised_at"] == "2026-12-01T17:00:00+07:00"
    assert held["suspensions"] == [
        {
            "reason": "supplement",
            "from": "2026-11-17T10:00:00+07:00",
            "until": "2026-11-19T10:00:00+07:00",
            "ground": None,
        }
    ]
    assert not held["suspensions_inferred"]
    with sessions() as session:
        promises = session.scalar(text("SELECT promises FROM dossier"))
    assert [(one["promised_at"][:10], one["reason"]) for one in promises] == [
        ("2026-11-27", "slip"),
        ("2026-12-01", "supplement"),
    ]


def test_a_promise_that_was_known_is_not_told_twice(
    province: Province, clock: Clock, sessions: Sessions
):
    well(province.sync(dossier()))
    clock.now += timedelta(hours=1)
    block = {
        "NgayBoSung": "20261117100000",
        "NgayTiepNhanBoSung": "20261119100000",
        "NgayHenTraTruoc": "20261127170000",
        "NgayHenTraMoi": "20261201170000",
    }
    # NgayHenTra is left as it was: some systems never change it.
    for _ in range(2):
        well(province.sync(dossier(DanhSachHoSoBoSung=[block])))
    with sessions() as session:
        promises = session.scalar(text("SELECT promises FROM dossier"))
    assert [one["promised_at"][:10] for one in promises] == ["2026-11-27", "2026-12-01"]
    assert len(province.history()) == 2


# ----------------------------------------------------------------------------------------- pauses


def test_a_whole_life_through_the_two_calls(province: Province, clock: Clock):
    """Eight working days from Monday; the supplement stops the clock for two of them."""
    clock.now = vn("2026-11-16 08:20")
    well(province.sync(dossier(TrangThaiHoSo="2")))
    well(province.progress(line(TrangThai="2", ThoiDiemXuLy="20261116081000")))
    assert province.held()["due_on"] == "2026-11-27"  # the 24th is off

    clock.now = vn("2026-11-17 15:05")
    well(province.progress(line(TrangThai="5", ThoiDiemXuLy="20261117150000")))
    well(province.sync(dossier(TrangThaiHoSo="5")))
    stands = province.held()
    assert (stands["status"], stands["state"]) == (5, "suspended")
    assert stands["suspensions"][0]["ground"] == "Suy ra từ trạng thái 2 → 5"

    clock.now = vn("2026-11-19 10:05")
    well(province.progress(line(TrangThai="4", ThoiDiemXuLy="20261119100000")))
    well(province.sync(dossier(TrangThaiHoSo="4")))
    goes_on = province.held()
    assert goes_on["suspensions_inferred"]
    assert goes_on["suspensions"] == [
        {
            "reason": "supplement",
            "from": "2026-11-17T15:00:00+07:00",
            "until": "2026-11-19T10:00:00+07:00",
            "ground": "Suy ra từ trạng thái 2 → 5 → 4",
        }
    ]
    assert goes_on["due_on"] == "2026-12-01"

    clock.now = vn("2026-12-01 16:30")
    well(province.progress(line(TrangThai="9", ThoiDiemXuLy="20261201160000")))
    assert province.held()["status"] == 4  # a line alone ends nothing
    well(province.sync(dossier(TrangThaiHoSo="9", NgayKetThucXuLy="20261201160000")))
    clock.now = vn("2026-12-02 09:00")
    ended = dossier(TrangThaiHoSo="10", NgayKetThucXuLy="20261201160000", NgayTra="20261202083000")
    well(province.sync(ended))

    told = province.api.get(f"/v1/dossiers/{code(1)}/deadline")
    assert told["verdict"]["legal"] == "on_time"
    assert province.held()["applicant"]["name"] == NAME
    assert len(province.held()["steps"]) == 4


@pytest.mark.parametrize(
    ("words", "status", "reason"),
    [
        ("Cán bộ trả hồ sơ bổ sung", 5, "supplement"),
        ("  CÁN BỘ  trả hồ sơ bổ sung", 5, "supplement"),
        (normalize("NFD", "Cán bộ trả hồ sơ bổ sung"), 5, "supplement"),
        ("Công dân thực hiện NVTC", 6, "financial_obligation"),
        ("Cán bộ trả bổ sung hồ sơ", 8, "supplement"),
    ],
)
def test_a_pause_disguised_as_a_nine_is_recognised(
    province: Province, clock: Clock, words: str, status: int, reason: str
):
    """The provincial system sends 9, then the line that says what it is (and a 2 made up)."""
    well(province.sync(dossier()))
    clock.now += timedelta(hours=1)
    told = province.sync(dossier(TrangThaiHoSo="9"))
    assert well(told) == ["updated"]
    assert [one["field"] for one in told["data"][0]["problems"]] == ["NgayKetThucXuLy"]
    assert province.held()["status"] == 4
    well(
        province.progress(
            line(TrangThai="2", NoiDungXuLy="Tiếp nhận hồ sơ", ThoiDiemXuLy="20261116081000"),
            line(TrangThai="9", NoiDungXuLy=words, ThoiDiemXuLy="20261120110000"),
        )
    )
    held = province.held()
    assert (held["status"], held["status_told"]) == (status, 9)
    assert [one["reason"] for one in held["suspensions"]] == [reason]
    assert held["suspensions"][0]["from"] == "2026-11-20T11:00:00+07:00"
    assert held["suspensions"][0]["until"] is None

    clock.now += timedelta(days=3)
    well(province.sync(dossier(TrangThaiHoSo="4")))
    assert province.held()["status"] == 4
    assert province.held()["suspensions"][0]["until"] is not None


def test_a_disguise_may_stand_in_the_dossier_itself(province: Province):
    well(province.sync(dossier(TrangThaiHoSo="9", GhiChu="Cán bộ trả hồ sơ bổ sung")))

    assert (province.held()["status"], province.held()["status_told"]) == (5, 9)


def test_a_dossier_without_appointment_sent_as_nine_goes_on(province: Province):
    well(province.sync(dossier(TrangThaiHoSo="9", NgayHenTra="")))
    made_up: Payload = {
        "NoiDungXuLy": "Hồ sơ không có ngày hẹn trả",
        "ThoiDiemXuLy": "20261116081000",
    }
    well(province.progress(line(TrangThai="9", **made_up)))

    held = province.held()
    assert (held["status"], held["status_told"], held["state"]) == (4, 9, "running")


def test_a_plain_nine_with_its_moment_stays_a_nine(province: Province):
    well(province.sync(dossier(TrangThaiHoSo="9", NgayKetThucXuLy="20261118100000")))
    well(province.progress(line(TrangThai="9", NoiDungXuLy="Kết thúc xử lý hồ sơ")))

    assert (province.held()["status"], province.held()["status_told"]) == (9, None)


def test_progress_before_its_dossier_is_kept_and_used(province: Province, clock: Clock):
    told = province.progress(
        line(TrangThai="5", ThoiDiemXuLy="20261117150000"),
        line(TrangThai="4", ThoiDiemXuLy="20261119100000"),
    )
    assert well(told) == ["waiting", "waiting"]
    assert "DongBoHoSoMC" in told["data"][0]["message"]
    assert province.api.http.get(f"/v1/dossiers/{code(1)}").status_code == 404
    clock.now += timedelta(minutes=1)
    well(province.sync(dossier()))

    held = province.held()
    assert held["suspensions"][0]["from"] == "2026-11-17T15:00:00+07:00"
    assert [step["officer"] for step in held["steps"]] == ["Trần Văn B (Chuyên viên)"] * 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"ThoiDiemXuLy": "20271117090000"}, "ThoiDiemXuLy"),
        ({"ThoiDiemXuLy": ""}, "ThoiDiemXuLy"),
        ({"ThoiDiemXuLy": "17/11/2026"}, "ThoiDiemXuLy"),
        ({"TrangThai": "x"}, "TrangThai"),
        ({"TrangThai": None}, "TrangThai"),
        ({"NgayBatDau": "x"}, "NgayBatDau"),
        ({"MaHoSo": "x"}, "MaHoSo"),
    ],
)
def test_a_line_that_cannot_be_read_says_so_and_leaves_the_others(
    province: Province, changes: Payload, field: str
):
    well(province.sync(dossier()))
    told = province.progress(line(**changes), line())

    assert list(refused(told)) == [field]
    assert not told["data"][0]["kept"]
    assert told["data"][1]["error_code"] == "00"
    assert len(province.held()["steps"]) == 1


# ----------------------------------------------------------------------------------------- people


def test_names_and_numbers_stay_out_of_all_but_the_one_table(
    province: Province, clock: Clock, sessions: Sessions
):
    said = f"Đã gọi ông Nguyễn Văn Tèo, số {PHONE}; trả cho {NAME.upper()}, CCCD {PAPER}"
    well(province.progress(line(NoiDungXuLy=said)))
    clock.now += timedelta(minutes=1)
    well(province.sync(dossier(GhiChu=said, ThongTinTra=said)))
    well(province.progress(line(NoiDungXuLy=said, TrangThai="9")))
    refused(province.sync(dossier(2, KenhThucHien=NAME, NgayHenTra=NAME, TrangThaiHoSo=NAME)))

    assert province.held()["applicant"]["name"] == NAME
    with sessions() as session:
        for table in ("portal_dossier", "dossier", "revision", "quarantine"):
            rows = " ".join(session.scalars(text(f"SELECT t::text FROM {table} AS t")))  # noqa: S608
            assert rows
            for secret in (NAME, NAME.upper(), PHONE, PAPER, HOME, "hanh@", "Tèo"):
                assert secret not in rows, (table, secret)


def test_a_name_of_another_branch_does_not_travel(
    province: Province, api: Callable[..., Api], clock: Clock, sessions: Sessions
):
    well(province.sync(dossier()))
    stranger = Province(api("other", branches=[OTHER]))
    refused(stranger.sync(dossier(DonViXuLy=OTHER, ChuHoSo="")))
    clock.now += timedelta(minutes=1)
    told = stranger.progress(line())

    assert told["error_code"] == "01"
    assert list(refused(told)) == ["MaHoSo"]
    with sessions() as session:
        query = "SELECT count(*) FROM applicant WHERE details::text LIKE '%' || :name || '%'"
        assert session.scalar(text(query), {"name": NAME}) == 1


# ------------------------------------------------------------------------------------------ races


def test_two_calls_about_one_dossier_lose_no_sighting(province: Province, sessions: Sessions):
    well(province.sync(dossier()))

    def tell(number: int) -> str:
        at = f"202611170900{number:02}"
        told = province.progress(line(ThoiDiemXuLy=at, NoiDungXuLy=f"Bước {number}"))
        outcome: str = told["data"][0]["outcome"]
        return outcome

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(tell, range(24)))
    assert set(outcomes) == {"updated"}
    assert len(province.held()["steps"]) == 24
    with sessions() as session:
        assert session.scalar(text("SELECT jsonb_array_length(seen) FROM portal_dossier")) == 25


def test_syncs_that_share_dossiers_in_other_orders_do_not_block(province: Province):
    def tell(turn: int) -> None:
        whole = [
            dossier(number, NgayHenTra=f"202612{turn + 1:02}170000") for number in range(1, 31)
        ]
        well(province.sync(*(whole if turn % 2 else whole[::-1])))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(tell, range(8)))
    assert len(province.history()) == 8


# ------------------------------------------------------------------------------------------- fuzz

_FIELDS = [*dossier(), *line(), "GhiChu", "NgayTuChoi", "SoBienNhan"]
_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.from_regex(r"\A(19|20)\d{12}\Z"),
    st.sampled_from(
        ["20261117090000", "5", "9", "8", "\0", "Cán bộ trả hồ sơ bổ sung", "9" * 5000]
    ),
    st.lists(
        st.dictionaries(
            st.sampled_from(
                ["NgayBoSung", "NgayTiepNhanBoSung", "NgayHenTraTruoc", "NgayHenTraMoi"]
            ),
            st.sampled_from(["20261117090000", "20261118090000", "99991231235959", "x", ""]),
        ),
        max_size=3,
    ),
)
_CHANGES = st.dictionaries(st.sampled_from(_FIELDS), _VALUES, max_size=6)


def test_no_payload_makes_a_5xx(province: Province, clock: Clock):
    @settings(
        max_examples=150,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(st.tuples(st.booleans(), _CHANGES), min_size=1, max_size=4))
    def holds(changes: list[tuple[bool, Payload]]) -> None:
        clock.now += timedelta(seconds=30)
        for path, made in ((SYNC, dossier()), (PROGRESS, line())):
            data = [made | change for here, change in changes if here is (path == SYNC)]
            answer = province.post(path, data)
            assert answer.status_code == 200, answer.text
            told = answer.json()
            assert len(told["data"]) == len(data)
            well_all = all(one["error_code"] == "0" for one in told["data"])
            assert (told["error_code"] == "0") is well_all
            for one in told["data"]:
                assert (one["error_code"] == "0") == (one["outcome"] != "quarantined")
                if one["error_code"] == "0":
                    assert dossier_code(one["MaHoSo"])
                else:
                    assert one["problems"]

    holds()
