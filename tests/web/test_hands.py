"""The processes beside the server by themselves, killed at the moments that hurt most."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from threading import Thread
from time import monotonic
from typing import Any

import psutil
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from app.db.engine import Sessions
from app.service.rules import RuleBook
from app.web.crew import Crew, HandDiedError

SIZE = 4
LONG = 300_000  # bytes of an answer: several times what a pipe holds
NOBODY = "postgresql+psycopg://nobody@127.0.0.1:1/none"
PATIENCE = 30.0


def long_answer(_: Sessions, __: RuleBook, number: int) -> tuple[int, int, bytes]:
    return number, os.getpid(), b"x" * LONG


def who(_: Sessions, __: RuleBook) -> int:
    return os.getpid()


def ask(sessions: Sessions, _: RuleBook, query: str) -> Any:  # noqa: ANN401
    with sessions() as session:
        return session.execute(text(query)).scalar()


def end_of_file(_: Sessions, __: RuleBook) -> None:
    raise EOFError("of the work, not of the process")


def deaf_to_ctrl_c(_: Sessions, __: RuleBook) -> bool:
    os.kill(os.getpid(), signal.SIGINT)
    return True


@pytest.fixture
def crew() -> Iterator[Crew]:
    made = Crew(NOBODY, SIZE)
    yield made
    ending = Thread(target=made.end, daemon=True)
    ending.start()
    ending.join(10)
    assert not ending.is_alive(), "its end waits for ever"


def within(work: Callable[[], Awaitable[Any]]) -> None:
    """Run it in a thread that may be left behind: what waits for ever must fail, not hang us."""
    outcome: list[BaseException | None] = []

    async def bounded() -> None:
        async with asyncio.timeout(PATIENCE):
            await work()

    def run() -> None:
        try:
            asyncio.run(bounded())
            outcome.append(None)
        except BaseException as fault:  # noqa: BLE001 raised again below
            outcome.append(fault)

    running = Thread(target=run, daemon=True)
    running.start()
    running.join(PATIENCE + 10)
    assert outcome, "it waits for ever"
    if outcome[0] is not None:
        raise outcome[0]


async def answers(crew: Crew, hand: int, told: list[tuple[int, int, bytes]]) -> None:
    """Make a hand answer without a pause, so that it is nearly always in the middle of one."""
    while True:
        told.append(await crew.do(hand, long_answer, len(told)))


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 a list tells nobody that it grows
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("turn", range(3))
def test_a_hand_killed_in_the_middle_of_its_answer_is_replaced(crew: Crew, turn: int):
    told: list[list[tuple[int, int, bytes]]] = [[] for _ in range(SIZE)]

    async def work() -> None:
        busy = [asyncio.create_task(answers(crew, hand, told[hand])) for hand in range(SIZE)]
        await until(lambda: all(len(one) > turn + 2 for one in told))
        killed = {one[-1][1] for one in told}
        for pid in killed:
            psutil.Process(pid).kill()
        await until(lambda: all(one[-1][1] not in killed for one in told))
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)

    within(work)

    for one in told:
        assert [number for number, _, _ in one] == list(range(len(one)))
        assert {len(long) for _, _, long in one} == {LONG}


@pytest.mark.parametrize("turn", range(3))
def test_the_end_does_not_wait_for_an_answer_that_it_cuts_off(crew: Crew, turn: int):
    told: list[list[tuple[int, int, bytes]]] = [[] for _ in range(SIZE)]
    took: list[float] = []

    async def work() -> None:
        busy = [asyncio.create_task(answers(crew, hand, told[hand])) for hand in range(SIZE)]
        await until(lambda: all(len(one) > turn + 2 for one in told))
        begun = monotonic()
        crew.end()
        took.append(monotonic() - begun)
        gone = await asyncio.gather(*busy, return_exceptions=True)
        assert {type(one) for one in gone} == {HandDiedError}

    within(work)

    assert took[0] < 5
    assert [one[-1][1] for one in told if psutil.pid_exists(one[-1][1])] == []


def test_the_end_does_not_wait_for_hands_that_still_begin(crew: Crew):
    async def work() -> None:
        waiting = [asyncio.create_task(crew.do(hand, who)) for hand in range(SIZE)]
        await asyncio.sleep(0)  # they are started, and import for a second
        begun = monotonic()
        crew.end()
        assert monotonic() - begun < 1
        assert {type(one) for one in await asyncio.gather(*waiting, return_exceptions=True)} == {
            HandDiedError
        }

    within(work)


def test_nobody_is_started_after_the_end(crew: Crew):
    crew.end()

    with pytest.raises(HandDiedError):
        within(lambda: crew.do(0, who))


def test_a_hand_leaves_ctrl_c_to_the_server(crew: Crew):
    async def work() -> None:
        before = asyncio.create_task(crew.do(0, who))
        await asyncio.sleep(0)
        # Before it has said anything: it may not even have begun to import.
        mine = psutil.Process().children(recursive=True)
        for one in mine:
            if any("spawn_main" in word for word in one.cmdline()):
                one.send_signal(signal.SIGINT)
        assert await before in {one.pid for one in mine}
        assert await crew.do(0, deaf_to_ctrl_c)
        assert await crew.do(0, who) == await before

    within(work)


def test_a_fault_of_the_work_comes_back_as_it_was_and_the_hand_goes_on(engine: Engine):
    crew = Crew(engine.url.render_as_string(hide_password=False), 1)

    async def work() -> None:
        first = await crew.do(0, who)
        with pytest.raises(ProgrammingError, match="no_such_table") as caught:
            await crew.do(0, ask, "SELECT 1 FROM no_such_table")
        assert "in ask" in "".join(caught.value.__notes__)
        with pytest.raises(EOFError, match="of the work"):
            await crew.do(0, end_of_file)
        assert await crew.do(0, ask, "SELECT 7") == 7
        assert await crew.do(0, who) == first

    try:
        within(work)
    finally:
        crew.end()


def test_a_database_that_is_away_is_told_as_such(crew: Crew):
    with pytest.raises(OperationalError):
        within(lambda: crew.do(0, ask, "SELECT 1"))
