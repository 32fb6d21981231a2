"""What was said to whom: what was given up first, then the log; once more by a button."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from app.db import delivery_log, webhooks
from app.db.deliveries import Channel
from app.db.delivery_log import Fate, Wanted
from app.service.access import Principal, Right
from app.web.deliveries import MOST_AT_ONCE, again, item, sight, whole
from app.web.deps import MAX_ID, Now, Transaction
from app.web.pages.shell import PageRoute, Person, Posting, render
from app.web.pages.words import DROPPED, FATES, WAYS
from app.web.problems import ProblemError
from app.web.webhooks import owned

router = APIRouter(route_class=PageRoute)

PAGE = 50


def _keeper(who: Principal) -> Principal:
    """Who reads the log of an office: its administrators."""
    if Right.ADMIN not in who.rights:
        raise ProblemError(
            HTTPStatus.FORBIDDEN, "This credential has no right '{right}'", right=Right.ADMIN.value
        )
    if not who.whole_office:
        raise ProblemError(
            HTTPStatus.FORBIDDEN, "This is for a credential of the whole office, not of branches"
        )
    return who


@router.get("/deliveries")
def log(
    request: Request,
    session: Transaction,
    who: Person,
    state: Annotated[str, Query(pattern="^(queued|sent|dead|dropped)?$")] = "",
    channel: Annotated[str, Query(pattern="^(mail|webhook)?$")] = "",
    before: Annotated[int, Query(ge=1, le=MAX_ID)] = MAX_ID,
    queued: Annotated[int, Query(ge=0, le=MAX_ID)] = 0,
) -> Response:
    """The log, newest first; what was given up stands before it. `queued` were just sent again."""
    seen = sight(_keeper(who))
    wanted = Wanted(Fate(state) if state else None, Channel(channel) if channel else None)
    rows = delivery_log.page(session, seen, wanted, before=before, limit=PAGE + 1)
    dead: Sequence[RowMapping] = ()
    if not state and before == MAX_ID:
        given_up = Wanted(Fate.DEAD, wanted.channel)
        dead = delivery_log.page(session, seen, given_up, before=None, limit=PAGE)
    return render(
        request,
        "deliveries.html",
        dead=[item(row) for row in dead],
        count=delivery_log.count_dead(session, seen),
        rows=[item(row) for row in rows[:PAGE]],
        state=state,
        channel=channel,
        first=before == MAX_ID,
        next=rows[PAGE - 1]["id"] if len(rows) > PAGE else None,
        queued=queued,
        paused=[row for row in webhooks.listing(session, owned(who)) if row["paused_at"]],
        fates=FATES,
        ways=WAYS,
        dropped=DROPPED,
    )


@router.get("/deliveries/{delivery_id}")
def one(request: Request, session: Transaction, who: Person, delivery_id: int) -> Response:
    """One delivery, try by try."""
    return _one(request, session, _keeper(who), delivery_id)


@router.post("/deliveries/replay")
def replay_dead(
    session: Transaction,
    who: Posting,
    now: Now,
    channel: Annotated[str, Form(pattern="^(mail|webhook)$")],
) -> Response:
    """Send what was given up again, at most a thousand at once."""
    seen = sight(_keeper(who))
    wanted = Wanted(channel=Channel(channel))
    done = delivery_log.replay_dead(
        session, seen, wanted, who.by, now, before=None, limit=MOST_AT_ONCE
    )
    sent = done.counts.get(delivery_log.Verdict.MAY, 0)
    return RedirectResponse(f"/deliveries?queued={sent}", HTTPStatus.SEE_OTHER)


@router.post("/deliveries/{delivery_id}/replay")
def replay(session: Transaction, who: Posting, now: Now, delivery_id: int) -> Response:
    """Send one again."""
    again(session, delivery_id, _keeper(who), now)
    return RedirectResponse(f"/deliveries/{delivery_id}", HTTPStatus.SEE_OTHER)


def _one(request: Request, session: Session, who: Principal, delivery_id: int) -> Response:
    if not 0 < delivery_id <= MAX_ID:
        raise ProblemError(HTTPStatus.NOT_FOUND, "No such delivery")
    told = whole(session, delivery_id, who)
    return render(request, "delivery.html", told=told, fates=FATES, ways=WAYS, dropped=DROPPED)
