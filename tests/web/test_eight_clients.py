"""Eight clients of two sources at once against a real server (large: tests/chaos/eight_clients.py).

What stands at the end is what one client after another leaves.
"""

from sqlalchemy import Engine

from tests.chaos.eight_clients import together
from tests.chaos.stand import databases


def test_eight_clients_of_two_sources_leave_what_one_after_another_leaves(engine: Engine):
    with databases(engine.url, "together", "serial") as (one, other):
        assert together(one, other, 600, 8, seed=1) == []
