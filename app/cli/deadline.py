"""A due date by hand: the calculator of the API, in a terminal."""

import json
from collections.abc import Iterator
from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from app import wallclock
from app.cli.shared import AsJson, opened_database, out, refuse
from app.core.clock import Limit, Reason, SupplementPolicy, Unit
from app.printed.speech import NOTHING, Speech
from app.service.language import detail
from app.service.rules import RuleBook
from app.web.asked import Asked
from app.web.deadlines import answered
from app.web.pages.words import CONFIDENCES, POLICIES
from app.web.problems import ProblemError

_SUSPENSION = ("reason", "from", "until")


class Language(StrEnum):
    """What the terminal speaks."""

    VIETNAMESE = "vi"
    ENGLISH = "en"


def deadline(
    procedure: Annotated[str, typer.Argument(help="procedure code, any suffix")],
    *,
    received: Annotated[datetime, typer.Option(help="2026-02-10T09:00, local time")],
    branch: str | None = None,
    commune: str | None = None,
    case: str | None = None,
    suspend: Annotated[
        list[str] | None,
        typer.Option(
            help='"supplement 2026-02-12T10:00 2026-02-24T09:00", open without the second time; '
            f"may be given again; reasons: {', '.join(Reason)}"
        ),
    ] = None,
    language: Annotated[Language, typer.Option(help="of the explanation")] = Language.VIETNAMESE,
    as_json: AsJson = False,
) -> None:
    """When a dossier of a procedure would be due, and why, as POST /v1/deadlines answers it."""
    with opened_database() as (_, opened), opened() as session:
        rules = RuleBook().in_force(session)
        if branch is not None and branch not in rules.branches:
            refuse(f"no branch {branch}")
        zone = rules.calendar_of(branch).zone
        body = {
            "received_at": _local(received, zone),
            "procedure": procedure,
            "branch": branch,
            "commune": commune,
            "case": case,
            "suspensions": [dict(_suspension(text, zone)) for text in suspend or ()],
        }
        try:
            told = answered(Asked.model_validate(body), rules, wallclock.now(), language.value)
        except ValidationError as wrong:
            first = wrong.errors(include_url=False)[0]
            refuse(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}")
        except ProblemError as wrong:
            refuse("; ".join(f"{one.field}: {detail(one, language)}" for one in wrong.problems))
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    for line in explanation(told, Speech(language.value)):
        out.print(line, markup=False, soft_wrap=True)


def _local(at: datetime, zone: tzinfo) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=zone)


def _suspension(text: str, zone: tzinfo) -> Iterator[tuple[str, str | datetime]]:
    """The fields of "reason from [until]"."""
    words = text.split()
    if len(words) not in (len(_SUSPENSION) - 1, len(_SUSPENSION)):
        refuse(f'--suspend {text!r}: write it as "supplement 2026-02-12T10:00 2026-02-24T09:00"')
    yield _SUSPENSION[0], words[0]
    for name, word in zip(_SUSPENSION[1:], words[1:], strict=False):
        try:
            yield name, _local(datetime.fromisoformat(word), zone)
        except ValueError:
            refuse(f"--suspend {text!r}: {word} is not a time such as 2026-02-12T10:00")


def explanation(told: dict[str, Any], say: Speech) -> Iterator[str]:
    """The answer of the calculator in lines a person reads, in one language throughout."""
    yield from _due(told, say)
    yield from _law(told, say)
    yield from _steps(told, say)
    for leg in told["tax"]:
        yield (
            f"{say('At the tax office')}: {say.at(_at(leg['sent_at']))} – "
            f"{say.at(_at(leg['paid_at']))}; "
            f"{say('{quantity} working days', quantity=say.number(leg['working_days']))}; "
            f"{leg['why']}; {say('not charged to the branch')}"
        )
    yield ""
    yield f"{say('Day by day')}:"
    stage = 0
    for line in told["trace"]:
        if line.get("stage", stage) != stage:
            stage = line["stage"]
            named = say("Appointment {stage}", stage=stage)
            yield named if stage else say("Between two appointments")
        yield _line(line, say)


def _line(line: dict[str, Any], say: Speech) -> str:
    number = "" if line["counted"] is None else say.number(line["counted"])
    ground = f" ({say.ground(line['ground'])})" if line["ground"] else ""
    unsure = f" ({say('calendar not yet confirmed')})" if line["provisional"] else ""
    on = date.fromisoformat(line["on"])
    return f"{number:>5}  {say.weekday(on):<9} {say.day(on)}  {line['why']}{unsure}{ground}"


def _due(told: dict[str, Any], say: Speech) -> Iterator[str]:
    due_on = told["due_on"]
    yield say("Due: {day}", day=say.long_day(_day(due_on)) if due_on else NOTHING)
    if told["provisional"]:
        until = (told["calendar"] or {}).get("confirmed_until")
        yield say(
            "Provisional: the working calendar is officially published only until {day}; the due "
            "date may move when the next one is.",
            day=say.day(_day(until)),
        )
    staged = len(told["stages"]) > 1
    for one in told["stages"] if staged else ():
        due = say.long_day(_day(one["due_on"])) if one["due_on"] else say("not yet begun")
        named = say("Appointment {stage}", stage=one["stage"])
        yield f"{named}: {_limit(one['limit'], say)}; {due}"
        yield from _by_hours(one["hour_convention"], say)
    if not staged:
        yield from _by_hours(told["hour_convention"], say)


def _by_hours(theirs: dict[str, str] | None, say: Speech) -> Iterator[str]:
    if theirs:
        yield say(
            "Systems that count a working day as 8 hours from the moment of receipt show {at}; "
            "the law counts days, and the day of receipt is not one of them (BLDS 2015 Đ147 k2).",
            at=say.at(_at(theirs["due_at"])),
        )


def _law(told: dict[str, Any], say: Speech) -> Iterator[str]:
    limit = told["limit"]
    if limit["quantity"] == 0 and limit["cutoff"]:
        yield say(
            "Due the same working day; received after {cutoff} or on a day off, it counts as "
            "received the next working day.",
            cutoff=limit["cutoff"],
        )
    else:
        yield say("The whole limit is {limit}.", limit=_limit(limit, say))
    longer = told["extension"]
    if longer and longer["due_on"]:
        yield say(
            "For a good reason, told at once, it may be extended to {limit} from the receipt: to "
            "{day}.",
            limit=_limit(longer["limit"], say),
            day=say.long_day(_day(longer["due_on"])),
        )
    if told["difficult"]:
        yield say("The longer limit of difficult communes applies.")
    if told["case_assumed"]:
        yield say("No case was given: this is the one with the longest limit, {case}.",
                  case=told["case"])  # fmt: skip
    yield say("Ground: {ground}.", ground=say.ground(told["ground"]))
    if told["source"] and say.language == Language.ENGLISH:  # kept in English only
        yield f"Source: {told['source']}"
    confidence = CONFIDENCES.get(told["confidence"])
    unsure = [say(confidence) if confidence else None, told["doubt"]]
    if any(unsure):
        yield f"{say('To be confirmed')}: {' '.join(one for one in unsure if one)}"
    rule = say("Rule used: {rule}.", rule=say(POLICIES[SupplementPolicy(told["supplement"])]))
    law = told["supplement_ground"] and say.ground(told["supplement_ground"])
    ground = ": ".join(one for one in (law, told["supplement_doubt"]) if one)
    yield f"{rule} ({ground})" if ground else rule
    used = told["calendar"]
    named = [f"{one['scope']} {one['version']}" for one in used["layers"]]
    version = say("Working calendar: {layers}", layers=", ".join(named))
    until = say("published until {day}", day=say.day(_day(used["confirmed_until"])))
    yield f"{version}, {until}" if used["confirmed_until"] else version


def _steps(told: dict[str, Any], say: Speech) -> Iterator[str]:
    if told["steps"]:
        yield f"{say('Steps')}:"
    for one in told["steps"]:
        hours = one["working_hours"]
        time = NOTHING if hours is None else say.limit(Limit.of(hours, Unit.WORKING_HOURS))
        charged = "" if one["charged"] else f"; {say('not charged to the branch')}"
        named = f" ({one['name']})" if one["name"] else ""
        yield f"  {one['who']}{named}: {time}{charged}"


def _limit(held: dict[str, Any], say: Speech) -> str:
    return say.limit(Limit.of(held["quantity"], Unit(held["unit"])))


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _at(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
