"""The province the simulator is tried with: the catalogue as it is published here."""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

import app
from app.simulator.province import Province, province

CATALOGUE = Path(app.__file__).parent / "catalogue"


def catalogue(name: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads((CATALOGUE / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def lists() -> dict[str, Any]:
    """What the API lists, by its paths."""
    office = catalogue("dong_thap.json")
    return {
        "/v1/branches": office["branches"],
        "/v1/communes": office["communes"],
        "/v1/procedures": catalogue("procedures.json"),
        "/v1/calendars/national": catalogue("calendar_vn.json"),
    }


@pytest.fixture(scope="session")
def dong_thap(lists: dict[str, Any]) -> Province:
    return province(
        lists["/v1/branches"],
        lists["/v1/communes"],
        lists["/v1/procedures"],
        lists["/v1/calendars/national"],
    )


@pytest.fixture(scope="session")
def until() -> datetime:
    return datetime(2026, 11, 20, 10, 15, tzinfo=timezone(timedelta(hours=7)))
