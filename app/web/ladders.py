"""Ladders of alerts: what is said when, to whom, by office and group of procedures."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path

from app.core.ladder import Level
from app.db import catalogue
from app.service.ladders import LadderBody, ladder
from app.web.deps import TEXT, Reader, Transaction
from app.web.publishing import Publishing, may_publish

router = APIRouter(prefix="/v1/ladders", tags=["alerts"])

ALL = "all"
_Group = Annotated[
    str,
    Path(
        min_length=1,
        max_length=60,
        pattern=TEXT,
        description=f"a group of procedures, or `{ALL}` for what has no ladder of its own",
    ),
]


@router.get("", summary="The ladders of alerts in force")
def get_ladders(session: Transaction, caller: Reader) -> dict[str, Any]:
    """The widest first; the narrowest that fits applies: office and group, office, group, none."""
    rows = [row for row in catalogue.ladders(session) if row["office"] in (None, caller.office)]
    return {"items": [_shown(row) for row in rows], "next": None}


@router.put("/{group}", summary="Publish the ladder of your office")
def put_ladder(
    group: _Group, body: LadderBody, publishing: Annotated[Publishing, Depends()]
) -> dict[str, Any]:
    """The moments of its open dossiers are counted anew; no due date moves."""
    return _publish(group, body, publishing)


@router.delete("/{group}", summary="Take a ladder of your office back")
def delete_ladder(group: _Group, publishing: Annotated[Publishing, Depends()]) -> dict[str, Any]:
    """The next wider one applies again."""
    return _publish(group, None, publishing)


def _publish(group: str, body: LadderBody | None, publishing: Publishing) -> dict[str, Any]:
    may_publish(publishing.caller, nation=False)
    office = publishing.caller.office
    return publishing.make(lambda: ladder(office, None if group == ALL else group, body))


def _shown(row: Any) -> dict[str, Any]:  # noqa: ANN401 a mapping of columns
    rungs = [{**rung, "level": Level(rung["level"]).word} for rung in row["rungs"]]
    return {"office": row["office"], "group": row["group"], "rungs": rungs}
