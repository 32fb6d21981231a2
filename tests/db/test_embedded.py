"""The embedded server uses the machine it is on, and leaves what people set themselves."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from app.db.embedded import settings, write_settings

GIB = 1 << 30


@pytest.mark.parametrize(
    ("memory", "shared", "cache"), [(0, "128MB", "256MB"), (8, "2048MB", "4096MB")]
)
def test_a_server_takes_a_quarter_of_a_small_machine(memory: int, shared: str, cache: str):
    told = settings(memory * GIB)

    assert (told["shared_buffers"], told["effective_cache_size"]) == (shared, cache)


def test_a_server_takes_no_more_than_four_gigabytes_of_a_large_machine():
    assert settings(512 * GIB)["shared_buffers"] == "4096MB"


def test_a_running_server_has_our_settings(engine: Engine):
    with engine.connect() as connection:
        found = {
            name: connection.scalar(text(f"SHOW {name}"))
            for name in ("random_page_cost", "work_mem", "autovacuum_naptime")
        }

    assert found == {"random_page_cost": "1.1", "work_mem": "32MB", "autovacuum_naptime": "20s"}


def test_a_line_below_ours_wins_and_ours_is_written_once(tmp_path: Path):
    main = tmp_path / "postgresql.conf"
    main.write_text("work_mem = 4MB\n")
    write_settings(tmp_path)
    with main.open("a") as more:
        more.write("work_mem = 64MB\n")

    write_settings(tmp_path)

    assert main.read_text().split("\n") == [
        "work_mem = 4MB",
        "",
        "include_if_exists 'dunghan.conf'",
        "work_mem = 64MB",
        "",
    ]
    assert "work_mem = 32MB" in (tmp_path / "dunghan.conf").read_text()
