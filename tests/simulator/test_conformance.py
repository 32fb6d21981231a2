"""The script passes on our server, leaves nothing behind, and fails where a server does wrong."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.db.engine import Sessions
from app.main import build
from app.settings import Settings
from app.simulator import conformance
from app.simulator.play import PlayError, Server
from tests.served import credential, served


@pytest.fixture
def server(engine: Engine, sessions: Sessions, tmp_path: Path) -> Iterator[Server]:
    app = build(Settings(home=tmp_path, database_url=None, intake_processes=0), engine)
    with served(app) as address:
        yield Server(address, *credential(sessions))


class Wrong(httpx.BaseTransport):
    """A server that answers as ours does, but for one thing."""

    def __init__(self, spoil: Callable[[httpx.Request, httpx.Response], httpx.Response]) -> None:
        self.inner, self.spoil = httpx.HTTPTransport(), spoil

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self.inner.handle_request(request)
        answer.read()
        return self.spoil(request, answer)

    def close(self) -> None:
        self.inner.close()


def replaced(old: bytes, new: bytes) -> Callable[[httpx.Request, httpx.Response], httpx.Response]:
    def spoil(_: httpx.Request, answer: httpx.Response) -> httpx.Response:
        content = answer.content.replace(old, new)
        kept = {"Content-Type": answer.headers.get("Content-Type", "")}
        return httpx.Response(answer.status_code, headers=kept, content=content)

    return spoil


def failed(server: Server, spoil: Callable[[httpx.Request, httpx.Response], httpx.Response]) -> str:
    wrong = Server(server.url, server.client_id, server.client_secret, Wrong(spoil))
    checks = conformance.run(wrong, "H20.16.03").checks
    return "; ".join(check.name for check in checks if not check.passed)


def test_our_server_passes_and_is_left_clean(server: Server, session: Session):
    run = conformance.run(server, "H20.16.03")

    assert [check for check in run.checks if not check.passed] == []
    assert len(run.checks) > 90
    assert run.branch == "H20.16.03"
    assert run.agency.startswith("H20.16.03.KIEMTRA.")
    held = session.execute(text("SELECT code, state, received_at FROM dossier")).all()
    assert len(held) > 30
    assert {row.state for row in held} == {"closed"}
    assert all(row.code.startswith(run.agency) for row in held)
    left = "SELECT count(*) FROM quarantine WHERE settled_at IS NULL AND code IS NOT NULL"
    assert session.scalar(text(left)) == 0
    assert session.scalar(text("SELECT count(*) FROM alert")) == 0
    assert session.scalar(text("SELECT max(heard_at) < '2025-10-01' FROM feed")) is True


def test_twice_is_two_runs_under_different_codes(server: Server):
    one, two = (conformance.run(server) for _ in range(2))

    assert one.agency != two.agency
    assert all(check.passed for check in two.checks)


def test_a_server_that_takes_old_news_for_new_fails(server: Server):
    told = failed(server, replaced(b'"stale"', b'"updated"'))

    assert "the older one is stale now" in told
    assert "backwards" in told


def test_a_server_without_a_last_line_fails(server: Server):
    assert "the last line is the receipt" in failed(server, replaced(b'"done":true', b'"done":0'))


def test_a_server_that_names_no_field_fails(server: Server):
    assert "naming finished_at" in failed(server, replaced(b'"finished_at"', b'"x"'))


def test_a_server_that_says_a_name_fails(server: Server):
    def spoil(_: httpx.Request, answer: httpx.Response) -> httpx.Response:
        if b'"problems"' not in answer.content or b'"received"' not in answer.content:
            return answer
        told = {"detail": "Người Kiểm Thử", **json.loads(answer.content.splitlines()[-1])}
        return httpx.Response(200, content=json.dumps(told, ensure_ascii=False))

    assert "no answer repeats a name" in failed(server, spoil)


def test_a_server_that_counts_other_days_fails(server: Server):
    assert "Tết 2026" in failed(server, replaced(b'"2026-02-27"', b'"2026-02-20"'))


def test_a_strange_branch_is_told(server: Server):
    with pytest.raises(PlayError, match=r"H20[.]16[.]99"):
        conformance.run(server, "H20.16.99")
