"""Every sentence people may read has a Vietnamese translation, and no translation is left over."""

import ast
import json
from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.pofile import read_po
from jinja2 import Environment
from jinja2.ext import extract_from_ast

from app.core.clock import Reason
from app.service.language import catalogue, tell

APP = Path(__file__).parents[2] / "app"
ROOMS = ("core", "adapters", "outbound", "service", "printed", "web", "cli")
# Which argument of a call is a sentence, by position and by name.
SAYS = {
    "Problem": (1, "message"),
    "ProblemError": (1, "title"),
    "response": (2, "title"),
    "tell": (0, "message"),
    "say": (0, "message"),
    "self": (0, "message"),  # Speech, of itself
    "Line": (2, "why"),
    "Doubt": (0, "sentence"),
    "NoMomentError": (0, "message"),  # of a cell of a file
    "wrong": (1, "message"),  # (the same)
    "Column": (1, "heading"),
    "Note": (0, "sentence"),
    "Document": (1, "title"),
    "word": (0, "sentence"),  # a cell of a report
    "_refused": (1, "sentence"),  # of what a report is asked for
    "Listed": (1, "about"),  # in the index of the reports
    "Choice": (1, "heading"),  # on the page of a report
}
ABOVE = {"Column": "under", "Listed": "title"}  # a second argument, of several sentences
# Said by Starlette and FastAPI, so they stand nowhere in our source. Python 3.13 renamed two.
PHRASES = {HTTPStatus(code).phrase for code in (400, 401, 403, 404, 405, 406, 413, 415, 422, 429)}
PHRASES |= {"Request Entity Too Large", "Content Too Large"}
PHRASES |= {"Unprocessable Entity", "Unprocessable Content"}


def sentences(  # noqa: PLR0911 one shape of expression each
    node: ast.AST | None, names: dict[str, list[ast.expr]], depth: int = 9
) -> set[str]:
    """The texts an expression may be: literals, choices, and names bound to them in the module."""
    if node is None or depth == 0:
        return set()

    def of(*nodes: ast.AST | None) -> set[str]:
        return {text for one in nodes for text in sentences(one, names, depth - 1)}

    match node:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.IfExp(body=body, orelse=orelse):
            return of(body, orelse)
        case ast.BoolOp(values=values) | ast.Dict(values=values) | ast.Tuple(elts=values):
            return of(*values)
        case ast.Subscript(value=value) | ast.Call(func=ast.Attribute(value=value, attr="get")):
            return of(value)
        case ast.Name(id=name):
            return of(*names.get(name, ()))
        case _:
            return set()


def bound(tree: ast.AST) -> dict[str, list[ast.expr]]:
    """The expressions each name is bound to, anywhere in a module."""
    names: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                names.setdefault(name, []).append(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                names.setdefault(name, []).append(value)
            case _:
                pass
    return names


def said_in(source: Path) -> Iterator[str]:
    """The sentences of one module: those of its calls, and the values of its tables of words."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    names = bound(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else None
            called = node.func.id if isinstance(node.func, ast.Name) else called
            where = SAYS.get(called or "")
            if where is None:
                continue
            at, keyword = where
            given = node.args[at] if len(node.args) > at else None
            given = next((one.value for one in node.keywords if one.arg == keyword), given)
            yield from sentences(given, names)
            more = ABOVE.get(called or "")
            for one in node.keywords:
                yield from sentences(one.value, names) if one.arg == more else ()
    if source.name == "words.py":
        for name, values in names.items():
            if name != "TONES":  # classes of the style sheet
                for value in values:
                    yield from sentences(value, names)


def tables() -> Iterator[str]:
    """Sentences kept in tables of the pages and said by a template."""
    names = (("branch.py", "TABS"), ("today.py", "_TO_DO"), ("digest.py", "WITHOUT"))
    for source, table in (*names, ("digest.py", "ROLES")):
        tree = ast.parse((APP / "web/pages" / source).read_text(encoding="utf-8"))
        for value in bound(tree)[table]:
            assert isinstance(value, ast.Dict)
            for entry in value.values:
                yield from sentences(entry, {})


def said_in_templates() -> Iterator[str]:
    """Every `_("…")`, through the parser of Jinja."""
    environment = Environment(autoescape=True)
    for template in sorted((APP / "templates").rglob("*.html")):
        source = template.read_text(encoding="utf-8")
        for _, _, message in extract_from_ast(environment.parse(source), ("_",)):
            parts = message if isinstance(message, tuple) else (message,)
            yield from (part for part in parts if part is not None)


def doubts() -> Iterator[str]:
    """What the catalogue that comes with the program says is not confirmed."""
    procedures = json.loads((APP / "catalogue/procedures.json").read_text(encoding="utf-8"))
    for procedure in procedures:
        if procedure.get("doubt") and any(case["limits"] for case in procedure["cases"]):
            yield procedure["doubt"]
        for case in procedure["cases"]:
            yield from (
                limit[kind]
                for limit in case["limits"]
                for kind in ("doubt", "difficult_note")
                if limit.get(kind)
            )
    supplement = json.loads((APP / "catalogue/supplement.json").read_text(encoding="utf-8"))
    yield from (row["doubt"] for row in supplement["rows"] if row.get("doubt"))


@cache
def keys() -> frozenset[str]:
    found = {*PHRASES, *(reason.value for reason in Reason), *said_in_templates(), *doubts()}
    found.update(tables())
    for room in ROOMS:
        for source in (APP / room).rglob("*.py"):
            found.update(said_in(source))
    return frozenset(text for text in found if words(text))


def words(sentence: str) -> bool:
    """Whether there is anything to translate beside the figures."""
    return any(character.isalpha() for text, *_ in parsed(sentence) for character in text)


def parsed(sentence: str) -> list[tuple[str, str | None, str | None, str | None]]:
    try:
        return list(Formatter().parse(sentence))
    except ValueError:  # a brace that is one
        return [(sentence, None, None, None)]


def figures(sentence: str) -> set[str]:
    return {name for _, name, *_ in parsed(sentence) if name is not None}


def test_the_collector_sees_each_kind_of_sentence():
    assert {
        "the field is missing",  # a table of problems
        "number the stages 1, 2, … in order, each once",  # Problem(…)
        "No such record in quarantine",  # ProblemError(…)
        "working day",  # Line(…), by a table
        "{quantity} working days",  # one and many
        "Wednesday",  # a row of words
        "clock stopped: {reason}",  # Line(…), by a name
        "force_majeure",  # a reason
        "Overdue",  # words of the pages
        "To do today",  # a template
        "Not Found",  # a phrase of HTTP
    } <= keys()


def test_every_sentence_has_a_vietnamese_translation():
    assert sorted(keys() - catalogue("vi").keys()) == []


def test_no_translation_is_left_over():
    assert sorted(catalogue("vi").keys() - keys() - {""}) == []


def test_a_translation_names_the_figures_of_its_sentence():
    wrong = [
        (sentence, told)
        for sentence, told in catalogue("vi").items()
        if sentence and figures(sentence) != figures(told)
    ]

    assert wrong == []


def test_the_file_has_each_sentence_once_and_nothing_fuzzy():
    with (APP / "locale/vi/messages.po").open("rb") as opened:
        messages = [message for message in read_po(opened, locale="vi") if message.id]

    assert all(message.string and not message.fuzzy for message in messages)
    text = (APP / "locale/vi/messages.po").read_text(encoding="utf-8")
    assert text.count("\nmsgid ") == len(messages) + 1  # and the header


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("supplement", "yêu cầu bổ sung hồ sơ"),
        ("financial_obligation", "thực hiện nghĩa vụ tài chính"),
        ("force_majeure", "sự kiện bất khả kháng"),
    ],
)
def test_reasons_are_told_as_at_a_one_stop_shop(reason: str, told: str):
    assert tell(reason, "vi") == told


def test_english_is_told_as_it_stands():
    assert tell("clock stopped: {reason}", "en", reason="supplement") == "clock stopped: supplement"
