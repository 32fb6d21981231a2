"""A document comes out of its bytes as it went in, and has just one spelling."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from app.core import periods
from app.core.periods import Kind as PeriodKind
from app.service.document import Bars, Column, Document, Kind, Note, Row, Value
from app.service.frozen import packed, unpacked


def made() -> Document:
    cells: dict[str, Value] = {
        "name": 'Đăng ký "lần đầu"',
        "n": 3,
        "rate": 0.1,
        "on": date(2026, 6, 14),
        "at": datetime(2026, 6, 14, 16, 59, 59, 999999, tzinfo=UTC),
        "none": None,
    }
    return Document(
        name="x",
        title="State and results",
        unit="Văn phòng",
        branch=None,
        period=periods.named("2026-RQ2"),
        as_of=datetime(2026, 6, 14, 16, 59, 59, 999999, tzinfo=UTC),
        columns=[Column(name, name, Kind.TEXT, ("above", "higher"), 3) for name in cells],
        rows=[Row(dict(cells), 2, heading=True, translate=frozenset({"name", "n"}))],
        total=None,
        definition=(Note("a sentence"),),
        data_as_of=None,
        notes=[
            Note("{on} {at} {name}", {"on": date(2026, 1, 1), "at": "x", "name": PeriodKind.YEAR})
        ],
        chart=Bars("name", ("n",), rate="rate", level=1),
    )


def test_a_document_comes_back_whole():
    document = made()

    again = unpacked(packed(document), 7)

    assert again.closing == 7
    again.closing = None
    assert (again.definition, again.columns) == (list(document.definition), document.columns)
    again.definition = document.definition
    assert again == document
    assert list(again.rows[0].cells) == list(document.rows[0].cells)
    assert type(again.rows[0].cells["on"]) is date


def test_the_same_document_has_the_same_bytes():
    turned = made()
    turned.rows[0].translate = frozenset({"n", "name"})

    assert packed(made()) == packed(turned) == packed(unpacked(packed(made()), 1))


def test_what_would_not_come_back_as_it_was_is_not_frozen():
    document = made()
    document.notes = [Note("{n}", {"n": Decimal(1)})]

    with pytest.raises(TypeError, match="Decimal"):
        packed(document)
