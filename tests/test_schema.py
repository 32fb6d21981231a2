"""The schema: one head, models equal migrations, up, down and up again."""

import re
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from app.db import schema
from app.db.tables import metadata

VERSIONS = sorted((Path(__file__).parents[1] / "migrations" / "versions").glob("*.py"))

SHAPE = """
SELECT table_name, column_name, data_type, is_nullable, column_default, collation_name
FROM information_schema.columns WHERE table_schema = 'public';
SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public';
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace;
SELECT relname, reloptions::text FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND reloptions IS NOT NULL
"""


def differences(engine: Engine) -> list[object]:
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        return list(compare_metadata(context, metadata))


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def shape(engine: Engine) -> list[tuple[object, ...]]:
    """Columns, indexes, constraints and storage options, as PostgreSQL has them."""
    queries = SHAPE.split(";")
    with engine.connect() as connection:
        found = [tuple(row) for query in queries for row in connection.execute(text(query))]
    return sorted(found, key=repr)


def test_there_is_one_head():
    script = ScriptDirectory.from_config(schema.config())

    assert len(script.get_heads()) == 1
    assert len(list(script.walk_revisions())) == len(VERSIONS)


def test_models_equal_migrations(empty: Engine):
    schema.migrate(empty)

    assert differences(empty) == []
    assert tables(empty) == set(metadata.tables)


def test_up_down_and_up_again(empty: Engine):
    assert not schema.is_current(empty)
    schema.migrate(empty)
    assert schema.is_current(empty)
    first = shape(empty)
    assert len(first) > 100

    schema.downgrade(empty, "base")
    assert tables(empty) == set()
    assert not schema.is_current(empty)

    schema.migrate(empty)
    assert schema.is_current(empty)
    assert shape(empty) == first
    assert differences(empty) == []


def test_what_the_models_create_is_what_the_migrations_create(empty: Engine):
    schema.migrate(empty)
    migrated = [row for row in shape(empty) if "alembic_version" not in str(row)]
    schema.downgrade(empty, "base")
    with empty.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
        metadata.create_all(connection)

    assert shape(empty) == migrated


def test_migrating_what_is_migrated_does_nothing(empty: Engine):
    schema.migrate(empty)
    schema.migrate(empty)

    assert schema.is_current(empty)


@pytest.mark.parametrize("file", VERSIONS, ids=lambda file: file.stem)
def test_every_migration_waits_for_locks_a_short_time_only(file: Path):
    source = file.read_text(encoding="utf-8")
    steps = re.split(r"^def (?:up|down)grade\(\)[^\n]*:\n", source, flags=re.MULTILINE)[1:]

    assert len(steps) == 2
    for step in steps:
        assert step.strip().startswith('op.execute("SET LOCAL lock_timeout')


def test_every_table_of_dossiers_is_keyed_by_its_code():
    """So that one day they can be spread over several machines (design §5)."""
    for name in ("dossier", "revision", "watch"):
        first = next(iter(metadata.tables[name].primary_key.columns))
        assert first.name == "code"
        assert getattr(first.type, "collation", None) == "C"


_THREE_CALENDARS = """
INSERT INTO calendar (scope, version, body, published_in, published_at) VALUES
  ('national', 1, '{"week": {}}', 1, now()), ('national', 2, '{"week": {}}', 2, now()),
  ('H20.16.03', 1, '{"week": {}}', 3, now())
"""


def test_what_stood_before_the_layers_keeps_its_calendar_and_its_work(empty: Engine):
    """0002: a dossier's calendar was one body; it becomes a stack of one, under the same id."""
    schema.migrate(empty, "0001")
    with empty.begin() as connection:
        for statement in (
            "INSERT INTO catalogue (version, published_at, derived) VALUES (7, now(), 6)",
            "INSERT INTO office VALUES ('H20.16', 'x', 'H20')",
            "INSERT INTO branch VALUES ('H20.16.03', 'H20.16', 'x', 'x')",
            _THREE_CALENDARS,
        ):
            connection.execute(text(statement))

    schema.migrate(empty)

    with empty.begin() as connection:
        stacks = connection.execute(text("SELECT id, layers FROM working_calendar ORDER BY id"))
        assert [tuple(row) for row in stacks] == [(1, [1]), (2, [2]), (3, [3]), (4, [2, 3])]
        waiting = connection.execute(text("SELECT version, reach, derived_at FROM publication"))
        assert [tuple(row) for row in waiting] == [(8, None, None)]
        policies = connection.execute(text("SELECT policy FROM supplement_rule ORDER BY id"))
        assert list(policies.scalars()) == ["restart", "resume"]

    schema.downgrade(empty, "0001")
    schema.migrate(empty)
    with empty.begin() as connection:
        connection.execute(text("UPDATE calendar SET body = '{}' WHERE scope = 'H20.16.03'"))
    with pytest.raises(DBAPIError, match="publish it whole first"):
        schema.downgrade(empty, "0001")
