"""The command-line front door: `dunghan …`."""

import typer
from pydantic import ValidationError

from app.cli import (
    calendar,
    closing,
    deadline,
    feeds,
    imports,
    keeping,
    playing,
    pull,
    quarantine,
    report,
    running,
    verify,
)
from app.cli.shared import refuse
from app.desk import CannotStartError

app = typer.Typer(
    help="Đúng Hạn: statutory deadlines of land-registration dossiers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # a traceback must not print a citizen's name
)
_catalogue = typer.Typer(help="Calendar, procedures, offices.", no_args_is_help=True)
_calendar = typer.Typer(
    help="Days off and worked, and how far they are confirmed.", no_args_is_help=True
)
_user = typer.Typer(help="People who sign in to the pages.", no_args_is_help=True)
_client = typer.Typer(help="Systems that use the API.", no_args_is_help=True)
_quarantine = typer.Typer(help="Refused records.", no_args_is_help=True)
_pull = typer.Typer(help="Sources that are asked instead of sending.", no_args_is_help=True)
_closing = typer.Typer(help="Periods that are closed for good.", no_args_is_help=True)
_feeds = typer.Typer(help="Who was heard of when, and who is silent.", no_args_is_help=True)
for _command in (
    running.up,
    running.demo,
    running.serve,
    running.migrate,
    running.doctor,
    deadline.deadline,
    report.report,
    verify.verify,
    playing.simulate,
):
    app.command()(_command)
app.command("import")(imports.import_file)
# Handed on as it is, with --help: jobs are a front door of their own.
app.command(
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(running.jobs)
_catalogue.command("load")(keeping.catalogue_load)
_catalogue.command("log")(keeping.catalogue_log)
_user.command("add")(keeping.user_add)
_client.command("add")(keeping.client_add)
_calendar.command("propose")(calendar.propose)
_calendar.command("accept")(calendar.accept)
_calendar.command("remove")(calendar.remove)
_calendar.command("confirm")(calendar.confirm)
_quarantine.command("list")(quarantine.listing)
_quarantine.command("show")(quarantine.show)
_quarantine.command("retry")(quarantine.retry)
_quarantine.command("discard")(quarantine.discard)
_quarantine.command("counts")(quarantine.totals)
_pull.command("add")(pull.add)
_pull.command("list")(pull.listing)
_pull.command("run")(pull.run)
_pull.command("pause")(pull.pause)
_pull.command("resume")(pull.resume)
_pull.command("remove")(pull.remove)
_closing.command("close")(closing.close)
_closing.command("list")(closing.listing)
_closing.command("show")(closing.show)
_closing.command("corrections")(closing.corrections)
_feeds.command("list")(feeds.listing)
_feeds.command("expect")(feeds.expect)
_feeds.command("forget")(feeds.forget)
app.add_typer(_catalogue, name="catalogue")
app.add_typer(_calendar, name="calendar")
app.add_typer(_user, name="user")
app.add_typer(_client, name="client")
app.add_typer(_quarantine, name="quarantine")
app.add_typer(_pull, name="pull")
app.add_typer(_closing, name="closing")
app.add_typer(_feeds, name="feeds")


def main() -> None:
    """Run a command; what a person can mend is one line, not a traceback."""
    try:
        app(prog_name="dunghan")
    except CannotStartError as why:
        refuse(str(why))
    except ValidationError as wrong:
        first = wrong.errors()[0]
        refuse(f"setting {'.'.join(str(part) for part in first['loc'])}: {first['msg']}")
