"""Sound items of the national portal's calls (domain §8.2), to be mutated."""

from typing import Any

ITEMS: list[dict[str, Any]] = [
    {
        "MaHoSo": f"H20.16.03-261116-{number:04}",
        "MaTTHC": "1.012790",
        "KenhThucHien": "1",
        "ChuHoSo": "Nguyễn Thị B",
        "LoaiDoiTuong": "1",
        "NgayNopHoSo": "20261116080000",
        "NgayTiepNhan": "20261116081000",
        "NgayHenTra": "20261127170000",
        "TrangThaiHoSo": "4",
        "NgayTra": "",
        "DonViXuLy": "Chi nhánh Văn phòng Đăng ký đất đai khu vực III",
        "DanhSachHoSoBoSung": [],
        "DinhDanhCHS": [{"LoaiDinhDanh": "1", "SoDinhDanh": "087123456789"}],
    }
    | {
        "NguoiXuLy": "Trần Văn B",
        "ThoiDiemXuLy": "20261117090000",
        "PhongBanXuLy": "Chi nhánh khu vực III",
        "NoiDungXuLy": "Thẩm định hồ sơ",
        "TrangThai": "4",
        "NgayBatDau": "20261116140000",
        "NgayKetThucTheoQuyDinh": "20261118170000",
    }
    for number in range(1, 60)
]
