"""Several senders at once: what they share is taken in once, and nobody is shown a deadlock."""

import threading
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from fastapi import FastAPI
from psycopg.errors import DeadlockDetected
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.db.engine import Sessions, again_if_deadlocked
from app.db.tables import dossier
from tests.service.test_intake import broken_chains
from tests.web.wire import NOW, Api, code, record


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Do things at the same moment; what each gave, or what it raised."""
    given: list[Any] = [None] * len(calls)
    gate = threading.Barrier(len(calls))

    def do(place: int) -> None:
        gate.wait(10)
        try:
            given[place] = calls[place]()
        except Exception as fault:  # noqa: BLE001 the test looks at it
            given[place] = fault

    threads = [threading.Thread(target=do, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return given


def test_eight_senders_of_overlapping_sets_surface_no_error(
    app: FastAPI, sender: Api, sessions: Sessions
):
    dice = Random(5)  # noqa: S311 dice
    wave = [
        record(number, updated_at=(NOW - timedelta(hours=hour)).isoformat(), commune=str(hour))
        for number in range(1, 121)
        for hour in (1, 2, 3)
    ]
    wrong = [record(number, branch="H20.16.99") for number in range(500, 520)]

    def send() -> list[Any]:
        http = TestClient(app, headers=dict(sender.http.headers))
        return [
            http.post(
                "/v1/dossiers/batch", json={"dossiers": dice.sample(wave, 200) + wrong}
            ).json()
            for _ in range(3)
        ]

    answers = at_once(*[send] * 8)

    assert all(isinstance(answer, list) for answer in answers), answers
    told = [one for answer in answers for one in answer]
    assert {one["received"] for one in told} == {220}
    assert sum(one["created"] for one in told) == 120
    sender.batch(wave)
    with sessions() as session:
        held = session.execute(select(dossier.c.commune, dossier.c.updated_at)).all()
        counts = session.execute(text("SELECT count(*), min(times), max(times) FROM quarantine"))
        assert counts.one() == (20, 24, 24)
    assert {tuple(row) for row in held} == {("1", NOW - timedelta(hours=1))}
    assert broken_chains(sessions) == []


def test_two_who_put_the_same_new_code_at_once_create_it_once(app: FastAPI, sender: Api):
    for number in range(1, 6):

        def put(number: int = number) -> int:
            http = TestClient(app, headers=dict(sender.http.headers))
            return http.put(f"/v1/dossiers/{code(number)}", json=record(number)).status_code

        assert sorted(at_once(*[put] * 4)) == [200, 200, 200, 201]


def test_intake_and_a_publication_at_once_leave_nothing_underived(
    app: FastAPI, sender: Api, sessions: Sessions, catalogue_as_it_was: None
):
    _ = catalogue_as_it_was
    limit = {"valid_from": "2026-01-01", "quantity": 3, "unit": "working_days"}
    law = {
        "code": "9.876543",
        "name": "Mới",
        "cases": [{"case": "default", "name": "Chung", "limits": [limit]}],
    }

    def send(first: int) -> int:
        http = TestClient(app, headers=dict(sender.http.headers))
        records = [record(number, procedure="9.876543") for number in range(first, first + 300)]
        return http.post("/v1/dossiers/batch", json={"dossiers": records}).status_code

    def publish() -> int:
        http = TestClient(app, headers=dict(sender.http.headers))
        return http.put("/v1/procedures/9.876543", json=law).status_code

    given = at_once(lambda: send(1), lambda: send(200), publish, lambda: send(1_000), publish)

    assert given == [200] * 5
    with sessions() as session:
        dues = set(session.scalars(select(dossier.c.due_on)))
    assert {str(due) for due in dues} == {"2026-11-19"}


def test_a_deadlock_is_tried_again_and_never_shown(sender: Api, sessions: Sessions):
    sender.batch([record(1), record(2)])
    gate = threading.Barrier(2)
    tries: list[str] = []

    def touch(first: int, second: int) -> Callable[[Session], str]:
        def work(session: Session) -> str:
            tries.append(code(first))
            for number in (first, second):
                session.execute(
                    text("UPDATE dossier SET channel = 'post' WHERE code = :code"),
                    {"code": code(number)},
                )
                if number == first and len(tries) <= 2:
                    gate.wait(10)
            return "done"

        return work

    given = at_once(
        lambda: again_if_deadlocked(sessions, touch(1, 2)),
        lambda: again_if_deadlocked(sessions, touch(2, 1)),
    )

    assert given == ["done", "done"]
    assert len(tries) == 3


def test_what_is_no_deadlock_or_never_ends_is_shown(sessions: Sessions):
    tries = []

    def fails(fault: Exception) -> Callable[[Session], None]:
        def work(session: Session) -> None:
            tries.append(session)
            raise OperationalError("x", {}, fault)

        return work

    for fault, times in ((ConnectionError("gone"), 1), (DeadlockDetected("again"), 6)):
        tries.clear()
        with pytest.raises(OperationalError):
            again_if_deadlocked(sessions, fails(fault))
        assert len(tries) == times
