import gzip
import json
from collections import Counter
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from app.simulator import play, window, year
from app.simulator.plan import Plan
from app.simulator.province import Province
from app.simulator.year import Mix

SECRET = "kín"  # noqa: S105 of a fake


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
        if failure == "400":
            return httpx.Response(400, text="no")
        if failure == "503":
            return httpx.Response(503, headers={"Retry-After": "7"})
        if failure == "500":
            return httpx.Response(500, text="broken")
        if failure == "expired":
            self.tokens += 1
            return httpx.Response(401)
        lines = self._keep(request)
        return httpx.Response(200, text="\n".join(lines[:-1] if failure == "cut" else lines))

    def _token(self, form: dict[str, list[str]]) -> httpx.Response:
        if form["client_secret"] != [SECRET]:
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
        body = request.read()
        if request.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        for number, line in enumerate(body.splitlines(), 1):
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


def server(api: FakeApi, secret: str = SECRET) -> play.Server:
    return play.Server("http://one-stop.test", "mot-cua", secret, api.transport())


def played(api: FakeApi, until: datetime, **more: Any) -> play.Totals:  # noqa: ANN401 - as play
    how: dict[str, Any] = {"dossiers": 300, "seed": 5, "chunk": 200, "mix": Mix(bad=0.0)}
    return play.play(server(api), until=until, **(how | more))


def test_a_year_arrives_whole(lists: dict[str, Any], dong_thap: Province, until: datetime):
    api, steps = FakeApi(lists, failures=[]), list[int]()
    totals = played(api, until, on_progress=lambda lines, _: steps.append(lines))
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
    totals = played(FakeApi(lists, failures=[]), until, dossiers=20, mix=Mix(bad=1e-9))

    assert totals.quarantined == 1


def test_wrong_credentials_end_the_play_at_once(lists: dict[str, Any], until: datetime):
    api = FakeApi(lists, failures=[])

    with pytest.raises(play.PlayError, match="invalid_client"):
        play.play(server(api, "khác"), dossiers=1, seed=5, until=until)

    assert api.requests == {"/oauth/token": 1}


def test_a_server_that_never_answers_whole_is_given_up(
    lists: dict[str, Any], until: datetime, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(window, "WAITS", (0.0, 0.0))
    api = FakeApi(lists, failures=["cut", "cut", "cut"])

    with pytest.raises(play.PlayError, match="no whole answer"):
        played(api, until)


def test_a_province_without_communes_cannot_be_played(lists: dict[str, Any], until: datetime):
    with pytest.raises(ValueError, match="nobody to play"):
        played(FakeApi({**lists, "/v1/communes": []}, failures=[]), until)


def test_a_zipped_year_is_the_same_year(lists: dict[str, Any], until: datetime):
    plain, packed = FakeApi(lists, failures=[]), FakeApi(lists, failures=[])

    assert played(plain, until) == played(packed, until, packed=True)
    assert plain.known == packed.known


def test_of_several_clients_two_send_each_line_and_the_end_is_the_same(
    lists: dict[str, Any], until: datetime
):
    alone, several = FakeApi(lists, failures=[]), FakeApi(lists, failures=[])
    expected = played(alone, until)
    totals = played(several, until, clients=3)

    assert several.known == alone.known
    assert (totals.snapshots, totals.received) == (expected.snapshots, 2 * expected.received)
    assert totals.created == 300
    assert several.tokens >= 3


def test_a_play_goes_on_from_where_it_broke_off(lists: dict[str, Any], until: datetime):
    whole, first, rest = (FakeApi(lists, failures=[]) for _ in range(3))
    size: dict[str, Any] = {"dossiers": 7_000, "chunk": 5_000}
    reached: list[int] = []
    played(whole, until, **size)
    first.failures = [*[""] * 3, *["400"] * 9]
    with pytest.raises(play.PlayError):
        played(first, until, on_progress=lambda _, start: reached.append(start), **size)
    played(rest, until, start=reached[-1], **size)

    assert reached[-1] > 0
    assert 0 < rest.requests["/v1/dossiers/batch"] < whole.requests["/v1/dossiers/batch"]
    assert first.known.keys() | rest.known.keys() == whole.known.keys()


def test_a_wait_the_server_asks_for_is_kept(
    lists: dict[str, Any], until: datetime, monkeypatch: pytest.MonkeyPatch
):
    slept: list[float] = []
    monkeypatch.setattr("app.simulator.window.time.sleep", slept.append)
    played(FakeApi(lists, failures=["503"]), until)

    assert 7.0 in slept
