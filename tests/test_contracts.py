"""The arrows between the rooms hold, and a broken arrow is caught and named."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# One offence for each contract, and one for each room a line is most easily put in by mistake:
# the module it is added to, the line, and the arrow that import-linter must name.
OFFENCES = [
    ("app/core", "import sqlalchemy", "app.core.offender -> sqlalchemy"),
    ("app/core", "import app.db", "app.core.offender -> app.db"),
    ("app/core", "import app.wallclock", "app.core.offender -> app.wallclock"),
    ("app/core", "import os", "app.core.offender -> os"),
    ("app/core", "import time", "app.core.offender -> time"),
    ("app/db", "import app.outbound", "app.db.offender -> app.outbound"),
    ("app/db", "import app.service", "app.db.offender -> app.service"),
    ("app/outbound", "import app.wallclock", "app.outbound.offender -> app.wallclock"),
    ("app/service", "import app.settings", "app.service.offender -> app.settings"),
    ("app/service", "import app.web", "app.service.offender -> app.web"),
    ("app/service", "import httpx", "app.service.offender -> httpx"),
    ("app/service", "import app.printed", "app.service.offender -> app.printed"),
    ("app/printed", "import app.db", "app.printed.offender -> app.db"),
    ("app/web", "import app.settings", "app.web.offender -> app.settings"),
    ("app/web", "import app.simulator", "app.web.offender -> app.simulator"),
    ("app/web", "import jobs", "app.web.offender -> jobs"),
    ("app/web", "import smtplib", "app.web.offender -> smtplib"),
    ("app/simulator", "import app.db", "app.simulator.offender -> app.db"),
    ("app/adapters", "import sqlalchemy", "app.adapters.offender -> sqlalchemy"),
    ("app/adapters", "import app.db", "app.adapters.offender -> app.db"),
    ("app/adapters", "import app.adapters.dvcqg", "app.adapters.offender -> app.adapters.dvcqg"),
    ("jobs", "import app.main", "jobs.offender -> app.main"),
]


def lint(folder: Path) -> tuple[int, str]:
    """Return the exit status and the report of import-linter run on the tree in `folder`."""
    command = "from importlinter.cli import lint_imports_command as run; run()"
    linted = subprocess.run(
        [sys.executable, "-c", command, "--no-logo", "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "COLUMNS": "200", "NO_COLOR": "1", "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    return linted.returncode, linted.stdout + linted.stderr


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str]:
    """Return what import-linter says of a copy of the tree with every offence in it."""
    folder = tmp_path_factory.mktemp("tree")
    for package in ("app", "jobs"):
        for source in (ROOT / package).rglob("*.py"):
            copy = folder / source.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
    shutil.copyfile(ROOT / "pyproject.toml", folder / "pyproject.toml")
    for package, line, _ in OFFENCES:
        with (folder / package / "offender.py").open("a", encoding="utf-8") as offender:
            offender.write(line + "\n")

    return lint(folder)


def test_the_real_tree_keeps_every_contract():
    status, report = lint(ROOT)

    assert status == 0, report
    assert " 0 broken" in report


@pytest.mark.parametrize("arrow", [arrow for _, _, arrow in OFFENCES])
def test_a_broken_arrow_is_named(broken: tuple[int, str], arrow: str):
    status, report = broken

    assert status == 1, report
    assert arrow in report


def test_every_contract_is_broken_by_some_offence(broken: tuple[int, str]):
    _, report = broken

    assert " 0 kept" in report


def test_the_core_imports_the_standard_library_and_itself_only():
    strangers = [
        f"{source.relative_to(ROOT)}:{line} imports {name}"
        for source in sorted((ROOT / "app" / "core").rglob("*.py"))
        for name, line in imports(source)
        if name.partition(".")[0] not in sys.stdlib_module_names
        and name != "app.core"
        and not name.startswith("app.core.")
    ]

    assert strangers == []


def imports(source: Path) -> Iterator[tuple[str, int]]:
    """Yield each module that `source` imports, in full, with the line that says so."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from ((alias.name, node.lineno) for alias in names)
            case ast.ImportFrom(module=str(module), level=0, names=names):
                yield from (
                    (module, node.lineno) if module != "app" else (f"app.{alias.name}", node.lineno)
                    for alias in names
                )
            case ast.ImportFrom():  # relative: ruff's TID252 keeps these inside the package
                yield "app.core", node.lineno
            case _:
                pass
