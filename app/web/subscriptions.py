"""Subscriptions: what each person hears by mail, kept by themselves or by an administrator."""

from datetime import date
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from app.core.problems import Problem
from app.core.subscriptions import Subscription
from app.db import subscriptions
from app.service.access import Principal
from app.web.deps import MAX_ID, Keeper, Reader, Transaction
from app.web.problems import ProblemError

router = APIRouter(prefix="/v1/subscriptions", tags=["alerts"])

_WEEK = frozenset(range(1, 8))


class QuietSpan(BaseModel):
    """Days without mail, a leave; both inclusive."""

    model_config = ConfigDict(extra="forbid")

    first: date = Field(alias="from", examples=["2026-12-21"])
    until: date = Field(examples=["2026-12-31"])


class Wishes(BaseModel):
    """What a person hears, whole: what is left out is as for everybody, `weekly` as it was."""

    model_config = ConfigDict(extra="forbid")

    daily: bool = Field(default=True, description="the digest of each working day")
    weekly: bool | None = Field(
        default=None, description="the summary of the week; as it was if absent"
    )
    all_clear: bool = Field(default=True, description="a short mail when there is nothing to say")
    quiet_weekdays: list[Annotated[int, Field(ge=1, le=7)]] = Field(
        default_factory=list, max_length=7, description="days without mail, 1 Monday to 7 Sunday"
    )
    quiet_days: list[QuietSpan] = Field(default_factory=list, max_length=100)

    def subscription(self, before: Subscription) -> Subscription:
        """As the core has it; `before` is what they heard until now.

        Raises:
            ProblemError: the days contradict themselves, or leave none.
        """
        problems = [
            Problem(f"quiet_days.{n}.until", "it is before from; exchange the two or correct one")
            for n, span in enumerate(self.quiet_days)
            if span.until < span.first
        ]
        if _WEEK.issubset(self.quiet_weekdays):
            why = "this leaves no day to hear on; to hear nothing, set daily and weekly to false"
            problems.append(Problem("quiet_weekdays", why))
        if problems:
            raise ProblemError(
                HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid", problems
            )
        return Subscription(
            self.daily,
            before.weekly if self.weekly is None else self.weekly,
            self.all_clear,
            frozenset(self.quiet_weekdays),
            tuple(sorted((span.first, span.until) for span in self.quiet_days)),
        )


@router.get("", summary="The people of the office and what they hear")
def list_subscriptions(session: Transaction, caller: Keeper) -> dict[str, Any]:
    """By login; without a mail address nothing is sent."""
    rows = subscriptions.people(session, caller.office)
    told = ("login", "name", "email", "role", "branches")
    return {
        "items": [
            {"user_id": row["id"], **{name: row[name] for name in told}}
            | item(subscriptions.read(row))
            for row in rows
        ],
        "next": None,
    }


@router.get("/me", summary="What I hear")
def get_mine(session: Transaction, caller: Reader) -> dict[str, Any]:
    """That of their role where nothing was ever wished: a director hears no summary."""
    mine = _person(caller)
    return item(subscriptions.of(session, [mine])[mine])


@router.put("/me", summary="Say what I hear")
def put_mine(session: Transaction, body: Wishes, caller: Reader) -> dict[str, Any]:
    """From the next digest on."""
    mine = _person(caller)
    wished = body.subscription(subscriptions.of(session, [mine])[mine])
    subscriptions.put(session, mine, wished)
    return item(wished)


@router.put("/{user_id}", summary="Say what somebody of the office hears")
def put_subscription(
    session: Transaction,
    user_id: Annotated[int, Path(ge=1, le=MAX_ID)],
    body: Wishes,
    caller: Keeper,
) -> dict[str, Any]:
    """Of whoever is on leave without having said so, say."""
    if not subscriptions.is_of(session, user_id, caller.office):
        raise ProblemError(HTTPStatus.NOT_FOUND, "No such person in your office")
    wished = body.subscription(subscriptions.of(session, [user_id])[user_id])
    subscriptions.put(session, user_id, wished)
    return {"user_id": user_id} | item(wished)


def item(wished: Subscription) -> dict[str, Any]:
    """A subscription as it is shown."""
    return {
        "daily": wished.daily,
        "weekly": wished.weekly,
        "all_clear": wished.all_clear,
        "quiet_weekdays": sorted(wished.quiet_weekdays),
        "quiet_days": [
            {"from": first.isoformat(), "until": last.isoformat()}
            for first, last in wished.quiet_days
        ],
    }


def _person(caller: Principal) -> int:
    if caller.user_id is None:
        raise ProblemError(
            HTTPStatus.NOT_FOUND, "A client has no subscription; sign in as the person"
        )
    return caller.user_id
