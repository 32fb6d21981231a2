"""The on-time report beside the same SQL by hand, on the same rows, in one run."""

import os
from datetime import UTC, date, datetime
from time import perf_counter

from sqlalchemy import Engine, text

from app.core.yardsticks import Yardstick
from app.db.engine import Sessions
from app.db.in_hand import Group
from app.db.lists import Clock
from app.service.on_time import on_time
from app.service.rules import RuleBook
from app.service.silence import branch_clocks

ROWS = int(os.environ.get("ROWS", "300000"))
NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
FIRST, LAST = date(2026, 7, 1), date(2026, 9, 30)

FILL = """
INSERT INTO dossier (code, procedure, procedure_code, branch, channel, applicant_kind, status,
  received_at, finished_at, catalogue_version, state, how_ended, case_assumed, difficult, due_on,
  due_at, provisional, received_on, ended_on, legal_due_on, legal_end_on,
  legal_late, index766_late, updated_at, source,
  content_hash, revision_no, head_hash, promises, first_seen_at)
SELECT format('H20.16.%s-%s-%s', lpad((1 + n % 10)::text, 2, '0'), to_char(day, 'YYMMDD'),
              lpad((n % 9999)::text, 6, '0')), '1.013831', '1.013831',
  'H20.16.' || lpad((1 + n % 10)::text, 2, '0'), 'counter', 'citizen',
  CASE WHEN ended THEN 9 ELSE 4 END, day, CASE WHEN ended THEN day + '6 days' END, 1,
  CASE WHEN ended THEN 'finished' ELSE 'running' END, CASE WHEN ended THEN 'result' END, false,
  false, day::date + 8, (day::date + 9)::timestamptz, false, day::date,
  CASE WHEN ended THEN day::date + 6 + (n % 19 = 0)::int * 5 END, day::date + 8,
  CASE WHEN ended THEN day::date + 6 + (n % 19 = 0)::int * 5 END, false, false, day, 'bench',
  '\\x00', 1, '\\x00', '[]', day
FROM (SELECT n, n % 14 <> 0 AS ended,
             timestamptz '2025-12-01 02:00Z' + (n * 350 / :rows) * interval '1 day' AS day
      FROM generate_series(1, :rows) AS n) AS made
ON CONFLICT DO NOTHING
"""
BY_HAND = """
SELECT branch, count(*) FILTER (WHERE NOT legal_late AND legal_end_on < legal_due_on),
  count(*) FILTER (WHERE NOT legal_late AND legal_end_on = legal_due_on),
  count(*) FILTER (WHERE legal_late OR legal_end_on > legal_due_on)
FROM dossier WHERE legal_end_on BETWEEN :first AND :last GROUP BY branch
"""
OPEN_BY_HAND = """
SELECT branch, count(*), count(*) FILTER (WHERE state = 'running' AND due_at <= :now)
FROM dossier WHERE state NOT IN ('finished', 'closed') GROUP BY branch
"""
CARRIED_BY_HAND = """
SELECT branch, count(*) FROM dossier WHERE received_at < :first AND
  (coalesce(finished_at, ended_at) IS NULL OR coalesce(finished_at, ended_at) >= :first)
GROUP BY branch
"""


def test_the_quarter_of_an_office_against_the_same_sql_by_hand(engine: Engine, sessions: Sessions):
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(FILL), {"rows": ROWS})
        connection.execute(text("VACUUM (ANALYZE) dossier"))
    book = RuleBook()
    with sessions() as session:
        rules = book.in_force(session)
        full = branch_clocks(session, rules, NOW, silence_days=3, soon_days=2)
        clocks = [Clock(code, clock.clock_at, clock.soon_until) for code, clock in full.items()]

        def ours() -> None:
            on_time(
                session,
                rules,
                clocks,
                full,
                NOW,
                office="H20.16",
                whole_office=True,
                first=FIRST,
                last=LAST,
                groups=[Group.BRANCH],
                yardstick=Yardstick.LEGAL,
            )

        def by_hand() -> None:
            session.execute(text(BY_HAND), {"first": FIRST, "last": LAST}).all()
            session.execute(text(OPEN_BY_HAND), {"now": NOW}).all()
            session.execute(text(CARRIED_BY_HAND), {"first": FIRST}).all()

        spent = {}
        for name, work in (("report", ours), ("by hand", by_hand)):
            work()
            times = []
            for _ in range(7):
                begun = perf_counter()
                work()
                times.append(perf_counter() - begun)
            spent[name] = sorted(times)[3]
    print(
        f"\nquarter of an office, {ROWS} dossiers: report {spent['report'] * 1000:.1f} ms, "
        f"same SQL by hand {spent['by hand'] * 1000:.1f} ms, "
        f"ratio {spent['report'] / spent['by hand']:.2f}"
    )
