"""What an administrator keeps: the catalogue, people, clients."""

import json
import re
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from app import wallclock
from app.cli.shared import AsJson, author, derive_anew, opened_database, out, refuse
from app.core.sources import OURS
from app.db import access as accounts
from app.db import catalogue, publications
from app.service import access, publish
from app.service.access import Right, Role
from app.service.changes import NotPublishableError
from app.web.publishing import publication

_NAME = re.compile(r"[A-Za-z0-9._@-]{1,60}")
_SHORTEST_PASSWORD = 10


def catalogue_load(
    folder: Annotated[
        Path, typer.Argument(help="calendar_vn.json, dong_thap.json, procedures.json")
    ] = publish.SAMPLE,
) -> None:
    """Publish the catalogue of a folder; what is the same stays, what changed is derived anew."""
    with opened_database() as (_, opened):
        try:
            with opened.begin() as session:
                publish.sample(session, author(), wallclock.now(), folder)
        except NotPublishableError as wrong:
            refuse(str(wrong))
        except (OSError, ValueError) as wrong:
            refuse(f"the catalogue cannot be read: {wrong}")
        derive_anew(opened, "Published.")


def catalogue_log(
    *, limit: Annotated[int, typer.Option(min=1, max=1_000)] = 20, as_json: AsJson = False
) -> None:
    """Who changed the catalogue, when, in which words, and how many dossiers it moved."""
    with opened_database() as (_, opened), opened() as session:
        rows = [publication(row) for row in publications.newest(session, None, limit)]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        said = " ".join(str(one) for one in (row["details"] or {}).values())
        state = "" if row["complete"] else ", under way"
        out.print(
            f"{row['version']:>5}  {row['published_at'][:16]}  {row['by']}  {row['kind']} "
            f"{row['subject']}  {said}  ({row['dossiers_moved']} moved{state})"
        )


def user_add(
    login: str,
    *,
    name: Annotated[str, typer.Option(help="as it stands on the pages")],
    office: Annotated[str, typer.Option(help="code of the office, such as H20.16")],
    password: Annotated[
        str,
        typer.Option(prompt=True, hide_input=True, confirmation_prompt=True, show_default=False),
    ],
    role: Role = Role.DIRECTOR,
    branch: Annotated[
        list[str] | None, typer.Option(help="a branch of a director; may be given again")
    ] = None,
    email: Annotated[str | None, typer.Option(help="where the digest goes")] = None,
) -> None:
    """Add a person, or change one."""
    _check_name("login", login)
    if len(password) < _SHORTEST_PASSWORD:
        refuse(f"a password has at least {_SHORTEST_PASSWORD} characters")
    if role is Role.DIRECTOR and not branch:
        refuse("a director has at least one --branch")
    with opened_database() as (_, opened), opened.begin() as session:
        _check_branches(session, office, branch)
        access.add_user(
            session,
            login=login,
            name=name,
            email=email,
            role=role.value,
            office=office,
            branches=branch if role is Role.DIRECTOR else None,
            active=True,
            password=password,
        )
    out.print(f"{login} may sign in.")


def client_add(
    client_id: str,
    *,
    office: Annotated[str, typer.Option(help="code of the office, such as H20.16")],
    source: Annotated[str, typer.Option(help="the sending system it speaks for")],
    branch: Annotated[
        list[str] | None, typer.Option(help="only these branches; all of the office if absent")
    ] = None,
    right: Annotated[list[Right] | None, typer.Option(help="intake and read if absent")] = None,
    as_json: AsJson = False,
) -> None:
    """Add a client, or give it a new secret, which is shown only now."""
    _check_name("client_id", client_id)
    _check_name("--source", source)
    if source == OURS:
        refuse(f"--source: {OURS} is what people record here; name the sending system")
    with opened_database() as (_, opened), opened.begin() as session:
        _check_branches(session, office, branch)
        accounts.put_source(session, source, source)
        secret = access.add_client(
            session,
            client_id=client_id,
            source=source,
            office=office,
            branches=branch or None,
            rights=right or [Right.INTAKE, Right.READ],
        )
    if as_json:
        typer.echo(json.dumps({"client_id": client_id, "client_secret": secret}))
    else:
        out.print(f"client_id     {client_id}\nclient_secret {secret}")


def _check_name(what: str, text: str) -> None:
    if _NAME.fullmatch(text) is None:
        refuse(f"{what}: use 1 to 60 letters, digits, dots, hyphens, underscores or @")


def _check_branches(session: Session, office: str, branches: list[str] | None) -> None:
    known = {row["code"] for row in catalogue.branches(session) if row["office"] == office}
    if not known:
        refuse(f"no office {office}; `dunghan catalogue load` publishes the sample")
    strange = sorted(set(branches or ()) - known)
    if strange:
        refuse(f"{strange[0]} is no branch of {office}; there are {', '.join(sorted(known))}")
