"""`dunghan demo` as a person runs it: from nothing to figures, and nothing left behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import httpx
import psutil
import pytest

ROOT = Path(__file__).parents[1]
PATIENCE = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(home: Path, port: int, **more: str) -> dict[str, str]:
    kept = {name: held for name, held in os.environ.items() if not name.startswith("DUNGHAN_")}
    return kept | {"DUNGHAN_HOME": str(home), "PORT": str(port), "DOSSIERS": "150"} | more


@contextmanager
def demo(home: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """The demo in a process of its own, ready and with its year sent; ended hard if need be."""
    running = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "demo"],
        cwd=ROOT,
        env=environment(home, port),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert running.stdout is not None
        told = []
        for line in running.stdout:
            told.append(line)
            if line.startswith("Serving"):
                break
        else:
            pytest.fail("".join(told))
        yield running
    finally:
        if running.poll() is None:
            running.kill()
        running.communicate()


def left_behind(home: Path) -> list[str]:
    """Processes that still name the folder, in their command or their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(home) in " ".join(process.cmdline()) + str(process.environ()):
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


@pytest.fixture
def home() -> Iterator[Path]:
    # Short, because a Unix socket's path is; the server's own user must be able to enter it.
    with tempfile.TemporaryDirectory(prefix="dhd", dir="/tmp", ignore_cleanup_errors=True) as made:
        yield Path(made) / "v"


def test_the_demo_serves_figures_and_ctrl_c_leaves_no_process_and_the_data(home: Path):
    port = free_port()
    with demo(home, port) as running:
        held = json.loads((home / "demo.json").read_text(encoding="utf-8"))
        assert (home / "demo.json").stat().st_mode & 0o077 == 0
        first = figures(held)
        running.send_signal(signal.SIGINT)
        assert running.wait(PATIENCE) == 0

    assert first["totals"]["denominator"] > 50
    assert len(first["rows"]) == 10
    deadline = monotonic() + 10
    while left_behind(home) and monotonic() < deadline:
        sleep(0.1)
    assert left_behind(home) == []

    with demo(home, port) as running:
        second = figures(json.loads((home / "demo.json").read_text(encoding="utf-8")))
        running.send_signal(signal.SIGTERM)
        assert running.wait(PATIENCE) == 0

    assert second["totals"]["denominator"] == first["totals"]["denominator"]


def figures(held: dict[str, str]) -> dict[str, dict[str, int]]:
    form = {
        "grant_type": "client_credentials",
        "client_id": held["client_id"],
        "client_secret": held["client_secret"],
    }
    token = httpx.post(f"{held['url']}/oauth/token", data=form).json()["access_token"]
    answer = httpx.get(
        f"{held['url']}/v1/reports/on-time",
        params={"from": "2025-01-01"},
        headers={"Authorization": f"Bearer {token}"},
    )
    return dict(answer.json())


def refusal(home: Path, port: int, **more: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "demo"],
        cwd=ROOT,
        env=environment(home, port, **more),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1
    return (done.stdout + done.stderr).splitlines()


def test_a_port_in_use_is_one_clear_line(home: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        lines = refusal(home, port)

    assert len(lines) == 1
    assert str(port) in lines[0]


def test_a_folder_that_cannot_be_written_is_one_clear_line():
    lines = refusal(Path("/proc/dunghan"), free_port())

    assert len(lines) == 1
    assert "/proc/dunghan" in lines[0]


def test_a_setting_that_cannot_be_one_is_one_clear_line(home: Path):
    lines = refusal(home, free_port(), DUNGHAN_SILENCE_DAYS="none")

    assert len(lines) == 1
    assert "SILENCE_DAYS" in lines[0].upper()


def test_a_database_that_does_not_answer_is_one_clear_line(home: Path):
    lines = refusal(home, free_port(), DUNGHAN_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")

    assert len(lines) == 1
    assert "database" in lines[0]
