"""How clerks name the columns of their files, statuses and channels; matched without accents."""

import re
import unicodedata
from collections.abc import Mapping

_MARKS = re.compile(r"[\u0300-\u036f]")
_REST = re.compile(r"[^0-9a-z]+")
_ASIDE = re.compile(r"\([^)]*\)|\[[^\]]*\]")


def composed(text: str) -> str:
    """The text in one written form (NFC), trimmed: Windows-1258 writes accents apart."""
    return unicodedata.normalize("NFC", text).strip()


def plain(text: str) -> str:
    """What two spellings of one heading share: its letters and digits, small, without accents."""
    bare = _MARKS.sub("", unicodedata.normalize("NFD", text.casefold())).replace("đ", "d")
    return _REST.sub("", bare)


def plain_heading(text: str) -> str:
    """The same without what stands in brackets: `Ngày nhận (dd/mm/yyyy)`."""
    return plain(_ASIDE.sub(" ", text)) or plain(text)


IGNORED = "-"
"""The field of a column that is left out on purpose."""

# The usual spellings: Mẫu 06 (TT 01/2018/TT-VPCP), the lists branches export, the field names of
# the national portal and of the land database.
TEXTS: Mapping[str, tuple[str, ...]] = {
    "code": ("Mã hồ sơ", "Mã số hồ sơ", "Số hồ sơ", "Mã HS", "Mã hồ sơ một cửa", "Mã"),
    "receipt_number": ("Số biên nhận", "Số BN", "Biên nhận", "Mã biên nhận", "Mã hồ sơ nội bộ"),
    "procedure": (
        *("Mã TTHC", "Mã thủ tục", "Mã thủ tục hành chính", "TTHC", "Thủ tục"),
        *("Thủ tục hành chính", "Mã tên TTHC", "Mã/tên TTHC"),
    ),
    "procedure_name": (
        *("Tên TTHC", "Tên thủ tục", "Tên thủ tục hành chính", "Loại hồ sơ"),
        *("Loại thủ tục", "Tên loại hồ sơ"),
    ),
    "case": ("Trường hợp", "Trường hợp giải quyết"),
    "branch": ("Chi nhánh", "Mã chi nhánh", "Chi nhánh VPĐK", "Chi nhánh VPĐKĐĐ"),
    "branch_name": (
        *("Tên chi nhánh", "Đơn vị xử lý", "Đơn vị giải quyết", "Cơ quan giải quyết"),
        *("Cơ quan xử lý", "Đơn vị", "Đơn vị thụ lý"),
    ),
    "commune": ("Xã/phường", "Mã xã", "Mã xã phường", "Xã, phường", "Phường/xã", "Địa bàn"),
    "commune_name": ("Xã", "Tên xã", "Tên xã phường", "Phường xã thị trấn", "Xã phường thị trấn"),
    "applicant": ("Chủ hồ sơ", "Tên chủ hồ sơ", "Chủ sử dụng", "Chủ sử dụng đất", "Tên chủ"),
    "submitter": (
        *("Người nộp", "Người nộp hồ sơ", "Tên người nộp", "Họ tên người nộp", "Họ và tên"),
        *("Họ tên", "Tên", "Tên người nộp hồ sơ", "Tên cá nhân, tổ chức"),
    ),
    "applicant_kind": ("Loại đối tượng", "Đối tượng", "Đối tượng nộp"),
    "channel": (
        *("Kênh", "Kênh thực hiện", "Kênh tiếp nhận", "Hình thức tiếp nhận", "Hình thức nộp"),
        *("Hình thức nộp hồ sơ", "Kênh nộp", "Phương thức nộp"),
    ),
    "status": ("Trạng thái", "Trạng thái hồ sơ", "Tình trạng", "Tình trạng hồ sơ"),
    "supplement_ground": ("Nội dung bổ sung", "Nội dung yêu cầu bổ sung", "Lý do bổ sung"),
    "apology_reason": ("Lý do xin lỗi", "Lý do hẹn lại", "Lý do trễ hẹn", "Lý do quá hạn"),
    "officer": ("Cán bộ đang giữ", "Cán bộ thụ lý", "Cán bộ xử lý", "Người xử lý", "Cán bộ"),
    "reject_id": ("Mã dòng bị từ chối (Đúng Hạn)", "Refused row (Đúng Hạn)"),
}
DATES: Mapping[str, tuple[str, ...]] = {
    "submitted_at": ("Ngày nộp", "Ngày nộp hồ sơ", "Ngày giờ nộp", "Thời điểm nộp"),
    "received_at": (
        *("Ngày nhận", "Ngày tiếp nhận", "Ngày giờ nhận", "Ngày giờ tiếp nhận", "Ngày nhận hồ sơ"),
        *("Ngày tiếp nhận hồ sơ", "Thời điểm tiếp nhận", "Nhận hồ sơ", "Ngày nhận HS"),
    ),
    "land_office_received_at": ("Ngày VPĐK nhận", "Ngày chi nhánh nhận", "Ngày nhận từ một cửa"),
    "promised_at": (
        *("Ngày hẹn trả", "Ngày hẹn trả kết quả", "Hạn trả", "Hẹn trả", "Ngày hẹn", "Hạn xử lý"),
        *("Hẹn trả kết quả", "Ngày giờ hẹn trả", "Ngày hẹn trả KQ", "Thời hạn trả kết quả"),
    ),
    "supplement_asked_at": (
        *("Ngày yêu cầu bổ sung", "Ngày YCBS", "Ngày chờ bổ sung", "Ngày thông báo bổ sung"),
    ),
    "supplement_done_at": (
        *("Ngày bổ sung xong", "Ngày bổ sung", "Ngày nhận bổ sung", "Ngày hoàn thành bổ sung"),
        *("Ngày tiếp nhận bổ sung", "Ngày nộp bổ sung"),
    ),
    "tax_sent_at": (
        *("Ngày chuyển thuế", "Ngày gửi phiếu chuyển thuế", "Ngày chuyển thông tin thuế"),
        *("Ngày chuyển cơ quan thuế", "Ngày gửi thuế", "Ngày phiếu chuyển"),
    ),
    "tax_notice_at": (
        *("Ngày có thông báo thuế", "Ngày thông báo thuế", "Ngày nhận thông báo thuế"),
        *("Ngày có kết quả thuế",),
    ),
    "tax_paid_at": (
        *("Ngày nhận chứng từ", "Ngày nộp chứng từ", "Ngày nhận chứng từ nộp tiền"),
        *("Ngày hoàn thành NVTC", "Ngày hoàn thành nghĩa vụ tài chính", "Ngày nộp thuế"),
    ),
    "finished_at": (
        *("Ngày kết thúc xử lý", "Ngày kết thúc", "Ngày có kết quả", "Ngày xử lý xong"),
        *("Ngày hoàn thành", "Ngày giải quyết xong", "Ngày ký"),
    ),
    "ended_at": (
        *("Ngày từ chối", "Ngày rút hồ sơ", "Ngày dừng xử lý", "Ngày trả lại hồ sơ"),
        *("Ngày không tiếp nhận", "Ngày rút"),
    ),
    "handed_over_at": ("Ngày trả", "Ngày trả kết quả", "Ngày giờ trả", "Ngày trả KQ", "Đã trả"),
    "apology_at": ("Ngày xin lỗi", "Ngày phiếu xin lỗi", "Ngày gửi phiếu xin lỗi", "Ngày PXL"),
    "apology_promised_at": ("Ngày hẹn lại", "Hẹn lại", "Ngày hẹn trả mới", "Ngày hẹn trả lại"),
    "updated_at": ("Cập nhật lúc", "Ngày cập nhật", "Thời điểm cập nhật", "Cập nhật lần cuối"),
}
# Known, and of no use to the clock: left out without a word of doubt.
_USELESS = (
    *("TT", "STT", "Số TT", "Số thứ tự", "Hình thức trả", "Hình thức trả kết quả", "Số bộ"),
    *("Phương thức nhận kết quả", "Phương thức trả", "Số phiếu xin lỗi", "Địa chỉ", "Ghi chú"),
    *("Ký nhận", "Số điện thoại", "Điện thoại", "Email", "Số giấy tờ", "CCCD", "Lĩnh vực"),
    *("Lý do bị từ chối (Đúng Hạn)", "Reason refused (Đúng Hạn)"),
)

FIELDS = (*TEXTS, *DATES)
HEADINGS: Mapping[str, str] = {
    **{plain(field): field for field in FIELDS},
    **{plain(one): IGNORED for one in _USELESS},
    **{plain(one): field for field, known in (*TEXTS.items(), *DATES.items()) for one in known},
}
# The first spelling with its brackets kept apart, so that ours are not taken for somebody's own.
REJECT_ID = {"vi": TEXTS["reject_id"][0], "en": TEXTS["reject_id"][1]}
REJECT_REASON = {"vi": _USELESS[-2], "en": _USELESS[-1]}
OURS = frozenset(plain(one) for one in (*REJECT_ID.values(), *REJECT_REASON.values()))

_STATUSES = {
    1: ("Mới đăng ký", "Mới nộp", "Chờ tiếp nhận", "Đã nộp"),
    2: ("Được tiếp nhận", "Đã tiếp nhận", "Mới tiếp nhận", "Tiếp nhận"),
    3: ("Không được tiếp nhận", "Không tiếp nhận", "Từ chối tiếp nhận", "Từ chối"),
    4: ("Đang xử lý", "Đang giải quyết", "Đang thụ lý", "Đang xử lí", "Chờ ký", "Trình ký"),
    5: (
        *("Yêu cầu bổ sung giấy tờ", "Yêu cầu bổ sung", "Chờ bổ sung", "Bổ sung hồ sơ"),
        *("Cán bộ trả hồ sơ bổ sung", "Đang chờ bổ sung"),
    ),
    6: (
        *("Yêu cầu thực hiện nghĩa vụ tài chính", "Thực hiện nghĩa vụ tài chính", "Chờ thuế"),
        *("Công dân thực hiện NVTC", "Chờ thực hiện NVTC", "Chờ NVTC", "Thực hiện NVTC"),
        *("Chờ nộp thuế", "Chờ nghĩa vụ tài chính"),
    ),
    7: ("Công dân yêu cầu rút hồ sơ", "Rút hồ sơ", "Đã rút", "Công dân rút hồ sơ"),
    8: ("Dừng xử lý", "Tạm dừng", "Tạm dừng xử lý", "Ngừng xử lý"),
    9: (
        *("Đã xử lý xong", "Đã giải quyết", "Đã giải quyết xong", "Có kết quả", "Đã có kết quả"),
        *("Hoàn thành", "Đã hoàn thành", "Đã xử lý", "Chờ trả kết quả"),
    ),
    10: ("Đã trả kết quả", "Đã trả", "Trả kết quả"),
}
STATUSES = {
    **{plain(one): status for status, known in _STATUSES.items() for one in known},
    **{str(status): status for status in _STATUSES},
}
_CHANNELS = {
    "counter": ("Trực tiếp", "Tại quầy", "Bộ phận một cửa", "Một cửa", "counter", "1"),
    "online": ("Trực tuyến", "Qua mạng", "DVC", "Cổng DVC", "Dịch vụ công", "online", "2"),
    "post": ("Bưu chính", "Bưu điện", "BCCI", "Bưu chính công ích", "post", "3"),
}
CHANNELS = {plain(one): channel for channel, known in _CHANNELS.items() for one in known}
_KINDS = {
    "citizen": ("Công dân", "Cá nhân", "Người dân", "Hộ gia đình", "citizen"),
    "enterprise": ("Doanh nghiệp", "Công ty", "enterprise"),
    "state_body": ("Cơ quan nhà nước", "Cơ quan", "state_body"),
    "organisation": ("Tổ chức", "Tổ chức khác", "organisation"),
}
KINDS = {plain(one): kind for kind, known in _KINDS.items() for one in known}
