"""A document in one language, as the printers take it."""

from dataclasses import replace
from functools import partial

from app.printed.saying import Say
from app.service.document import Column, Document, Form, Note, Row
from app.service.language import tell


def saying(language: str) -> Say:
    """The few words of the printers' own, in a language."""

    def say(message: str, **params: object) -> str:
        return tell(message, language, **params)

    return say


def spoken(document: Document, language: str) -> Document:
    """The same with every heading, note and sentence in a language; its parts as well."""
    say = saying(language)
    return replace(
        document,
        title=say(document.title),
        columns=[_column(one, say) for one in document.columns],
        rows=[_row(one, say) for one in document.rows],
        total=_row(document.total, say) if document.total else None,
        definition=[_note(one, say) for one in document.definition],
        notes=[_note(one, say) for one in document.notes],
        form=_form(document.form, say) if document.form else None,
        parts=list(map(partial(spoken, language=language), document.parts)),
    )


def _column(one: Column, say: Say) -> Column:
    return replace(one, heading=say(one.heading), under=tuple(map(say, one.under)))


def _row(one: Row, say: Say) -> Row:
    if not one.translate:
        return one
    cells = {
        key: say(held) if key in one.translate and isinstance(held, str) else held
        for key, held in one.cells.items()
    }
    return replace(one, cells=cells, translate=frozenset())


def _note(one: Note, say: Say) -> Note:
    return Note(say(one.sentence, **one.params))


def _form(one: Form, say: Say) -> Form:
    return one._replace(title=_note(one.title, say), measure=_note(one.measure, say))
