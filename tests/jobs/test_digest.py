"""The digest job, by two schedulers at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy.orm import Session

from jobs import Context, digest
from tests.jobs.rows import BRANCH, deliveries_queued, vn


def test_two_schedulers_at_once_write_one_digest_each(
    session: Session, context: Context, director: Callable[..., int]
):
    for n in range(20):
        director(f"an{n}", [BRANCH])
    now = vn("2026-11-23 07:00")

    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda _: digest.write_digests(context, now), range(8)))

    assert sum(counts) == 20
    assert len(deliveries_queued(session)) == 20


def test_nothing_is_written_where_no_catalogue_was_loaded(context: Context):
    assert digest.write_digests(context, vn("2013-02-03 07:00")) == 0
