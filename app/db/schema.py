"""The schema: bring it to the newest migration, or say that it is not there."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

_FOLDER = Path(__file__).parents[2] / "migrations"


def config() -> Config:
    """Alembic's configuration, without a file: the folder stands beside `app`."""
    made = Config()
    made.set_main_option("script_location", str(_FOLDER))
    return made


def migrate(engine: Engine, revision: str = "head") -> None:
    """Upgrade to a revision, in one transaction."""
    made = config()
    with engine.begin() as connection:
        made.attributes["connection"] = connection
        command.upgrade(made, revision)


def downgrade(engine: Engine, revision: str) -> None:
    """Go back to a revision, in one transaction."""
    made = config()
    with engine.begin() as connection:
        made.attributes["connection"] = connection
        command.downgrade(made, revision)


def is_current(engine: Engine) -> bool:
    """Whether the database stands at the one head."""
    head = ScriptDirectory.from_config(config()).get_current_head()
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == head
