"""What an administrator keeps: the catalogue, people, clients; and a due date by hand."""

import json
import re
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from app import wallclock
from app.cli.shared import AsJson, opened_database, out, refuse
from app.core.problems import Problem
from app.core.trace import explain
from app.db import access as accounts
from app.db import catalogue
from app.service import access, publish
from app.service.access import Right, Role
from app.service.ask import ByProcedure, by_procedure
from app.service.recompute import recompute
from app.service.rules import RuleBook

_NAME = re.compile(r"[A-Za-z0-9._@-]{1,60}")
_SHORTEST_PASSWORD = 10


def catalogue_load(
    folder: Annotated[
        Path, typer.Argument(help="calendar_vn.json, dong_thap.json, procedures.json")
    ] = publish.SAMPLE,
) -> None:
    """Publish the catalogue of a folder; what is the same stays, what changed is derived anew."""
    with opened_database() as (settings, opened):
        try:
            with opened.begin() as session:
                publish.sample(session, wallclock.now(), folder)
        except publish.NotPublishableError as wrong:
            refuse(str(wrong))
        except (OSError, ValueError) as wrong:
            refuse(f"the catalogue cannot be read: {wrong}")
        book = RuleBook(settings.supplement_policy)
        derived, moved = recompute(opened, book, "command", wallclock.now(), None)
    out.print(f"Published. {derived} dossiers derived anew, {moved} moved.")


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


def deadline(
    procedure: Annotated[str, typer.Argument(help="procedure code, any suffix")],
    *,
    received: Annotated[datetime, typer.Option(help="2026-02-10T09:00, local time")],
    branch: str | None = None,
    commune: str | None = None,
    case: str | None = None,
    as_json: AsJson = False,
) -> None:
    """When a dossier of a procedure would be due, and why."""
    with opened_database() as (settings, opened), opened() as session:
        rules = RuleBook(settings.supplement_policy).in_force(session)
        if branch is not None and branch not in rules.branches:
            refuse(f"no branch {branch}")
        calendar = rules.calendar_of(branch)
        at = received if received.tzinfo else received.replace(tzinfo=calendar.zone)
        found = by_procedure(rules, procedure, at, branch=branch, commune=commune, case=case)
    if isinstance(found, Problem):
        refuse(f"{found.field}: {found.detail}")
    _show_deadline(found, as_json=as_json)


def _show_deadline(found: ByProcedure, *, as_json: bool) -> None:
    clock, limit, rule = found.clock, found.limit, found.choice.rule
    lines = explain(clock, limit, found.calendar, rule.ground)
    if as_json:
        days = [
            {
                "on": line.on.isoformat(),
                "counted": line.counted,
                "why": line.why.format(**line.params),
            }
            for line in lines
        ]
        due_on: date | None = clock.due_on
        told = {
            "due_on": due_on.isoformat() if due_on else None,
            "provisional": clock.provisional,
            "ground": rule.ground,
            "source": rule.source,
            "confidence": rule.confidence,
            "doubt": "; ".join(found.choice.doubts) or None,
        }
        typer.echo(json.dumps(told | {"trace": days}, ensure_ascii=False))
        return
    stage = f", appointment 1 of {len(found.choice.stages)}" if found.choice.stages else ""
    out.print(f"Due {clock.due_on}: {limit.quantity:g} {limit.unit}{stage}")
    out.print(f"Ground: {rule.ground}")
    for name, said in (
        ("Source", rule.source),
        ("Confidence", rule.confidence),
        ("Doubt", "; ".join(found.choice.doubts)),
    ):
        if said:
            out.print(f"{name}: {said}")
    if clock.provisional:
        out.print("Provisional: some day it leans on is not officially published yet.")
    for line in lines:
        number = "" if line.counted is None else f"{line.counted:g}"
        why = line.why.format(**line.params)
        out.print(f"{line.on:%a %d/%m/%Y} {number:>5}  {why}  {line.ground or ''}".rstrip())
