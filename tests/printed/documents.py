"""Documents to print, each figure chosen."""

from datetime import date, datetime
from typing import Any

from app.core.periods import named
from app.printed.saying import Say
from app.printed.spoken import saying
from app.service.document import Column, Document, Form, Kind, Note, Row, Value
from tests.jobs.rows import vn

COLUMNS = (
    Column("code", "Branch code", Kind.CODE),
    Column("name", "Branch", Kind.TEXT),
    Column("met", "Met", under=("Fell due",)),
    Column("missed", "Missed", under=("Fell due", "Not met"), late=True),
    Column("ahead", "Still ahead", under=("Fell due", "Not met")),
    Column("rate", "Rate", Kind.RATE),
    Column("median", "Median", Kind.DAYS),
    Column("points", "Points", Kind.POINTS),
    Column("due_on", "Due", Kind.DAY),
    Column("heard_at", "Heard", Kind.INSTANT),
)
SPOKEN: Say = saying("en")
VIETNAMESE: Say = saying("vi")


def row(name: str = "Khu vực III", **cells: Any) -> Row:  # noqa: ANN401 a cell
    """A row with a figure in every column."""
    held: dict[str, Value] = {
        "code": "H20.16.03",
        "name": name,
        "met": 1234,
        "missed": 1,
        "ahead": 0,
        "rate": 0.9875,
        "median": 4.5,
        "points": 1.25,
        "due_on": date(2026, 11, 24),
        "heard_at": vn("2026-11-20 10:15"),
    }
    return Row(held | cells)


def document(*rows: Row, **changes: Any) -> Document:  # noqa: ANN401 a field
    """A document of one branch over the third reporting quarter of 2026."""
    held: dict[str, Any] = {
        "name": "on-time",
        "title": "On time",
        "unit": "Chi nhánh khu vực III",
        "branch": "H20.16.03",
        "period": named("2026-RQ3"),
        "as_of": datetime(2026, 9, 14, 16, 59, 59, 999_999, tzinfo=vn("2026-01-01").tzinfo),
        "columns": COLUMNS,
        "rows": list(rows),
        "total": None,
        "definition": [Note("rate = met / (met + missed)")],
        "data_as_of": vn("2026-11-20 10:15"),
    }
    return Document(**held | changes)


FORM = Form("II.06a/VPCP/KSTT", Note("STATE AT CHI NHÁNH III"), None, Note("Unit: dossiers"))
