"""A report as JSON."""

from typing import Any

from app.service.document import Document, Note, Row
from app.service.language import tell
from app.web import shown


def told(document: Document, language: str) -> dict[str, Any]:
    """The figures with their definition; headings, notes and names in a language."""
    return {
        "report": document.name,
        "title": tell(document.title, language),
        "unit": document.unit,
        "branch": document.branch,
        "period": {
            "name": document.period.name,
            "kind": document.period.kind.value,
            "from": document.period.first.isoformat(),
            "to": document.period.last.isoformat(),
        },
        "as_of": shown.instant(document.as_of),
        "closing": document.closing,
        "columns": [
            {
                "key": column.key,
                "heading": tell(column.heading, language),
                "under": [tell(words, language) for words in column.under],
                "number": column.number,
                "kind": column.kind.value,
            }
            for column in document.columns
        ],
        "rows": [row(one, language) for one in document.rows],
        "totals": row(document.total, language) if document.total else None,
        "definition": [sentence(note, language) for note in document.definition],
        "notes": [sentence(note, language) for note in document.notes],
        "data_as_of": shown.instant(document.data_as_of),
    }


def row(one: Row, language: str) -> dict[str, Any]:
    """The cells of a row; words that are sentences of ours in a language."""
    return {"level": one.level} | {
        key: tell(str(held), language) if key in one.translate else shown.value(held)
        for key, held in one.cells.items()
    }


def sentence(note: Note, language: str) -> str:
    """A note in a language."""
    return tell(note.sentence, language, **note.params)
