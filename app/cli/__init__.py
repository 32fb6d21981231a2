"""The command-line front door: `dunghan …`."""

import typer
from pydantic import ValidationError

from app.cli import calendar, deadline, keeping, playing, running, verify
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
for _command in (
    running.up,
    running.demo,
    running.serve,
    running.jobs,
    running.migrate,
    running.doctor,
    deadline.deadline,
    verify.verify,
    playing.simulate,
):
    app.command()(_command)
_catalogue.command("load")(keeping.catalogue_load)
_catalogue.command("log")(keeping.catalogue_log)
_user.command("add")(keeping.user_add)
_client.command("add")(keeping.client_add)
_calendar.command("propose")(calendar.propose)
_calendar.command("accept")(calendar.accept)
_calendar.command("remove")(calendar.remove)
_calendar.command("confirm")(calendar.confirm)
app.add_typer(_catalogue, name="catalogue")
app.add_typer(_calendar, name="calendar")
app.add_typer(_user, name="user")
app.add_typer(_client, name="client")


def main() -> None:
    """Run a command; what a person can mend is one line, not a traceback."""
    try:
        app(prog_name="dunghan")
    except CannotStartError as why:
        refuse(str(why))
    except ValidationError as wrong:
        first = wrong.errors()[0]
        refuse(f"setting {'.'.join(str(part) for part in first['loc'])}: {first['msg']}")
