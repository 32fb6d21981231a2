"""Who may come in, and what of others nobody sees."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import text, update
from starlette.routing import Mount
from starlette.testclient import TestClient

from app.db.engine import Sessions
from app.db.tables import client
from app.service import access, changes
from app.service.access import Right
from app.service.durations import By
from app.service.publish import publish
from app.web.deps import COOKIE, CSRF_HEADER
from tests.service.sheets import csv_text
from tests.web.wire import BRANCH, NAME, NOW, OTHER, Api, Clock, code, finished, record

OPEN = {
    ("GET", "/calendars/unknown.ics"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("POST", "/oauth/token"),
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
}
OPEN_FOLDERS = {"/static", "/docs-static"}
FOREIGN_BRANCH = "Z01.01"
STORM = {"kind": "off", "name": "Nghỉ do bão số 13", "source": "CV 13/UBND"}
LETTER = {"cause": "tax", "reason": "chờ thuế", "promised_at": "2026-12-02T16:00:00+07:00"}
PASSWORD = "một hai ba bốn"  # noqa: S105 of an account that lives for one test


def flat(routes: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 of a framework
    """Every route with its whole path, whatever the framework keeps them in."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            context = getattr(route, "include_context", None)
            yield from flat(inner.routes, prefix + (getattr(context, "prefix", "") or ""))
        elif isinstance(route, (APIRoute, Mount)):
            yield prefix + route.path, route


def walk(app: FastAPI, **values: object) -> list[tuple[str, str]]:
    """Method and address of every route, its places filled."""
    places = {
        "code": code(1),
        "scope": BRANCH,
        "branch": BRANCH,
        "on": "2026-11-26",
        "quarantine_id": 1,
        "webhook_id": 1,
        "alert_id": 1,
        "group": "transfer",
        "user_id": 1,
        "delivery_id": 1,
        "calendar_id": 1,
        "token": "unknown",
        "source": "one-stop",
        "import_id": 1,
        "closing_id": 1,
        "name": "on-time",
        "letter_id": 1,
    } | values
    found = []
    for path, route in flat(app.routes):
        if isinstance(route, APIRoute):
            found += [(method, path.format(**places)) for method in sorted(route.methods or ())]
    return found


def is_page(path: str) -> bool:
    """Whether an address is for people: those not described for machines."""
    return not path.startswith(("/v1", "/oauth", "/metrics", "/openapi", "/docs"))


def test_the_walk_finds_every_route(app: FastAPI):
    paths = {path for path, _ in flat(app.routes)}

    described = set(app.openapi()["paths"])
    assert described <= {path.replace(":path", "") for path in paths}
    assert {"/", "/sign-in", "/sign-out", "/openapi.json", "/docs"} <= paths
    assert {path for path, route in flat(app.routes) if isinstance(route, Mount)} == OPEN_FOLDERS


def test_without_a_credential_nothing_opens_but_what_is_meant_to(app: FastAPI):
    http = TestClient(app, follow_redirects=False)
    open_doors = set()
    for method, path in walk(app):
        answer = http.request(method, path)
        if (method, path) in OPEN:
            assert answer.status_code in (200, 400, 401, 403, 404), path
            open_doors.add((method, path))
        elif is_page(path):
            assert answer.status_code == 303, (method, path)
            assert answer.headers["location"].startswith("/sign-in"), path
        else:
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.headers["content-type"] == "application/problem+json"
    assert open_doors == OPEN


@pytest.mark.parametrize("header", ["Bearer x", "Bearer", "Basic eDp4", "Bearer é", "x"])
def test_a_credential_that_is_none_opens_nothing(app: FastAPI, header: str):
    http = TestClient(app, follow_redirects=False, raise_server_exceptions=False)
    for method, path in walk(app):
        if (method, path) not in OPEN and not is_page(path):
            answer = http.request(method, path, headers={b"Authorization": header.encode()})
            assert answer.status_code == 401, (method, path)
    http.cookies.set(COOKIE, "x")
    assert http.get("/v1/dossiers").status_code == 401
    assert http.get("/").status_code == 303


def test_the_folders_hold_no_more_than_what_everybody_may_see(app: FastAPI):
    http = TestClient(app)

    assert http.get("/static/style.css").status_code == 200
    for path in ("/static/", "/static/../main.py", "/static/%2e%2e/main.py", "/docs-static/../x"):
        assert http.get(path).status_code in (401, 404), path


# ------------------------------------------------------------------------------------------ scope


@pytest.fixture
def foreign_office(sessions: Sessions, catalogue_as_it_was: None) -> str:
    """An office of its own, with one branch."""
    _ = catalogue_as_it_was
    branch = {"code": FOREIGN_BRANCH, "name": "Chi nhánh khác", "short_name": "Khác"}
    body = {
        "office": {"code": "Z01", "name": "Văn phòng khác", "province": "Z01"},
        "branches": [branch],
        "communes": [],
    }
    with sessions.begin() as session:
        publish(session, changes.office(body), "test", NOW)
    return "Z01"


def fill(sender: Api) -> None:
    """Something of every kind for our branch, with the name of a citizen in it."""
    told = sender.batch(
        [
            record(1),
            finished(2, "2026-11-18"),
            record(3, received_at="2026-10-05T08:10:00+07:00", promised_at=None),
            record(4, procedure="9.999999"),
            record(5, status=5),
            record(6, branch="H20.16.99"),
        ]
    )
    assert (told["created"], told["quarantined"]) == (4, 2)
    sender.http.post("/v1/heartbeat", json={"branches": [BRANCH]})
    hook = {"url": "https://example.org/ours", "branches": [BRANCH]}
    assert sender.http.post("/v1/webhooks", json=hook).status_code == 201
    assert sender.http.post("/v1/webhooks/1/test").status_code == 202
    due = {"branch": BRANCH, "label": "điện thoại"}
    assert sender.http.post("/v1/due-calendars", json=due).status_code == 201
    pull = {"url": "https://example.org/list", "shape": {"kind": "cursor"}, "branches": [BRANCH]}
    assert sender.http.put("/v1/pulls/one-stop", json=pull).status_code == 200
    asked = sender.http.post(f"/v1/dossiers/{code(1)}/letters", json=LETTER)
    assert asked.status_code == 201, asked.text
    file = csv_text([[code(80), "1.012790", BRANCH, NAME, "hôm qua", "", "", ""]]).encode()
    taken = sender.http.post("/v1/imports?name=so-tay.csv", content=file).json()
    assert (taken["id"], taken["counts"]["quarantined"]) == (1, 1)


def sights(app: FastAPI, http: TestClient) -> dict[str, tuple[int, str]]:
    """What a caller sees at every address it can read, asked in several ways."""
    seen: dict[str, tuple[int, str]] = {}
    more = {
        "/v1/dossiers": ["?state=open", "?q=H20", f"?branch={BRANCH}", "?procedure=1.012790"],
        "/v1/reports/on-time": [
            "?group_by=procedure",
            "?group_by=month",
            "?group_by=",
            "?yardstick=form",
            f"?branch={BRANCH}",
        ],
        "/v1/reports/yardsticks": ["?period=2026-11", f"?period=2026-11&branch={BRANCH}"],
        "/v1/reports/yardstick-reasons": ["?period=2026-11"],
        "/v1/reports/yardsticks/dossiers": [
            "?period=2026&between=legal,form",
            f"?period=2026&between=legal,form&branch={BRANCH}",
            "?period=2026&reason=not_handed_over",
        ],
        "/v1/reports/index-766": ["?period=2026-11", "?period=2026-11&by=branch"],
        "/v1/reports/durations": [f"?by={by}&period=2026" for by in By],
        "/v1/reports/backlog-oldest": ["?period=2026", f"?period=2026&branch={BRANCH}"],
        **{
            f"/v1/reports/{name}": ["?period=2026", "?from=2026-11-01&as_of=2026-11-18"]
            for name in ("backlog", "stages", "steps", "bottlenecks", "causes")
        },
        "/v1/quarantine": [f"?branch={BRANCH}", "?state=all", "?field=status", "?source=one-stop"],
        "/v1/quarantine/counts": [f"?branch={BRANCH}"],
        "/v1/feeds": [f"?branch={BRANCH}", "?silent=true", "?silent=false"],
        "/v1/deliveries": ["?webhook=1", f"?branch={BRANCH}", "?state=queued"],
        "/v1/communes": [f"?branch={BRANCH}"],
        f"/v1/calendars/{BRANCH}/in-force": ["?year=2026"],
        f"/v1/calendars/{BRANCH}/proposals": ["?year=2027"],
        "/v1/publications": ["?limit=1"],
        "/v1/letters": [f"?branch={BRANCH}", "?state=draft", "?state=sent"],
        "/v1/letters.zip": ["?id=1&id=2"],
        "/v1/causes/missing": [f"?branch={BRANCH}", "?since=2026-01-01"],
        "/letters": [f"?branch={BRANCH}", "?done=1"],
        "/v1/divergences": [f"?branch={BRANCH}", "?limit=1"],
        "/v1/completeness": [
            "?day=2026-11-16",
            f"?day=2026-11-16&branch={BRANCH}",
            "?from=2026-10-20&to=2026-11-19",
        ],
        "/calendar": [f"?scope={BRANCH}", "?year=2026&told=7"],
        "/reports/on-time": ["?group_by=procedure", "?period=2026-RQ4", f"?branch={BRANCH}"],
        "/v1/reports/on-time/chart": ["?period=2026", f"?branch={BRANCH}"],
        "/quarantine": [f"?branch={BRANCH}", "?state=mended", "?source=one-stop", "?field=status"],
    }
    for number in range(1, 7):
        for method, path in walk(app, code=code(number)):
            if method == "GET" and (method, path) not in OPEN and path not in seen:
                for query in ["", *more.get(path, [])]:
                    answer = http.get(path + query)
                    assert answer.status_code < 500, path + query
                    seen[path + query] = (answer.status_code, answer.text)
    return seen


def strangers(app: FastAPI, api: Callable[..., Api], sessions: Sessions) -> dict[str, TestClient]:
    """Clients and people who may not see our branch."""
    found = {
        "a client of another branch": api("other", branches=[OTHER]).http,
        "a client of no branch": api("none", branches=[]).http,
        "a client of another office": api("foreign", office_code="Z01").http,
    }
    with sessions.begin() as session:
        for login, role, office, branches in (
            ("director", "director", "H20.16", [OTHER]),
            ("foreigner", "administrator", "Z01", None),
        ):
            access.add_user(
                session,
                login=login,
                name=login,
                email=None,
                role=role,
                office=office,
                branches=branches,
                active=True,
                password=PASSWORD,
            )
            cookie = access.sign_in(session, login, PASSWORD, NOW, timedelta(hours=1))
            browser = TestClient(app, follow_redirects=False, raise_server_exceptions=False)
            browser.cookies.set(COOKIE, cookie or "")
            found[login] = browser
    return found


def test_of_another_branch_nobody_sees_a_row_a_code_a_name_or_a_count(
    app: FastAPI, api: Callable[..., Api], sender: Api, sessions: Sessions, foreign_office: str
):
    assert foreign_office
    others = strangers(app, api, sessions)
    before = {who: sights(app, http) for who, http in others.items()}

    fill(sender)
    sender.http.put(f"/v1/calendars/{BRANCH}/days/2026-11-26", json=STORM)

    for who, http in others.items():
        after = sights(app, http)
        for address, (status, told) in after.items():
            assert (status, told) == before[who][address], (who, address)
            assert NAME not in told
        assert any(status == 200 for status, _ in after.values())
    # and whoever may, sees them: the walk does look at something
    mine = sights(app, sender.http)
    assert NAME in mine[f"/v1/dossiers/{code(1)}"][1]
    assert all(code(number) in mine["/v1/dossiers"][1] for number in range(1, 5))
    for address in (f"/v1/calendars/{BRANCH}", f"/v1/calendars/{BRANCH}/in-force?year=2026"):
        assert STORM["name"] in mine[address][1]
    assert BRANCH in mine["/v1/publications"][1]
    whole = mine["/v1/completeness?day=2026-11-16"][1].replace(" ", "")
    assert '"dossiers":3' in whole
    assert '"in_quarantine":["0005–0006"' in whole
    assert "so-tay.csv" in mine["/v1/imports"][1]
    assert code(1) in mine["/v1/letters"][1]
    assert mine["/v1/letters/1.docx"][0] == mine["/v1/letters.zip"][0] == 200
    assert code(3) in mine["/v1/causes/missing"][1]
    assert mine["/v1/imports/1/rejects"][0] == 200
    assert code(1) in mine["/v1/reports/backlog-oldest?period=2026"][1]
    assert '"calendar_n":1' in mine["/v1/reports/durations?by=branch&period=2026"][1]
    assert '"key":"test:1:' in mine["/v1/deliveries"][1].replace(" ", "")
    assert '"label":"điện thoại"' in mine["/v1/due-calendars"][1].replace('": ', '":')
    assert '"quarantined":3' in mine["/v1/reports/on-time"][1].replace(" ", "")


def writes(api: Api) -> dict[str, Any]:
    """What a stranger may try on our branch, and the answers it must get."""
    http = api.http
    taken = record(1, updated_at="2026-11-19T08:00:00+07:00")
    return {
        "take over": (http.put(f"/v1/dossiers/{code(1)}", json=taken), 422),
        "take away": (http.put(f"/v1/dossiers/{code(1)}", json=taken | {"branch": OTHER}), 409),
        "retry": (http.post("/v1/quarantine/1/retry"), 404),
        "mend": (http.post("/v1/quarantine/1/retry", json=taken | {"branch": OTHER}), 404),
        "discard": (http.post("/v1/quarantine/1/discard", json={"reason": "nhầm"}), 404),
        "expect": (http.put("/v1/feeds/one-stop", json={"expected_minutes": 1}), {404, 409, 403}),
        "forget": (http.delete("/v1/feeds/one-stop"), {404, 403}),
        "stop asking": (http.delete("/v1/pulls/one-stop"), {404, 403}),
        "ask now": (http.post("/v1/pulls/one-stop/run"), {404, 403}),
        "pause": (http.post("/v1/pulls/one-stop/pause"), {404, 403}),
        "resume": (http.post("/v1/pulls/one-stop/resume"), {404, 403}),
        "ask elsewhere": (
            http.put(
                "/v1/pulls/one-stop", json={"url": "https://x.vn/", "shape": {"kind": "cursor"}}
            ),
            {409, 403},
        ),
        "fetch what was refused of": (http.get("/v1/imports/1/rejects"), 404),
        "speak for": (http.post("/v1/heartbeat", json={"branches": [BRANCH]}), 404),
        "listen to": (
            http.post("/v1/webhooks", json={"url": "https://x.vn/", "branches": [BRANCH]}),
            404,
        ),
        "unhook": (http.delete("/v1/webhooks/1"), 404),
        "rehook": (http.patch("/v1/webhooks/1", json={"url": "https://x.vn/"}), 404),
        "learn the secret of": (http.post("/v1/webhooks/1/rotate"), 404),
        "knock at": (http.post("/v1/webhooks/1/test"), 404),
        "wake": (http.post("/v1/webhooks/1/resume"), 404),
        "say again": (http.post("/v1/deliveries/1/replay"), 404),
        "be told the due dates of": (
            http.post("/v1/due-calendars", json={"branch": BRANCH, "label": "lạ"}),
            404,
        ),
        "shut the calendar of": (http.delete("/v1/due-calendars/1"), 404),
        "hush": (http.put("/v1/subscriptions/1", json={"daily": False}), {404, 403}),
        "ask for": (
            http.post(
                "/v1/deadlines",
                json={"received_at": NOW.isoformat(), "procedure": "1.012790", "branch": BRANCH},
            ),
            422,
        ),
        "change the hours of": (http.put(f"/v1/calendars/{BRANCH}", json={}), 404),
        "close": (http.put(f"/v1/calendars/{BRANCH}/days/2026-11-26", json=STORM), 404),
        "preview": (
            http.put(f"/v1/calendars/{BRANCH}/days/2026-11-26?preview=true", json=STORM),
            404,
        ),
        "open": (http.delete(f"/v1/calendars/{BRANCH}/days/2026-11-26"), 404),
        "confirm": (
            http.put(f"/v1/calendars/{BRANCH}/confirmed", json={"until": "2027-12-31"}),
            404,
        ),
        "excuse": (http.post(f"/v1/dossiers/{code(1)}/cause", json={"cause": "tax"}), 404),
        "apologise for": (http.post(f"/v1/dossiers/{code(1)}/letters", json=LETTER), 404),
        "send for": (
            http.post("/v1/letters/1/sent", json={"sent_at": "2026-11-20T10:15:00+07:00"}),
            404,
        ),
        "take back of": (http.post("/v1/letters/1/void", json={"reason": "để xem"}), 404),
        "recount": (http.post(f"/v1/dossiers/{code(1)}/recounts", json={"reason": "để xem"}), 404),
    }


def test_nobody_writes_to_another_branch(
    api: Callable[..., Api], sender: Api, sessions: Sessions, foreign_office: str
):
    fill(sender)
    before = sender.get(f"/v1/dossiers/{code(1)}")
    for stranger in (api("other", branches=[OTHER]), api("foreign", office_code=foreign_office)):
        for what, (answer, status) in writes(stranger).items():
            if stranger.http.headers and what == "take away" and answer.status_code == 422:
                status = 422  # noqa: PLW2901 another office's client does not know that branch
            expected = status if isinstance(status, set) else {status}
            assert answer.status_code in expected, (what, answer.text)
            assert NAME not in answer.text
            assert before["procedure"] not in answer.text.replace("1.012790 is not", "")
    assert sender.get(f"/v1/dossiers/{code(1)}") == before
    assert len(sender.get("/v1/quarantine")["items"]) >= 2
    with sessions() as session:
        assert session.scalar(text("SELECT count(*) FROM webhook")) == 1


def test_a_stranger_learns_of_a_code_it_names_only_that_it_is_taken(
    api: Callable[..., Api], sender: Api
):
    fill(sender)
    stranger = api("other", branches=[OTHER])

    answer = stranger.put(record(1, branch=OTHER, procedure="1.012784"))

    assert answer.status_code == 409
    for secret in (NAME, "1.012790", BRANCH + " ", "2026-11-16T"):
        assert secret not in answer.text


def test_a_batch_tells_nothing_of_others_either(api: Callable[..., Api], sender: Api):
    fill(sender)
    stranger = api("other", branches=[OTHER])

    told = stranger.batch([record(1, branch=OTHER), record(1), record(50, branch=OTHER)])

    assert (told["created"], told["quarantined"]) == (1, 2)
    assert NAME not in str(told)
    assert "1.012790" not in str(told)


def test_what_a_stranger_had_refused_is_not_mixed_with_ours(api: Callable[..., Api], sender: Api):
    fill(sender)
    stranger = api("other", branches=[OTHER])
    stranger.batch([record(5, status=5), record(70, branch=OTHER, status=5)])

    mine = stranger.get("/v1/quarantine")["items"]
    assert [item["code"] for item in mine] == [code(70)]


# ----------------------------------------------------------------------------------------- rights


def needed(  # noqa: PLR0911 a right each
    method: str, path: str
) -> Right | None:
    """The right a route asks for, as the documents say; None for any credential."""
    if path in ("/openapi.json", "/docs", "/metrics", "/v1/subscriptions/me"):
        return Right.READ
    if path.startswith(("/v1/webhooks", "/v1/deliveries")):
        return Right.CATALOGUE
    keepers = ("/v1/feeds", "/v1/closings")
    if path.startswith(("/v1/pulls", "/v1/subscriptions")) or (
        path.startswith(keepers) and method != "GET"
    ):
        return Right.ADMIN
    if path.endswith("/rejects"):  # whole rows, with the names in them
        return Right.INTAKE
    if method == "GET" or path.startswith("/v1/deadlines"):
        return Right.READ
    if path.startswith(("/v1/letters", "/v1/due-calendars")) or path.endswith(
        ("/letters", "/cause", "/acknowledge")
    ):
        return Right.RECORD
    catalogue = path.endswith("/recounts") or path.startswith(
        (
            "/v1/procedures",
            "/v1/calendars",
            "/v1/offices",
            "/v1/policies",
            "/v1/sources",
            "/v1/ladders",
        )
    )
    return Right.CATALOGUE if catalogue else Right.INTAKE


@pytest.mark.usefixtures("catalogue_as_it_was")
def test_a_credential_does_what_its_rights_say_and_no_more(app: FastAPI, api: Callable[..., Api]):
    for right in (None, *Right):
        http = api(f"with-{right}", rights=[right] if right else []).http
        for method, path in walk(app):
            if (method, path) in OPEN or is_page(path):
                continue
            answer = http.request(method, path)
            if needed(method, path) is right:
                assert answer.status_code not in (401, 403), (right, method, path)
            else:
                assert answer.status_code == 403, (right, method, path)


def test_a_client_that_reads_cannot_write(api: Callable[..., Api]):
    reader = api("reader", rights=[Right.READ])

    assert reader.put(record()).status_code == 403
    assert reader.get("/v1/dossiers")["items"] == []


# ----------------------------------------------------------------------------------------- tokens


def test_a_token_ends_with_its_time(sender: Api, clock: Clock):
    clock.now = NOW + timedelta(minutes=59)
    assert sender.http.get("/v1/branches").status_code == 200
    clock.now = NOW + timedelta(minutes=60)
    assert sender.http.get("/v1/branches").status_code == 401


def test_a_client_switched_off_is_out_at_once(sender: Api, sessions: Sessions):
    with sessions.begin() as session:
        session.execute(update(client).values(active=False))

    assert sender.http.get("/v1/branches").status_code == 401
    form = {"grant_type": "client_credentials", "client_id": "one-stop", "client_secret": "x"}
    assert sender.http.post("/oauth/token", data=form).status_code == 401


def test_a_secret_given_anew_ends_the_old_one(app: FastAPI, api: Callable[..., Api]):
    api("twice")
    api("twice")
    http = TestClient(app)
    form = {"grant_type": "client_credentials", "client_id": "twice", "client_secret": ""}
    assert http.post("/oauth/token", data=form).json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({}, 400, "invalid_request"),
        ({"client_id": "a", "client_secret": "b"}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "authorization_code", "code": "x"}, 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, 401, "invalid_client"),
        (
            {"grant_type": "client_credentials", "client_id": "one-stop", "client_secret": "no"},
            401,
            "invalid_client",
        ),
        (
            {"grant_type": "client_credentials", "client_id": "nobody", "client_secret": "no"},
            401,
            "invalid_client",
        ),
        (
            {"grant_type": "client_credentials", "client_id": "\0", "client_secret": "\0"},
            401,
            "invalid_client",
        ),
    ],
)
def test_the_token_endpoint_fails_as_rfc_6749_says(
    sender: Api, form: dict[str, str], status: int, error: str
):
    del sender.http.headers["Authorization"]

    answer = sender.http.post("/oauth/token", data=form)

    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.headers["cache-control"] == "no-store"
    assert "access_token" not in answer.json()
    if status == 401:
        assert answer.headers["www-authenticate"].startswith("Basic")


@pytest.mark.usefixtures("sender")
def test_a_client_may_show_its_secret_by_basic(app: FastAPI, sessions: Sessions):
    with sessions.begin() as session:
        secret = access.add_client(
            session,
            client_id="basic",
            source="one-stop",
            office="H20.16",
            branches=None,
            rights=[Right.READ],
        )
    http = TestClient(app)
    shown = b64encode(f"basic:{secret}".encode()).decode()
    form = {"grant_type": "client_credentials"}

    answer = http.post("/oauth/token", data=form, headers={"Authorization": f"Basic {shown}"})

    told = answer.json()
    assert (told["token_type"], told["expires_in"], told["scope"]) == ("bearer", 3600, "read")
    bearer = {"Authorization": f"Bearer {told['access_token']}"}
    assert http.get("/v1/branches", headers=bearer).status_code == 200
    for wrong in ("Basic !!!", "Basic", "Basic " + b64encode(b"basic").decode(), "Basic é"):
        headers = {b"Authorization": wrong.encode("latin-1")}
        answer = http.post("/oauth/token", data=form, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_secrets_are_kept_as_hashes_only(sender: Api, sessions: Sessions):
    token = sender.http.headers["Authorization"].partition(" ")[2]
    with sessions() as session:
        for table in ("client", "access_token"):
            rows = session.scalars(text(f"SELECT t::text FROM {table} AS t")).all()  # noqa: S608
            assert rows
            assert not any(token in row for row in rows)


# --------------------------------------------------------------------------------------- sessions


@pytest.fixture
def administrator(app: FastAPI, sessions: Sessions) -> TestClient:
    with sessions.begin() as session:
        access.add_user(
            session,
            login="admin",
            name="admin",
            email=None,
            role="administrator",
            office="H20.16",
            branches=None,
            active=True,
            password=PASSWORD,
        )
        cookie = access.sign_in(session, "admin", PASSWORD, NOW, timedelta(hours=1))
    browser = TestClient(app, follow_redirects=False, raise_server_exceptions=False)
    browser.cookies.set(COOKIE, cookie or "")
    return browser


def test_a_sign_in_reads_but_writes_only_with_its_csrf_token(
    administrator: TestClient, sessions: Sessions, app: FastAPI
):
    with sessions() as session:
        csrf = session.scalar(text("SELECT csrf FROM session"))
    address = f"/v1/dossiers/{code(1)}"

    assert administrator.get("/v1/dossiers").status_code == 200
    for sent in (b"", b"x", "é".encode(), None):
        headers = {} if sent is None else {CSRF_HEADER.encode(): sent}
        for method, path in walk(app):
            if path.startswith("/v1") and method != "GET":
                answer = administrator.request(method, path, headers=headers)
                assert answer.status_code == 403, (method, path)
    assert administrator.get(address).status_code == 404  # nothing was written
    told = administrator.put(address, json=record(), headers={CSRF_HEADER: csrf})
    assert told.status_code == 201


def test_a_sign_in_ends_with_its_time(administrator: TestClient, clock: Clock):
    clock.now = NOW + timedelta(hours=1)

    assert administrator.get("/v1/dossiers").status_code == 401
    assert administrator.get("/").status_code == 303


def test_a_director_may_not_send_records(
    app: FastAPI, sessions: Sessions, director: Callable[..., int]
):
    director("gd", [BRANCH])
    with sessions.begin() as session:
        session.execute(
            text("INSERT INTO session SELECT sha256('x'), id, 'token', :until FROM user_account"),
            {"until": NOW + timedelta(hours=1)},
        )
    browser = TestClient(app)
    browser.cookies.set(COOKIE, "x")

    answer = browser.put(f"/v1/dossiers/{code(1)}", json=record(), headers={CSRF_HEADER: "token"})

    assert answer.status_code == 403
    assert browser.get("/v1/dossiers").status_code == 200
