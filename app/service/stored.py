"""The facts of a stored dossier, read back as they were sent."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from app.core.clock import Suspension
from app.core.lifecycle import (
    Apology,
    ApplicantKind,
    Channel,
    Extension,
    Facts,
    Outcome,
    Status,
    Step,
)
from app.core.stages import StageFact
from app.db.tables.dossiers import FACTS

_NAMES = tuple(column.name for column in FACTS)
_LISTS = {
    "suspensions": tuple[Suspension, ...],
    "stages": tuple[StageFact, ...],
    "extensions": tuple[Extension, ...],
    "apologies": tuple[Apology, ...],
    "steps": tuple[Step, ...],
    "aliases": tuple[str, ...],
}
_DECODE = {name: msgspec.json.Decoder(kind).decode for name, kind in _LISTS.items()}


def facts_of(row: Mapping[Any, Any]) -> Facts:
    """The facts of a whole row of `dossier`."""
    return facts_told(row["code"], [row[name] for name in _NAMES], row["updated_at"])


def facts_told(code: str, told: Sequence[Any], updated_at: Any) -> Facts:  # noqa: ANN401 columns
    """The facts from the columns of `db.tables.dossiers.FACTS` in order; lists as text or read."""
    (
        procedure,
        _,
        case,
        branch,
        commune,
        channel,
        applicant_kind,
        status,
        submitted_at,
        received_at,
        land_office_received_at,
        promised_at,
        suspensions,
        stages,
        extensions,
        apologies,
        steps,
        finished_at,
        ended_at,
        outcome,
        handed_over_at,
        online_payment,
        status_told,
        suspensions_inferred,
        aliases,
    ) = told
    return Facts(
        code=code,
        procedure=procedure,
        branch=branch,
        status=Status(status),
        updated_at=updated_at,
        case=case,
        commune=commune,
        channel=Channel(channel),
        applicant_kind=ApplicantKind(applicant_kind),
        submitted_at=submitted_at,
        received_at=received_at,
        land_office_received_at=land_office_received_at,
        promised_at=promised_at,
        suspensions=_list("suspensions", suspensions),
        stages=_list("stages", stages),
        extensions=_list("extensions", extensions),
        apologies=_list("apologies", apologies),
        steps=_list("steps", steps),
        finished_at=finished_at,
        ended_at=ended_at,
        outcome=Outcome(outcome) if outcome else None,
        handed_over_at=handed_over_at,
        online_payment=online_payment,
        status_told=None if status_told is None else Status(status_told),
        suspensions_inferred=bool(suspensions_inferred),
        aliases=_list("aliases", aliases),
    )


def _list(name: str, held: Any) -> Any:  # noqa: ANN401 JSON in, dataclasses out
    if not held:
        return ()
    if isinstance(held, str):
        return _DECODE[name](held)
    return msgspec.convert(held, _LISTS[name])
