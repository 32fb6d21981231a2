"""Sources that are asked, in a terminal: added, listed, run at once, paused, removed."""

import json
import re
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from app import wallclock
from app.cli.shared import AsJson, office_of, opened_database, out, refuse
from app.db import pulls
from app.outbound import portal
from app.outbound.portal import Door
from app.service import pull
from app.service.pulls import NotKeepableError, keep
from app.service.rules import RuleBook
from app.service.shape import PullBody
from app.web.pulls import SOURCE, item

_LONGEST_NAME = 60
Office = Annotated[str | None, typer.Option(help="needed where there are several")]


def add(
    source: str,
    *,
    url: Annotated[str, typer.Option(help="the list endpoint")],
    kind: Annotated[str, typer.Option(help="cursor or watermark")],
    shape: Annotated[
        str, typer.Option(help='other parts of the shape, as JSON: {"items": "data.rows"}')
    ] = "{}",
    credential: Annotated[
        str, typer.Option(help="keep (the one held), none, bearer or oauth2")
    ] = "keep",
    token_url: Annotated[str | None, typer.Option(help="of oauth2")] = None,
    client_id: Annotated[str | None, typer.Option(help="of oauth2")] = None,
    scope: Annotated[str | None, typer.Option(help="of oauth2")] = None,
    secret_file: Annotated[
        Path | None, typer.Option(help="holds the token or client secret; asked for if absent")
    ] = None,
    every: Annotated[int, typer.Option(help="seconds between two runs")] = 300,
    since: Annotated[str | None, typer.Option(help="where a watermark begins")] = None,
    branch: Annotated[list[str] | None, typer.Option(help="may be given again")] = None,
    office: Office = None,
) -> None:
    """Ask a source from now on, or change how it is asked."""
    if re.fullmatch(SOURCE, source) is None or len(source) > _LONGEST_NAME:
        refuse("source: use 1 to 60 letters, digits, dots, hyphens, underscores or @")
    said: dict[str, Any] = {
        "url": url,
        "every_seconds": every,
        "since": since,
        "branches": branch or None,
    }
    if credential == "none":
        said["credential"] = None
    elif credential == "bearer":
        said["credential"] = {"kind": "bearer", "token": _secret(secret_file)}
    elif credential == "oauth2":
        more = {"token_url": token_url, "client_id": client_id, "scope": scope}
        said["credential"] = {"kind": "oauth2", "client_secret": _secret(secret_file), **more}
    elif credential != "keep":
        refuse("--credential is keep, none, bearer or oauth2")
    try:
        body = PullBody.model_validate(said | {"shape": {**json.loads(shape), "kind": kind}})
    except (ValueError, TypeError) as wrong:
        refuse(_why(wrong))
    with opened_database() as (_, opened), opened.begin() as session:
        ours, branches = office_of(session, office)
        try:
            keep(session, source, body, ours, branches, wallclock.now())
        except NotKeepableError as wrong:
            refuse(f"{wrong.problem.field}: {wrong.problem.detail}")
    out.print(f"{source} is asked from now on, every {body.every_seconds} seconds.")


def listing(*, office: Office = None, as_json: AsJson = False) -> None:
    """List the sources that are asked: where they stand, and what went wrong."""
    with opened_database() as (_, opened), opened() as session:
        ours, _ = office_of(session, office)
        items = [item(row, "en") for row in pulls.listing(session, ours)]
    if as_json:
        typer.echo(json.dumps(items, ensure_ascii=False))
        return
    for one in items:
        state = "running" if one["running"] else "active" if one["active"] else "paused"
        at = (one["watermark"] or one["cursor"] or "the beginning")[:40]
        told = (one["told_at"] or "never")[:19]
        out.print(
            f"{one['source']}  {state}, stands at {at}, last answer {told}, next {one['next_at']}",
            markup=False,
            soft_wrap=True,
        )
        if one["error"]:
            times = f" ({one['failures']} in a row)" if one["failures"] else ""
            out.print(f"      {one['error']['detail']}{times}", markup=False, soft_wrap=True)


def run(source: str, *, office: Office = None, as_json: AsJson = False) -> None:
    """Ask a source now, also a paused one, until it has nothing more."""
    with opened_database() as (settings, opened):
        with opened() as session:
            _mine(pulls.find(session, source), office_of(session, office)[0], source)
        row = pull.claim(opened, wallclock.now(), source)
        if row is None:
            refuse(f"{source} is being asked by another process")
        with portal.client(settings.pull_ca) as client:
            door = Door(client, settings.pull_reach)
            told = pull.run(row, opened, RuleBook(), door, wallclock.now)
    if as_json:
        said = {
            "source": told.source,
            "pages": told.pages,
            "outcomes": dict(told.outcomes),
            "drained": told.drained,
            "problem": told.problem.detail if told.problem else None,
        }
        typer.echo(json.dumps(said, ensure_ascii=False))
    else:
        counted = ", ".join(f"{count} {kind}" for kind, count in sorted(told.outcomes.items()))
        out.print(f"{told.pages} pages: {counted or 'nothing new'}.")
        if not told.drained and told.problem is None:
            out.print("More follows; it goes on at the next run.")
    if told.problem is not None:
        refuse(told.problem.detail)


def pause(source: str, *, office: Office = None) -> None:
    """Ask a source no more for a while; it keeps its place."""
    _change(source, office, active=False, lease=None, leased_until=None)
    out.print(f"{source} is paused.")


def resume(source: str, *, office: Office = None) -> None:
    """Ask a paused source again, from where it stopped."""
    _change(source, office, active=True, next_at=wallclock.now())
    out.print(f"{source} is asked again.")


def remove(source: str, *, office: Office = None) -> None:
    """Ask a source no more; what it told stays."""
    with opened_database() as (_, opened), opened.begin() as session:
        if not pulls.remove(session, source, office_of(session, office)[0]):
            refuse(f"no pull of {source}")
    out.print(f"{source} is asked no more.")


def _change(source: str, office: str | None, **values: object) -> None:
    with opened_database() as (_, opened), opened.begin() as session:
        if not pulls.change(session, source, office_of(session, office)[0], **values):
            refuse(f"no pull of {source}")


def _mine(row: Any, office: str, source: str) -> None:  # noqa: ANN401 a row
    if row is None or row["office"] != office:
        refuse(f"no pull of {source}")


def _secret(file: Path | None) -> str:
    """A token or secret, never from the command line, where every user of the machine reads it."""
    if file is None:
        return str(typer.prompt("Token or client secret", hide_input=True))
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as wrong:
        refuse(f"{file} cannot be read: {wrong}")


def _why(wrong: Exception) -> str:
    """The first thing that is wrong, without the value, which may be a secret."""
    if isinstance(wrong, ValidationError):
        first = wrong.errors()[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    return f"--shape is not a JSON object: {wrong}"
