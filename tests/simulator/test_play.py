import json
from collections import Counter
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from app.simulator import play, year
from app.simulator.plan import Plan
from app.simulator.province import Province

WHO = {"base_url": "http://one-stop.test", "client_id": "mot-cua", "client_secret": "kín"}


class FakeApi:
    """Keeps what it is sent as the contract says, and fails as often as it is told to."""

    def __init__(self, lists: dict[str, Any], *, failures: list[str]) -> None:
        self.lists, self.failures = lists, failures
        self.tokens = 0
        self.known: dict[str, str] = {}
        self.requests: Counter[str] = Counter()
        self.heartbeats: list[dict[str, Any]] = []

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.requests[path] += 1
        if path == "/oauth/token":
            return self._token(parse_qs(request.content.decode()))
        if request.headers["Authorization"] != f"Bearer t{self.tokens}":
            return httpx.Response(401)
        if request.method == "GET":
            return httpx.Response(200, json=self._list(request))
        if path == "/v1/heartbeat":
            self.heartbeats.append(json.loads(request.content))
            return httpx.Response(204)
        return self._batch(request, self.failures.pop(0) if self.failures else "")

    def _batch(self, request: httpx.Request, failure: str) -> httpx.Response:
        if failure == "refused":
            raise httpx.ConnectError("refused", request=request)
        if failure == "500":
            return httpx.Response(500, text="broken")
        if failure == "expired":
            self.tokens += 1
            return httpx.Response(401)
        lines = self._keep(request)
        return httpx.Response(200, text="\n".join(lines[:-1] if failure == "cut" else lines))

    def _token(self, form: dict[str, list[str]]) -> httpx.Response:
        if form["client_secret"] != [WHO["client_secret"]]:
            return httpx.Response(401, json={"error": "invalid_client"})
        assert form["grant_type"] == ["client_credentials"]
        self.tokens += 1
        token = {"access_token": f"t{self.tokens}", "token_type": "bearer", "expires_in": 3600}
        return httpx.Response(200, json=token)

    def _list(self, request: httpx.Request) -> dict[str, Any]:
        whole: dict[str, Any] | list[Any] = self.lists[request.url.path]
        if isinstance(whole, dict):
            return whole
        start = int(request.url.params.get("cursor", 0))
        following = str(start + 50) if start + 50 < len(whole) else None
        return {"items": whole[start : start + 50], "next": following}

    def _keep(self, request: httpx.Request) -> list[str]:
        assert request.headers["Content-Type"] == "application/x-ndjson"
        tally: Counter[str] = Counter()
        lines = []
        for number, line in enumerate(request.content.splitlines(), 1):
            outcome = self._outcome(line)
            tally[outcome] += 1
            lines.append(json.dumps({"line": number, "outcome": outcome}))
        last = {"done": True, "received": len(lines), **tally}
        return [*lines, json.dumps(last)]

    def _outcome(self, line: bytes) -> str:
        try:
            record = json.loads(line)
        except ValueError:
            return "quarantined"
        held = self.known.get(record["code"], "")
        if held >= record["updated_at"]:
            return "unchanged" if held == record["updated_at"] else "stale"
        self.known[record["code"]] = record["updated_at"]
        return "updated" if held else "created"


def played(api: FakeApi, until: datetime, **more: Any) -> play.Totals:  # noqa: ANN401 - as play
    how: dict[str, Any] = {"dossiers": 300, "seed": 5, "chunk": 200, "faults": False, **WHO, **more}
    return play.play(until=until, transport=api.transport(), **how)


def test_a_year_arrives_whole(lists: dict[str, Any], dong_thap: Province, until: datetime):
    api, steps = FakeApi(lists, failures=[]), list[int]()
    totals = played(api, until, on_progress=steps.append)
    sent = list(year.lines(5, 300, dong_thap, until, faults=False))

    assert totals.snapshots == totals.received == len(sent) == sum(steps)
    assert totals.created == len(api.known) == 300
    assert totals.updated > 300
    assert totals.unchanged > 0
    assert totals.quarantined == 0
    assert max(steps) == 200


def test_the_branches_still_heard_say_so_at_the_end(
    lists: dict[str, Any], dong_thap: Province, until: datetime
):
    api = FakeApi(lists, failures=[])
    played(api, until)
    [beat] = api.heartbeats

    assert datetime.fromisoformat(beat["at"]) == until
    assert len(beat["branches"]) == len(dong_thap.branches) - 1
    assert Plan(5, 300, dong_thap, until).silent not in beat["branches"]


@pytest.mark.parametrize("failure", ["cut", "500", "refused", "expired"])
def test_a_chunk_that_failed_goes_again(lists: dict[str, Any], until: datetime, failure: str):
    smooth, rough = FakeApi(lists, failures=[]), FakeApi(lists, failures=["", failure])
    expected, totals = played(smooth, until), played(rough, until)
    path = "/v1/dossiers/batch"

    assert rough.known == smooth.known
    assert rough.requests[path] == smooth.requests[path] + 1
    assert totals.snapshots == totals.received == expected.received


def test_a_line_that_is_no_json_is_sent_once_a_run(lists: dict[str, Any], until: datetime):
    totals = played(FakeApi(lists, failures=[]), until, dossiers=20, faults=True)

    assert totals.quarantined == 1


def test_wrong_credentials_end_the_play_at_once(lists: dict[str, Any], until: datetime):
    api = FakeApi(lists, failures=[])

    with pytest.raises(play.PlayError, match="invalid_client"):
        played(api, until, client_secret="khác")  # noqa: S106 - wrong on purpose

    assert api.requests == {"/oauth/token": 1}


def test_a_server_that_never_answers_whole_is_given_up(
    lists: dict[str, Any], until: datetime, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(play, "WAITS", (0.0, 0.0))
    api = FakeApi(lists, failures=["cut", "cut", "cut"])

    with pytest.raises(play.PlayError, match="no whole answer"):
        played(api, until)


def test_a_province_without_communes_cannot_be_played(lists: dict[str, Any], until: datetime):
    with pytest.raises(ValueError, match="nobody to play"):
        played(FakeApi({**lists, "/v1/communes": []}, failures=[]), until)
