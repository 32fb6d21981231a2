"""The weekly summary: the week before, branch by branch, against the one before that."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from app.core.ladder import Level
from app.db.tables import alert, dossier, lateness_cause
from app.service import weekly
from app.service.rules import Rules
from app.service.week_document import Weekly
from app.service.weekly import Scope, week_before
from tests.jobs.rows import BRANCH, OTHER, vn, watched

MONDAY = vn("2026-11-23 07:00")
OFFICE = Scope("H20.16")
ONE = Scope("H20.16", frozenset({BRANCH}))


def code(number: int, branch: str = BRANCH) -> str:
    return f"{branch}-261101-{number:04}"


def ended(
    session: Session, rules: Rules, on: str, due: str, *codes: str, branch: str = BRANCH
) -> None:
    """Dossiers received on 2 November that ended on a day."""
    watched(session, rules, due, *codes, branch=branch, state="finished")
    day, due_on = date.fromisoformat(on), date.fromisoformat(due)
    values: dict[str, Any] = {"ended_on": day, "legal_end_on": day, "legal_due_on": due_on}
    values |= {"received_on": date(2026, 11, 2), "how_ended": "result"}
    session.execute(update(dossier).where(dossier.c.code.in_(codes)).values(values))
    session.commit()


def summaries(session: Session, rules: Rules, *scopes: Scope) -> dict[Scope, Weekly]:
    return weekly.summaries(session, rules, MONDAY, scopes, silence_days=3, soon_days=2)


@pytest.mark.parametrize("day", ["2026-11-23", "2026-11-25", "2026-11-29"])
def test_it_is_of_the_seven_days_to_last_sunday(day: str):
    assert week_before(date.fromisoformat(day)) == (date(2026, 11, 16), date(2026, 11, 22))


def test_it_counts_the_week_and_the_one_before_each_by_its_own_days(session: Session, rules: Rules):
    ended(session, rules, "2026-11-16", "2026-11-16", code(1))  # the first day, on time
    ended(session, rules, "2026-11-22", "2026-11-20", code(2))  # the last day, late
    ended(session, rules, "2026-11-15", "2026-11-20", code(3))  # the week before
    ended(session, rules, "2026-11-23", "2026-11-20", code(4))  # this week
    ended(session, rules, "2026-11-17", "2026-11-20", code(5, OTHER), branch=OTHER)
    watched(session, rules, "2026-11-18", code(6))  # still open past its due day
    received = {"received_on": date(2026, 11, 17), "legal_due_on": date(2026, 11, 18)}
    session.execute(update(dossier).where(dossier.c.code == code(6)).values(received))
    session.commit()

    found = summaries(session, rules, OFFICE, ONE)

    (line,) = found[ONE].lines
    assert (line.on_time, line.judged, line.rate) == (1, 2, 0.5)
    assert (line.before_on_time, line.before_judged, line.before) == (1, 1, 1.0)
    assert (line.received, line.overdue) == (1, 2)  # one of them ended only this week
    total = found[OFFICE].total
    assert (total.on_time, total.judged, len(found[OFFICE].lines)) == (2, 3, 10)
    assert (found[ONE].unit, found[OFFICE].whole, found[OFFICE].number) == ("Khu vực III", True, 47)
    empty = next(one for one in found[OFFICE].lines if one.code == "H20.16.05")
    assert (empty.rate, empty.before) == (None, None)


def test_the_file_beside_it_has_the_same_figures(session: Session, rules: Rules):
    ended(session, rules, "2026-11-17", "2026-11-16", code(1))
    ended(session, rules, "2026-11-17", "2026-11-20", code(5, OTHER), branch=OTHER)

    found = summaries(session, rules, OFFICE, ONE)

    for scope, rows in ((OFFICE, 10), (ONE, 1)):
        table, total = found[scope].table, found[scope].total
        assert len(table.rows) == rows
        assert table.total is not None
        assert table.total.cells["numerator"] == total.on_time
        assert table.total.cells["denominator"] == total.judged
        assert (table.period.first, table.period.last) == (date(2026, 11, 16), date(2026, 11, 22))


def test_apologies_owed_and_sent_and_the_causes_recorded(session: Session, rules: Rules):
    watched(session, rules, "2026-11-19", code(1), code(2))
    session.execute(
        update(dossier).where(dossier.c.code == code(1)).values(apologies=[{"sent_at": "-"}])
    )
    for number, at in ((1, "2026-11-18 07:00"), (2, "2026-11-18 07:00"), (3, "2026-11-23 06:00")):
        session.execute(
            insert(alert).values(
                office="H20.16", branch=BRANCH, subject=code(number), kind="limit",
                level=int(Level.APOLOGY_DUE), due_at=vn("2026-11-20 00:00"), raised_at=vn(at),
                tell=["branch"], at_once=True,
            )
        )  # fmt: skip
    causes = (
        ("staff", "2026-11-17 08:00"),
        ("tax", "2026-11-18 08:00"),
        ("tax", "2026-11-23 01:00"),
    )
    for cause, at in causes:
        session.execute(
            insert(lateness_cause).values(code=code(1), cause=cause, at=vn(at), by="an")
        )

    total = summaries(session, rules, ONE)[ONE]

    assert (total.total.apologies_owed, total.total.apologies_sent) == (2, 1)
    assert total.causes == [("tax", 1)]  # the newest of the week counts


def test_the_procedures_with_most_late_come_first_and_none_without(session: Session, rules: Rules):
    ended(session, rules, "2026-11-17", "2026-11-16", code(1), code(2))
    ended(session, rules, "2026-11-17", "2026-11-20", code(3))
    ended(session, rules, "2026-11-17", "2026-11-16", code(4))
    ended(session, rules, "2026-11-17", "2026-11-20", code(5))
    for number, procedure in ((4, "1.012790"), (5, "1.012766")):
        session.execute(
            update(dossier)
            .where(dossier.c.code == code(number))
            .values(procedure=procedure, procedure_code=procedure)
        )

    worst = summaries(session, rules, ONE)[ONE].worst

    assert [(one.code, one.late, one.judged) for one in worst] == [
        ("1.013831", 2, 3),
        ("1.012790", 1, 1),
    ]


def test_the_statements_go_by_the_offices_and_not_by_the_scopes(
    session: Session, rules: Rules, statements: list[str]
):
    counts = []
    for scopes in (
        [OFFICE],
        [OFFICE, *(Scope("H20.16", frozenset({one})) for one in rules.branches)],
    ):
        statements.clear()
        summaries(session, rules, *scopes)
        counts.append(len(statements))

    assert counts[0] == counts[1] <= 14
