"""The guides as a reader runs them: the code blocks of the pages, against a real server."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.db.engine import Sessions
from app.main import build
from app.service.records import DossierRecord
from app.settings import Settings
from tests.served import credential, served

DOCS = Path(__file__).parents[1] / "docs"
_LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of a page, in order."""
    told = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", told, re.DOTALL | re.MULTILINE)


@pytest.fixture
def environment(engine: Engine, sessions: Sessions, tmp_path: Path) -> Iterator[dict[str, str]]:
    app = build(Settings(home=tmp_path, database_url=None, intake_processes=0), engine)
    with served(app) as address:
        who, secret = credential(sessions)
        told = {"URL": address, "CLIENT_ID": who, "CLIENT_SECRET": secret, "BRANCH": "H20.16.03"}
        yield os.environ | told


def ran(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def counted(session: Session, query: str) -> int:
    return int(session.scalar(text(query)) or 0)


def test_the_page_for_curl_does_what_it_says(
    environment: dict[str, str], tmp_path: Path, session: Session
):
    script = "set -e\n" + "\n".join(blocks("clients/curl.md", "sh"))
    told = ran(["bash", "-c", script], tmp_path, environment).splitlines()

    assert told[0].startswith("201created")
    assert {"created", "9999"} <= {line.strip() for line in told}
    receipt = next(json.loads(line) for line in told if line.startswith('{"done"'))
    assert (receipt["received"], receipt["created"], receipt["quarantined"]) == (10_000, 9_999, 1)
    assert '"field":"suspensions"' in "".join(told)
    assert counted(session, "SELECT count(*) FROM dossier") == 10_001
    assert counted(session, "SELECT count(*) FROM quarantine WHERE settled_at IS NULL") == 0
    assert counted(session, "SELECT count(*) FROM feed WHERE heard_at > '2026-11-01'") == 1
    assert told[-1].endswith("2026-10-12")


def test_curl_asks_for_a_new_token_where_the_old_one_is_refused(
    environment: dict[str, str], tmp_path: Path
):
    pages = blocks("clients/curl.md", "sh")
    script = "\n".join([*pages[:3], "TOKEN=old", "api GET /v1/branches | field next", "cat status"])

    assert ran(["bash", "-c", script], tmp_path, environment) == "None\n200"


def test_curl_keeps_the_file_of_an_answer_without_a_receipt(
    environment: dict[str, str], tmp_path: Path
):
    pages = blocks("clients/curl.md", "sh")
    sending = next(page for page in pages if page.startswith("send()"))
    cut = 'api() { echo 200 > status; echo "{\\"line\\":1}"; }'
    script = f"touch day.ndjson.gz\n{cut}\n{sending}\ntrue"
    ran(["bash", "-c", script], tmp_path, environment)

    assert (tmp_path / "day.ndjson.gz").exists()


def test_the_page_for_python_does_what_it_says(
    environment: dict[str, str], tmp_path: Path, session: Session
):
    program = tmp_path / "client.py"
    program.write_text("\n".join(blocks("clients/python.md", "python")), encoding="utf-8")
    told = ran([sys.executable, str(program)], tmp_path, environment)

    assert told.startswith("created 2026-10-12\n422 ")
    assert "'received': 10000, 'created': 9999" in told
    assert "\ncreated\n" in told
    assert list((tmp_path / "queue").iterdir()) == []
    assert counted(session, "SELECT count(*) FROM dossier") == 10_001
    assert counted(session, "SELECT count(*) FROM quarantine WHERE settled_at IS NULL") == 1


def test_python_keeps_the_file_of_an_answer_without_a_receipt(
    environment: dict[str, str], tmp_path: Path
):
    pages = blocks("clients/python.md", "python")
    sending = next(page for page in pages if "def send(" in page).partition("def made_up")[0]
    cut = """
class Cut:
    text = '{"line": 1}'
client.call = lambda *a, **k: Cut()
file = Path("day.ndjson.gz")
write(file, [{}])
try:
    send(file)
except TimeoutError as why:
    print(file.exists(), why)
"""
    program = tmp_path / "client.py"
    program.write_text("\n".join([pages[0], sending, cut]), encoding="utf-8")

    assert ran([sys.executable, str(program)], tmp_path, environment).startswith("True ")


def test_the_first_due_date_of_the_quickstart(environment: dict[str, str], tmp_path: Path):
    pages = blocks("quickstart.md", "sh")
    signing = pages[1].partition("said()")[2].partition("CLIENT_ID=")
    token = "TOKEN=" + signing[2].partition("TOKEN=")[2]
    script = "\n".join(["set -e", "said()" + signing[0], token, pages[2], pages[3]])
    told = ran(["bash", "-c", script], tmp_path, environment)

    assert told.startswith("2026-10-12\n")
    assert json.loads(told.partition("\n")[2])["outcome"] == "created"


@pytest.fixture
def described(engine: Engine, tmp_path: Path) -> Any:  # noqa: ANN401 JSON
    return build(Settings(home=tmp_path, database_url=None), engine).openapi()


def bare(path: str) -> str:
    """A route without the names of what it takes."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def test_every_call_the_api_guide_names_is_there(described: Any):  # noqa: ANN401 JSON
    told = (DOCS / "api.md").read_text(encoding="utf-8")
    named = re.findall(r"`(GET|PUT|POST|DELETE) (/[\w/{}.-]+)", told)
    there = {
        (method.upper(), bare(path)) for path, held in described["paths"].items() for method in held
    }

    assert len(named) > 25
    assert {(method, bare(path)) for method, path in named} - there == set()


def test_the_api_guide_shows_every_field_of_a_record():
    shown = json.loads(blocks("api.md", "json")[0])

    assert set(shown) == set(DossierRecord.__struct_encode_fields__)


def test_the_record_of_the_api_guide_is_taken_in(environment: dict[str, str]):
    shown = json.loads(blocks("api.md", "json")[0])
    with httpx.Client(base_url=environment["URL"]) as http:
        form = {
            "grant_type": "client_credentials",
            "client_id": environment["CLIENT_ID"],
            "client_secret": environment["CLIENT_SECRET"],
        }
        token = http.post("/oauth/token", data=form).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        answer = http.put(f"/v1/dossiers/{shown['code']}", json=shown, headers=headers)
        asked, expected = map(json.loads, blocks("api.md", "json")[2:4])
        computed = http.post("/v1/deadlines", json=asked, headers=headers).json()

    assert answer.status_code == 201, answer.text
    assert set(computed) == set(expected)
    for name in ("due_on", "due_at", "provisional", "stages", "hour_convention", "supplement"):
        assert computed[name] == expected[name], name
    lines = [{name: line[name] for name in expected["trace"][0]} for line in computed["trace"]]
    assert lines == expected["trace"]


def anchors(page: Path) -> set[str]:
    """The headings of a page as links name them."""
    told = page.read_text(encoding="utf-8")
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in _HEADING.findall(told)
    }


@pytest.mark.parametrize(
    "page", sorted([*DOCS.rglob("*.md"), DOCS.parent / "README.md"]), ids=lambda page: page.name
)
def test_every_link_between_pages_leads_somewhere(page: Path):
    broken = []
    for target, anchor in _LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        there = (page.parent / target).resolve() if target else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(f"{target}#{anchor}")

    assert broken == []
