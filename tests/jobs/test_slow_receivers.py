"""Receivers that are slow to answer hold up nobody but themselves."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta

from sqlalchemy.orm import Session

from app.db import deliveries, webhooks
from app.db.deliveries import Channel, Draft
from jobs import Context
from jobs.delivery import LEASE, send_webhooks
from tests.jobs.rows import BRANCH, deliveries_queued, vn
from tests.outbound.receivers import Receiver, http_receiver

AT = vn("2026-11-23 09:00")
NOW = AT + timedelta(minutes=1)


def backlog(session: Session, url: str, messages: int, after: timedelta = timedelta(0)) -> int:
    """A webhook with messages that are due some time after `AT`."""
    hook, _ = webhooks.create(session, "H20.16", None, url)
    drafts = [
        Draft(f"alert:{n}:{hook}", Channel.WEBHOOK, str(hook), BRANCH, {"n": n}, "H20.16")
        for n in range(messages)
    ]
    deliveries.queue(session, drafts, AT + after)
    session.commit()
    return hook


def within(seconds: float, reached: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while not reached() and time.monotonic() < until:
        time.sleep(0.02)
    return reached()


def receivers(stack: ExitStack, *seconds: float) -> list[Receiver]:
    found = []
    for wait in seconds:
        receiver = stack.enter_context(http_receiver())
        receiver.seconds = wait
        found.append(receiver)
    return found


def test_a_quick_receiver_has_its_messages_while_slow_ones_think(
    session: Session, context: Context
):
    with ExitStack() as stack:
        *slow, quick = receivers(stack, 5.5, 5.5, 5.5, 0)
        for receiver in slow:
            backlog(session, receiver.url, 60)
        backlog(session, quick.url, 10, timedelta(seconds=30))

        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(send_webhooks, context, NOW)
            in_time = within(4, lambda: len(quick.arrived) == 10)
            asked = [len(receiver.arrived) for receiver in slow]
            sent = run.result()

    assert in_time
    assert asked == [1, 1, 1]
    # Once it took so long an address is left alone for the rest of the run.
    assert [len(receiver.arrived) for receiver in slow] == [1, 1, 1]
    assert sent == 13


def test_never_more_than_two_are_under_way_to_one_address(session: Session, context: Context):
    with ExitStack() as stack:
        (receiver,) = receivers(stack, 0.3)
        backlog(session, receiver.url, 9)

        began = time.monotonic()
        sent = send_webhooks(context, NOW)
        took = time.monotonic() - began

    assert sent == 9
    assert took >= 0.3 * 5  # one, and then two at a time
    assert {row["state"] for row in deliveries_queued(session)} == {"sent"}


def test_a_claim_can_be_bound_to_so_many_of_an_address(session: Session):
    first = backlog(session, "http://127.0.0.1:9/", 5)
    second = backlog(session, "http://127.0.0.1:9/", 5, timedelta(seconds=1))

    def claimed(limit: int, each: int) -> list[str]:
        found = deliveries.claim(session, NOW, LEASE, limit, channel=Channel.WEBHOOK, each=each)
        return sorted(one.address for one in found)

    hooks = [str(first), str(second)]
    assert claimed(10, 1) == hooks
    assert claimed(10, 2) == sorted(hooks * 2)
    assert claimed(2, 1) == [str(first)]
