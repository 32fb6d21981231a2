"""How a change of the catalogue is previewed, published and followed, whatever it is about."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Annotated, Any

from fastapi import Query
from sqlalchemy.orm import Session

from app.core.problems import Problem
from app.db import publications
from app.service.access import Principal, Right
from app.service.changes import Change, NotPublishableError
from app.service.preview import Preview, preview
from app.service.publish import publish
from app.service.recompute import recompute
from app.web import shown
from app.web.deps import Now, Parts, Publisher, TheParts
from app.web.problems import ProblemError

# What is derived while the caller waits, some seconds' worth; the minute's job does the rest.
AT_ONCE = 20_000

Only = Annotated[
    bool,
    Query(alias="preview", description="only say what would move; nothing is published"),
]
IfVersion = Annotated[
    int | None,
    Query(
        description="publish only if this is still the newest version of the catalogue (a preview "
        "says which it was laid over); else 409"
    ),
]


_NOTHING: Mapping[str, Any] = MappingProxyType(
    {"changed": False, "rows_changed": 0, "dossiers_derived": 0, "dossiers_moved": 0}
)


class Publishing:
    """What every publishing route takes: who publishes, and whether it is only a preview."""

    def __init__(
        self,
        caller: Publisher,
        held: TheParts,
        now: Now,
        *,
        only: Only = False,
        if_version: IfVersion = None,
    ) -> None:
        """Gathered by FastAPI."""
        self.caller = caller
        self._held: Parts = held
        self._now = now
        self._only = only
        self._if_version = if_version

    def make(
        self, change: Callable[[], Change], check: Callable[[Session], Problem | None] | None = None
    ) -> dict[str, Any]:
        """Preview or publish a change and derive what it moves; the answer of the route.

        `check` looks at the catalogue as it stands, in the transaction of the publication.
        """
        try:
            made = change()
            if self._only:
                return self._preview(made, check)
            return self._publish(made, check)
        except NotPublishableError as wrong:
            raise refused(*wrong.problems) from None

    def _preview(
        self, change: Change, check: Callable[[Session], Problem | None] | None
    ) -> dict[str, Any]:
        with self._held.sessions() as session:
            self._check(publications.version(session), session, check)
        told = preview(self._held.sessions, change, self.caller.branches, self._now)
        return previewed(told)

    def _publish(
        self, change: Change, check: Callable[[Session], Problem | None] | None
    ) -> dict[str, Any]:
        held = self._held
        with held.sessions.begin() as session:
            self._check(publications.lock(session), session, check)
            made = publish(session, change, self.caller.by, self._now)
        if made is None:
            return dict(_NOTHING)
        recompute(held.sessions, held.book, self._now, at_most=AT_ONCE)
        with held.sessions() as session:
            row = publications.find(session, made.version)
        return {"changed": True, "rows_changed": made.changed} | (publication(row) if row else {})

    def _check(
        self, newest: int, session: Session, check: Callable[[Session], Problem | None] | None
    ) -> None:
        if self._if_version is not None and self._if_version != newest:
            raise ProblemError(
                HTTPStatus.CONFLICT,
                "The catalogue is at version {newest}, not {asked}; preview the change again",
                newest=newest,
                asked=self._if_version,
            )
        wrong = check(session) if check else None
        if wrong is not None:
            raise refused(wrong)


def previewed(told: Preview) -> dict[str, Any]:
    """A preview as JSON has it."""
    return {
        "preview": True,
        "version": told.version,
        "changed": told.changes,
        "dossiers_concerned": told.concerned,
        "dossiers_moved": told.moved,
        "by_days": {str(days): told.by_days[days] for days in sorted(told.by_days)},
        "by_branch": dict(sorted(told.by_branch.items())),
        "gain_due_day": told.gain,
        "lose_due_day": told.lose,
        "become_provisional": told.become_provisional,
        "no_longer_provisional": told.no_longer_provisional,
        "become_overdue": told.become_overdue,
        "no_longer_overdue": told.no_longer_overdue,
        "examples": [
            {name: shown.value(held) for name, held in move._asdict().items()} | {"days": move.days}
            for move in told.examples
        ],
    }


def publication(row: Any) -> dict[str, Any]:  # noqa: ANN401 a mapping of columns
    """A publication as JSON has it: who made it, and how far it was followed."""
    return {
        "version": row["version"],
        "published_at": shown.instant(row["published_at"]),
        "by": row["by"],
        "kind": row["kind"],
        "subject": row["subject"],
        "details": row["details"],
        "dossiers_derived": row["derived"],
        "dossiers_moved": row["moved"],
        "complete": row["derived_at"] is not None,
    }


def refused(*problems: Problem) -> ProblemError:
    """What cannot be published, with the fields and the mends."""
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "It cannot be published", problems)


def may_publish(caller: Principal, *, nation: bool) -> None:
    """Law that concerns more than one's own branches is for who may see the whole office.

    What the whole nation counts by needs the right `admin` besides.
    """
    if not caller.whole_office:
        raise ProblemError(
            HTTPStatus.FORBIDDEN, "This concerns the whole office, and you act for some branches"
        )
    if nation and Right.ADMIN not in caller.rights:
        raise ProblemError(
            HTTPStatus.FORBIDDEN, "This credential has no right '{right}'", right=Right.ADMIN.value
        )
