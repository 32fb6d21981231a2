"""A document as bytes that are the same for ever, and the document of such bytes.

Names stand in it as they were; what is translated is kept as the sentence and its figures.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from app.core.periods import Kind as PeriodKind
from app.core.periods import Period
from app.service.document import Bars, Column, Document, Form, Kind, Note, Row

_VERSION = 1


def packed(document: Document) -> bytes:
    """Everything a document says but the number of its closing, as JSON of one spelling."""
    told = {
        "version": _VERSION,
        "name": document.name,
        "title": document.title,
        "unit": document.unit,
        "branch": document.branch,
        "period": {
            "kind": document.period.kind.value,
            "name": document.period.name,
            "first": _told(document.period.first),
            "last": _told(document.period.last),
        },
        "as_of": _told(document.as_of),
        "data_as_of": _told(document.data_as_of),
        "columns": [
            [
                *(one.key, one.heading, one.kind.value, list(one.under)),
                *(one.number, one.late, one.note),
            ]
            for one in document.columns
        ],
        "rows": [_row(one) for one in document.rows],
        "total": _row(document.total) if document.total else None,
        "definition": [_note(one) for one in document.definition],
        "notes": [_note(one) for one in document.notes],
        "chart": [*document.chart] if document.chart else None,
        "form": _form(document.form) if document.form else None,
    }
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def unpacked(held: bytes, closing: int) -> Document:
    """The document of such bytes, which a closing keeps."""
    told = json.loads(held)
    period, chart = told["period"], told["chart"]
    return Document(
        name=told["name"],
        title=told["title"],
        unit=told["unit"],
        branch=told["branch"],
        period=Period(
            PeriodKind(period["kind"]),
            period["name"],
            _meant(period["first"]),
            _meant(period["last"]),
        ),
        as_of=_meant(told["as_of"]),
        data_as_of=_meant(told["data_as_of"]),
        columns=[
            Column(key, heading, Kind(kind), tuple(under), *more)
            for key, heading, kind, under, *more in told["columns"]
        ],
        rows=[_read_row(one) for one in told["rows"]],
        total=_read_row(told["total"]) if told["total"] else None,
        definition=[_read_note(*one) for one in told["definition"]],
        notes=[_read_note(*one) for one in told["notes"]],
        chart=Bars(chart[0], tuple(chart[1]), *chart[2:]) if chart else None,
        closing=closing,
        form=_read_form(*told["form"]) if told["form"] else None,
    )


def _row(one: Row) -> dict[str, Any]:
    # a list of pairs: the order of the cells is part of what is printed
    return {
        "cells": [[name, _told(held)] for name, held in one.cells.items()],
        "level": one.level,
        "heading": one.heading,
        "translate": sorted(one.translate),
    }


def _read_row(told: Mapping[str, Any]) -> Row:
    cells = {name: _meant(held) for name, held in told["cells"]}
    return Row(cells, told["level"], told["heading"], frozenset(told["translate"]))


def _form(one: Form) -> list[Any]:
    return [one.number, _note(one.title), one.receiver, _note(one.measure)]


def _read_form(number: str, title: Any, receiver: str | None, measure: Any) -> Form:  # noqa: ANN401 JSON
    return Form(number, _read_note(*title), receiver, _read_note(*measure))


def _note(one: Note) -> list[Any]:
    return [one.sentence, {name: _told(held) for name, held in one.params.items()}]


def _read_note(sentence: str, params: Mapping[str, Any]) -> Note:
    return Note(sentence, {name: _meant(held) for name, held in params.items()})


def _told(held: object) -> object:
    """A value as JSON has it; a day and an instant say what they are.

    Raises:
        TypeError: nothing would bring it back as it was.
    """
    if isinstance(held, datetime):
        return {"at": held.isoformat()}
    if isinstance(held, date):
        return {"on": held.isoformat()}
    if held is None or type(held) in (str, int, float, bool):
        return held
    if isinstance(held, str):  # a word of an enumeration
        return str(held)
    raise TypeError(f"a frozen document cannot hold {type(held).__name__}")


def _meant(told: Any) -> Any:  # noqa: ANN401 JSON
    if not isinstance(told, dict):
        return told
    if "at" in told:
        return datetime.fromisoformat(told["at"])
    return date.fromisoformat(told["on"])
