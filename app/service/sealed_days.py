"""Whether the days that were sealed hold what they held then."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta

from app.db import roots
from app.db.engine import Sessions
from app.db.roots import Root
from app.service.roots import root
from app.service.verify import Checked, Fault, What

_PAGE = 366
_DAY = timedelta(days=1)
_NAMED = 20  # of what came before all sealed days


def days(
    sessions: Sessions,
    checked: Checked,
    noted: Mapping[date, bytes],
    on_progress: Callable[[], None] = lambda: None,
) -> Iterator[Fault]:
    """Make every root again from the revisions of its day and the root before, in constant memory.

    `noted` are roots that somebody wrote down or published: only they can tell that a forger made
    all roots anew.
    """
    checked.days, last = 0, None
    with sessions() as session:
        checked.of_days = roots.count(session)
    missing = dict(noted)
    while page := _page(sessions, last):
        for sealed in page:
            for fault in _day(sessions, sealed, last, missing.pop(sealed.day, None)):
                checked.faults += 1
                yield fault
            checked.days += 1
            checked.sealed_until = sealed.day
            last = sealed
            on_progress()
    for day in sorted(missing):
        checked.faults += 1
        yield Fault(What.ROOT, "a root of that day was noted, and it is not sealed", day=day)


def _page(sessions: Sessions, last: Root | None) -> Sequence[Root]:
    with sessions() as session:
        return roots.page(session, last.day + _DAY if last else None, None, _PAGE)


def _day(
    sessions: Sessions, sealed: Root, last: Root | None, noted: bytes | None
) -> Iterator[Fault]:
    with sessions() as session:
        if last is None:
            for code, number in roots.strays(session, date(1970, 1, 1), sealed.day, _NAMED):
                detail = f"it is dated before the first sealed day, {sealed.day}"
                yield Fault(What.ROOT, detail, code, number)
        elif sealed.day != last.day + _DAY:
            yield Fault(What.ROOT, "the day is not sealed, later ones are", day=last.day + _DAY)
        made, count = root(last.root if last else b"", sealed.day, roots.heads(session, sealed.day))
    if made != sealed.root:
        detail = (
            f"{count} revisions give the root {made.hex()[:12]}…; "
            f"sealed was {bytes(sealed.root).hex()[:12]}… over {sealed.revisions}"
        )
        yield Fault(What.ROOT, detail, day=sealed.day)
    elif count != sealed.revisions:
        detail = f"{count} revisions give the root; it is said to be over {sealed.revisions}"
        yield Fault(What.ROOT, detail, day=sealed.day)
    if noted is not None and noted != sealed.root:
        detail = (
            f"the root noted is {noted.hex()[:12]}…, the one kept {bytes(sealed.root).hex()[:12]}…"
        )
        yield Fault(What.ROOT, detail, day=sealed.day)
