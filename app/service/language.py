"""Vietnamese and English. English sentences are the keys; `app/locale` translates them."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

from app.core.problems import Problem

LANGUAGES = ("vi", "en")
_FOLDER = Path(__file__).parents[1] / "locale"


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """The translations of a language, read once from its `.po` file."""
    file = _FOLDER / language / "messages.po"
    if not file.exists():
        return {}
    with file.open("rb") as opened:
        messages = read_po(opened, locale=language)
    return {
        message.id: message.string
        for message in messages
        # the entry without an id is the file's header
        if message.id and isinstance(message.id, str)
        if message.string and isinstance(message.string, str)
    }


def tell(message: str, language: str, **params: object) -> str:
    """The sentence in a language with its figures filled in."""
    sentence = catalogue(language).get(message, message)
    return sentence.format(**params) if params else sentence


def detail(problem: Problem, language: str) -> str:
    """What a problem says, in a language."""
    return tell(problem.message, language, **problem.params)


def preferred(accept_language: str | None, otherwise: str) -> str:
    """The first of our languages a caller accepts, by its `Accept-Language`."""
    ranked: list[tuple[float, str]] = []
    for part in (accept_language or "").split(","):
        name, _, quality = part.strip().partition(";q=")
        try:
            rank = float(quality) if quality else 1.0
        except ValueError:
            rank = 0.0
        ranked.append((-rank, name.lower()[:2]))
    ranked.sort(key=lambda pair: pair[0])
    return next((name for rank, name in ranked if name in LANGUAGES and rank < 0), otherwise)
