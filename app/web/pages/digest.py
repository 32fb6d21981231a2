"""The morning's mail before it is sent: as it looks, and to whom it goes."""

from base64 import b64encode

from fastapi import APIRouter, Request, Response

from app.printed.mail import Mail, drawn
from app.service.access import Right
from app.service.digest_preview import Why, preview, recipients
from app.web.deps import Now, TheParts
from app.web.drawing import TheEasel
from app.web.pages.shell import PageRoute, Person, render, speech

router = APIRouter(route_class=PageRoute)

# A mail carries its style and its chart in itself.
_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "frame-ancestors 'none'; form-action 'self'"
)
WITHOUT = {
    Why.NO_ADDRESS: "no mail address",
    Why.NOT_WANTED: "wants no digest",
    Why.QUIET: "a day without mail for them",
}
ROLES = {
    "director": "Branch director",
    "administrator": "Administrator",
    "department": "Department",
}


@router.get("/digests/today")
def today(request: Request, held: TheParts, now: Now, easel: TheEasel, who: Person) -> Response:
    """The digest of the reader as it would be written now; keepers see who else gets one."""
    with held.sessions.begin() as session:
        rules = held.book.in_force(session)
        found = preview(session, rules, now, held.judged, who)
        keeper = who.whole_office and Right.ADMIN in who.rights
        people = recipients(session, rules, who.office, found.day) if keeper else []
    mail = Mail(speech(request), held.judged.public_url or "/", found)
    sources = {
        name: f"data:image/png;base64,{b64encode(content).decode()}"
        for name, content in drawn(easel, mail.charts).items()
    }
    answer = render(
        request,
        "digest.html",
        mail=mail,
        html=mail.html(sources, target="_top"),
        people=people,
        without=WITHOUT,
        roles=ROLES,
        found=found,
    )
    answer.headers["Content-Security-Policy"] = _POLICY
    return answer
