"""What texts tell that codes hide, and what of a text may be kept."""

import re
from unicodedata import normalize

from app.core.clock import Reason
from app.core.lifecycle import Status

# A province sends 5, 6 and 8 as 9 and says in words what it is; so it does with a dossier that has
# no appointment (from the code of a provincial system). The first that is found says which.
_DISGUISED: tuple[tuple[re.Pattern[str], Status], ...] = (
    (re.compile(r"trả bổ sung hồ sơ"), Status.STOPPED),
    (re.compile(r"trả hồ sơ (để )?bổ sung"), Status.AWAITING_SUPPLEMENT),
    (re.compile(r"(yêu cầu|chờ|đợi)( công dân| người dân)? bổ sung"), Status.AWAITING_SUPPLEMENT),
    (
        re.compile(r"(?<!đã )(?<!xong )thực hiện (nvtc|nghĩa vụ tài chính)"),
        Status.AWAITING_PAYMENT,
    ),
    (re.compile(r"không có ngày hẹn trả"), Status.IN_PROGRESS),
    (re.compile(r"(tạm )?dừng (xử lý|giải quyết)"), Status.STOPPED),
)
# Why a dossier of status 8 stands. Without a lawful reason the clock does not stop.
_REASONS: tuple[tuple[re.Pattern[str], Reason], ...] = (
    (re.compile(r"bổ sung"), Reason.SUPPLEMENT),
    (re.compile(r"nvtc|nghĩa vụ tài chính|cơ quan thuế"), Reason.FINANCIAL_OBLIGATION),
    (re.compile(r"niêm yết|đăng tin"), Reason.PUBLIC_POSTING),
    (re.compile(r"giám định"), Reason.EXPERT_APPRAISAL),
    (re.compile(r"vi phạm"), Reason.VIOLATION_HANDLING),
    (re.compile(r"bất khả kháng|thiên tai|bão lũ|dịch bệnh"), Reason.FORCE_MAJEURE),
)
_SHORT = (
    (re.compile(r"\b(vpđkđđ|vp đkđđ|vpđk đất đai|vpđk)\b"), "văn phòng đăng ký đất đai"),
    (re.compile(r"\b(cn)\b"), "chi nhánh"),
)

_NUMBERS = re.compile(r"\+?\d[\d .-]{7,}\d")
_PERSON = re.compile(
    r"\b((?:[Ôô]ng|[Bb]à|[Aa]nh|[Cc]hị|[Cc]ụ|[Cc]hủ hồ sơ|[Nn]gười nộp|[Cc]ông dân)\s*:?)"
    r"(?:\s+[A-ZÀ-ỸĐ][\wÀ-ỹđ]*)+"
)


def plain(text: str) -> str:
    """A text as it is compared: one Unicode form, small letters, single spaces."""
    return " ".join(normalize("NFC", text).casefold().split())


def disguised(*texts: str | None) -> Status | None:
    """The status that texts beside a 9 say is meant; None where they say nothing else."""
    for text in texts:
        said = plain(text or "")
        for pattern, status in _DISGUISED:
            if pattern.search(said):
                return status
    return None


def reason(*texts: str | None) -> Reason | None:
    """The lawful reason that texts beside an 8 give for its standing."""
    for text in texts:
        said = plain(text or "")
        for pattern, found in _REASONS:
            if pattern.search(said):
                return found
    return None


def unit(name: str) -> str:
    """The name of a branch as it is compared, its usual short forms written out."""
    said = plain(name)
    for pattern, full in _SHORT:
        said = pattern.sub(full, said)
    return said


def impersonal(text: str, name: str | None = None) -> str:
    """A free text without what may name a citizen: numbers of papers and telephones, persons.

    What an officer types cannot be parted from names with certainty; this takes out what follows
    an address ("ông Nguyễn Văn A"), and the applicant's own name wherever it stands.
    """
    said = normalize("NFC", text)
    if name:
        said = re.sub(re.escape(normalize("NFC", name)), "…", said, flags=re.IGNORECASE)
    said = _NUMBERS.sub("…", said)
    return _PERSON.sub(r"\1 …", said)
