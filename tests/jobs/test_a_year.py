"""A quarter of a year, simulated in seconds: everyone is told once, in time (`make chaos`: all)."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, make_url

from tests.chaos import a_year
from tests.chaos.stand import databases


@pytest.fixture
def url(engine: Engine) -> Iterator[str]:
    """A database of its own, as an operator would have it on the first day."""
    with databases(make_url(engine.url), "a_quarter") as (made,):
        yield made


def test_in_a_quarter_everyone_is_told_once_and_in_time(url: str):
    told: list[str] = []

    found = a_year.run(url, dossiers=600, days=88, seed=4, directors=1, say=told.append)

    assert found == []
    assert " alerts " in told[-1]
