"""Whether the history is whole: a command for an inspector, and for every night."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.cli.shared import AsJson, opened_database, out, refuse
from app.core.codes import dossier_code
from app.db import chain
from app.db.engine import Sessions
from app.service.closed_periods import closed
from app.service.rules import RuleBook
from app.service.sealed_days import days
from app.service.verify import Checked, Fault, dossiers, some

_NOTED = re.compile(r"(\d{4}-\d\d-\d\d)=([0-9a-f]{64})", re.IGNORECASE)


def verify(
    *,
    code: Annotated[
        list[str] | None, typer.Option(help="only this dossier; may be given again")
    ] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, help="only so many dossiers, taken by chance")
    ] = None,
    root: Annotated[
        list[str] | None,
        typer.Option(help="a root noted earlier, as 2026-10-05=<64 hex digits>; may be repeated"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check chains, contents, findings, sealed days, closed periods; exit 1 if there is a fault."""
    codes, noted = [_code(one) for one in code or ()], dict(_noted(one) for one in root or ())
    if codes and sample is not None:
        refuse("give --code or --sample, not both")
    checked = Checked()
    with opened_database() as (_, opened):
        for fault in _faults(opened, checked, codes, sample, noted):
            _say(fault, as_json=as_json)
    _sum_up(checked, as_json=as_json)
    if checked.faults:
        raise typer.Exit(1)


def _faults(
    opened: Sessions,
    checked: Checked,
    codes: list[str],
    sample: int | None,
    noted: dict[date, bytes],
) -> Iterator[Fault]:
    """All faults, with a bar on standard error while they are looked for."""
    book = RuleBook()
    whole = not codes and sample is None
    if sample is not None:
        with opened() as session:
            codes = list(chain.some(session, sample))
    with _bar("Verifying dossiers") as bar:

        def told() -> None:
            bar(checked.dossiers, checked.of)

        if whole:
            yield from dossiers(opened, book, checked, told)
        else:
            yield from some(opened, book, checked, codes, told)
    if whole or noted:
        with _bar("Verifying sealed days") as bar:
            yield from days(
                opened, checked, noted, lambda: bar(checked.days or 0, checked.of_days or 0)
            )
    if whole:
        with _bar("Verifying closed periods") as bar:
            yield from closed(
                opened, checked, lambda: bar(checked.closings or 0, checked.of_closings or 0)
            )


@contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int], None]]:
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, of: progress.update(task, completed=done, total=max(done, of))


def _say(fault: Fault, *, as_json: bool) -> None:
    if as_json:
        told: dict[str, Any] = {
            "what": fault.what.value,
            "code": fault.code,
            "revision_no": fault.revision_no,
            "day": fault.day.isoformat() if fault.day else None,
            "closing": fault.closing,
            "detail": fault.detail,
        }
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    number = "" if fault.revision_no is None else f" revision {fault.revision_no}"
    where = fault.code or fault.closing or f"day {fault.day}"
    typer.echo(f"{where}{number}: {fault.what.value}: {fault.detail}")


def _sum_up(checked: Checked, *, as_json: bool) -> None:
    """What was checked of what: as the last line of JSON, or in words."""
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "done": True,
                    "faults": checked.faults,
                    "dossiers": checked.dossiers,
                    "revisions": checked.revisions,
                    "waiting_for_recomputation": checked.waiting,
                    "days": checked.days,
                    "sealed_until": checked.sealed_until and checked.sealed_until.isoformat(),
                    "closings": checked.closings,
                }
            )
        )
        return
    out.print(f"Verified {checked.dossiers} dossiers with {checked.revisions} revisions.")
    if checked.waiting:
        out.print(f"{checked.waiting} without a limit wait for a recomputation; not judged.")
    if checked.days is None:
        out.print("Sealed days were not looked at; without --code and --sample they are.")
    elif checked.sealed_until is None:
        out.print("No day is sealed yet.")
    else:
        out.print(f"Verified {checked.days} sealed days, up to {checked.sealed_until}.")
    if checked.closings:
        out.print(f"Verified {checked.closings} closed periods.")
    out.print(f"Faults: {checked.faults}.")


def _code(text: str) -> str:
    found = dossier_code(text)
    if found is None:
        refuse(f"--code: {text[:60]} is no dossier code; write it as H20.16-261005-0001")
    return found


def _noted(text: str) -> tuple[date, bytes]:
    found = _NOTED.fullmatch(text.strip())
    if found is not None:
        with suppress(ValueError):
            return date.fromisoformat(found[1]), bytes.fromhex(found[2])
    return refuse(f"--root: {text[:90]} is none; write it as 2026-10-05=<64 hex digits>")
