"""A batch in which a code stands several times, parted so that each snapshot becomes history."""

from collections.abc import Sequence

from app.core.problems import Problem
from app.service.outcomes import Outcome, Ready

_WAVES = 8


def waves(ready: Sequence[Ready], outcomes: dict[int, Outcome]) -> list[list[Ready]]:
    """Part a batch into waves in which each code stands once, older snapshots in earlier waves.

    A dossier sent once a batch, as it should be, makes one wave. Of one sent several times each
    snapshot becomes history as if it had come alone, and the sender is told; of more than eight
    the oldest are stale, so that no batch costs more than eight times its statements.
    """
    snapshots: dict[str, list[Ready]] = {}
    for item in ready:
        snapshots.setdefault(item.row.code, []).append(item)
    parted: list[list[Ready]] = []
    for code, items in snapshots.items():
        if len(items) > 1:
            items = _distinct(code, items, outcomes)  # noqa: PLW2901 the same, less its doubles
        for place, item in enumerate(items):
            if place == len(parted):
                parted.append([])
            parted[place].append(item)
    return parted


def _distinct(code: str, items: list[Ready], outcomes: dict[int, Outcome]) -> list[Ready]:
    """The snapshots of one code in the order of their stamps; of the rest it is told why not."""
    items = sorted(
        items, key=lambda item: (item.row.updated_at, item.row.content_hash, item.row.name or "")
    )
    kept = [items[-1]]
    for item in reversed(items[:-1]):
        newer = kept[-1]
        params: dict[str, object] = {"code": code, "line": newer.line}
        if item.row.updated_at < newer.row.updated_at:
            told = Problem(
                "code",
                "{code} is on line {line} as well, newer; send a dossier once a batch",
                params,
            )
            kind = "stale"
            if len(kept) < _WAVES:
                kept.append(item)
        elif item.row.content_hash == newer.row.content_hash:
            told = Problem(
                "code", "{code} is on line {line} as well, the same; send it once", params
            )
            kind = "unchanged"
        else:
            told = Problem(
                "updated_at",
                "{code} is on line {line} as well with the same updated_at but other contents; "
                "give the newer one a later updated_at",
                params,
            )
            kind = "quarantined"
        outcomes[item.line] = Outcome(item.line, code, kind, (told,))
    return kept[::-1]
