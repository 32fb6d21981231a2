"""Who may say something of dossiers at the pages."""

from http import HTTPStatus

from app.service.access import Principal, Right
from app.web.problems import ProblemError


def may_record(who: Principal) -> None:
    """Raise unless the reader may record what directors say of dossiers."""
    if Right.RECORD not in who.rights:
        right = Right.RECORD.value
        raise ProblemError(
            HTTPStatus.FORBIDDEN, "This credential has no right '{right}'", right=right
        )
