"""A database of millions of dossiers, made by SQL: five years, 400 branches, one large office.

Rows lie in the order they first arrived, as intake writes them. What the law would say of each is
told in the same columns, not derived: measured is how fast figures are read, not whether they hold.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from time import perf_counter

from sqlalchemy import Connection, Engine, text

from app.db import schema
from app.db.engine import sessions
from app.db.tables import dossier
from app.service import publish

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)  # a Friday, 10:00
LARGE = "H20.16"
"""The office half of all dossiers belong to, in 22 branches; 378 branches share the other half."""

_OFFICES = """
INSERT INTO office (code, name, province)
SELECT 'H' || (40 + n), 'Văn phòng ' || n, 'P' || n FROM generate_series(1, 32) AS n;
INSERT INTO branch (code, office, name, short_name)
SELECT 'H20.16.' || lpad(n::text, 2, '0'), 'H20.16', 'Chi nhánh ' || n, 'CN ' || n
FROM generate_series(11, 22) AS n;
INSERT INTO branch (code, office, name, short_name)
SELECT format('H%s.%s', 41 + n % 32, lpad((n / 32)::text, 2, '0')), 'H' || (41 + n % 32),
  'Chi nhánh ' || n, 'CN ' || n
FROM generate_series(0, 377) AS n;
INSERT INTO source (code, name) VALUES ('one-stop', 'One-stop shop');
INSERT INTO feed (branch, source, heard_at)
SELECT code, 'one-stop', CAST(:now AS timestamptz) - interval '7 minutes' FROM branch
"""

# 1,305 working days from Monday 22 Nov 2021 to Friday 20 Nov 2026. `dur` is how many days it took:
# mostly within its limit, 3 % hundreds of days, 2 % never ended. 5 % late.
DOSSIERS = """
INSERT INTO dossier (code, procedure, procedure_code, "case", branch, commune, channel,
  applicant_kind, status, submitted_at, received_at, promised_at, suspensions, steps, finished_at,
  outcome, handed_over_at, online_payment, catalogue_version, state, no_limit, how_ended, limit_id,
  calendar_id, case_assumed, difficult, policy, due_on, due_at, provisional, received_on,
  ended_on, legal_due_on, legal_end_on, legal_late, legal_overdue, form_due_on, form_overdue,
  index766_due_on, index766_end_on, index766_late, index766_overdue, updated_at, source,
  content_hash, revision_no, head_hash, promises, first_seen_at, raw_hash)
SELECT format('%s-%s-%s', branch, to_char(day, 'YYMMDD'), lpad(at::text, 6, '0')),
  procedure, procedure, CASE WHEN r1 < 0.3 THEN 'chuyen-nhuong' END, branch,
  (30000 + n % 300)::text, channel, CASE WHEN r2 < 0.9 THEN 'citizen' ELSE 'enterprise' END,
  CASE WHEN ended THEN 9 ELSE 4 END, received, received,
  CASE WHEN r3 < 0.97 THEN promised + time '17:00' END,
  CASE WHEN paused THEN jsonb_build_array(jsonb_build_object('reason',
    CASE WHEN r1 < 0.5 THEN 'supplement' ELSE 'financial_obligation' END,
    'from', received + '2 days',
    'until', CASE WHEN ended THEN received + (dur / 2 + 1) * interval '1 day' END,
    'ground', 'Thông báo số ' || n || '/TB-CNVPĐKĐĐ')) END,
  jsonb_build_array(
    jsonb_build_object('name', 'Tiếp nhận', 'unit', 'Bộ phận Một cửa', 'officer', 'cb' || n % 997,
      'started_at', received, 'due_at', received + '4 hours', 'finished_at', received + '2 hours'),
    jsonb_build_object('name', 'Thẩm định', 'unit', 'Tổ nghiệp vụ', 'officer', 'cb' || n % 499,
      'started_at', received + '2 hours', 'due_at', received + '3 days')),
  finished, CASE WHEN ended THEN outcome END, finished + '1 day', r2 < 0.4, 4,
  CASE WHEN ended THEN CASE WHEN outcome = 'withdrawn' THEN 'closed' ELSE 'finished' END
       WHEN no_limit IS NOT NULL THEN 'no_limit'
       WHEN paused AND r3 < 0.5 THEN 'suspended' ELSE 'running' END,
  no_limit, CASE WHEN ended THEN outcome END, CASE WHEN no_limit IS NULL THEN 1 + n % 40 END, 1,
  false, n % 12 = 0, 'resume',
  CASE WHEN standing THEN NULL ELSE due END, CASE WHEN standing THEN NULL ELSE due_at END,
  false, day, ended_on,
  CASE WHEN no_limit IS NULL AND NOT standing THEN due END,
  CASE WHEN outcome <> 'withdrawn' THEN ended_on END, ended AND r1 < 0.002, CASE WHEN r1 < 0.04 AND
    ended_on > day + 2 THEN datemultirange(daterange(day + 1, ended_on)) END,
  promised, CASE WHEN paused AND r3 < 0.3 THEN datemultirange(
    daterange(promised + 1, promised + 400)) END,
  promised, CASE WHEN paused THEN ended_on - dur / 4 ELSE ended_on END, ended AND r1 < 0.01,
  CASE WHEN paused AND r3 < 0.3 THEN datemultirange(daterange(promised + 3, promised + 900)) END,
  coalesce(finished + '1 day', received), 'one-stop', sha256(n::text::bytea), 3,
  sha256((n + 1)::text::bytea),
  jsonb_build_array(jsonb_build_object('promised_at', promised, 'at', received, 'reason', 'slip',
    'source', 'one-stop')), received, sha256((n + 2)::text::bytea)
FROM (
  SELECT *, dur IS NOT NULL AND day + dur <= CAST(:today AS date) AS ended,
    CASE WHEN day + dur <= CAST(:today AS date) THEN day + dur END AS ended_on,
    CASE WHEN day + dur <= CAST(:today AS date) THEN received + dur * interval '1 day' END
      AS finished,
    coalesce(dur > CAST(:today AS date) - day, true) AND paused AND r3 < 0.5 AS standing,
    (due + 1)::timestamp AT TIME ZONE 'Asia/Ho_Chi_Minh' AS due_at,
    day + allowed AS promised
  FROM (
    SELECT *, CASE WHEN r2 < 0.02 THEN NULL
        WHEN r2 < 0.05 THEN 40 + (-200 * ln(1 - r3 * 0.999))::int
        WHEN late THEN allowed + 1 + (10 * r3)::int ELSE (allowed * r3)::int END AS dur,
      day + CASE WHEN r2 BETWEEN 0.02 AND 0.05 AND NOT late
        THEN 45 + (-200 * ln(1 - r3 * 0.999))::int ELSE allowed END AS due,
      CASE WHEN r1 BETWEEN 0.6 AND 0.61 THEN 'unknown_procedure' END AS no_limit,
      CASE WHEN r1 > 0.97 THEN 'withdrawn' WHEN r1 > 0.95 THEN 'refused' ELSE 'result' END
        AS outcome,
      r2 < 0.05 OR r1 BETWEEN 0.2 AND 0.5 AS paused
    FROM (
      SELECT n, d.day, d.day + time '00:30' AT TIME ZONE 'UTC' + (n % 500) * interval '1 minute'
          AS received,
        n - (d.k::bigint * :rows + 1304) / 1305 AS at,
        CASE WHEN n % 2 = 0 THEN 'H20.16.' || lpad((1 + n / 2 % 22)::text, 2, '0')
          ELSE format('H%s.%s', 41 + (n / 2 % 378) % 32, lpad(((n / 2 % 378) / 32)::text, 2, '0'))
          END AS branch,
        '1.01' || 2700 + (48 * power(random(), 2))::int AS procedure,
        CASE WHEN random() < 0.4 THEN 'online' WHEN random() < 0.95 THEN 'counter' ELSE 'post' END
          AS channel,
        (ARRAY[4, 7, 11, 14, 21])[1 + n % 5] AS allowed, random() < 0.05 AS late,
        random() AS r1, random() AS r2, random() AS r3
      FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS n,
        LATERAL (SELECT (n * 1305 / (:rows + 1))::int AS k) AS w,
        LATERAL (SELECT k, date '2021-11-22' + k / 5 * 7 + k % 5 AS day) AS d
    ) AS drawn
  ) AS judged
) AS made
"""
_WATCH = """
INSERT INTO watch (code, branch, due_at, moments, levels, next_at, next_level)
SELECT code, branch, due_at,
  ARRAY[due_at - interval '2 days', due_at, due_at + interval '400 days'],
  ARRAY[1, 4, 5]::smallint[],
  due_at + CASE WHEN due_at > :now THEN (n % 400) * interval '1 second' ELSE '2000 days' END, 4
FROM (SELECT *, row_number() OVER () AS n FROM dossier WHERE state = 'running'
      AND due_at IS NOT NULL) AS running
"""
CHUNK = 500_000


def fill(engine: Engine, rows: int, tell: Callable[[str], None] = print) -> None:
    """Make the schema, the branches and the dossiers; indexes are built after the rows."""
    begun = perf_counter()
    schema.migrate(engine)
    with sessions(engine).begin() as session:
        publish.sample(session, "bench", NOW)
        for statement in _OFFICES.split(";"):
            session.execute(text(statement), {"now": NOW} if ":now" in statement else {})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        made_again = _drop_indexes(connection)
        connection.execute(text("ALTER TABLE dossier SET (autovacuum_enabled = off)"))
        connection.execute(text("SELECT setseed(0.7)"))
        for first in range(1, rows + 1, CHUNK):
            told = {"first": first, "last": min(first + CHUNK - 1, rows), "rows": rows}
            connection.execute(text(DOSSIERS), told | {"today": NOW.date()})
            tell(f"{told['last']:,} rows, {perf_counter() - begun:.0f} s")
        for statement in made_again:
            connection.execute(text(statement))
            tell(f"{re.split(' ON ', statement)[0]}, {perf_counter() - begun:.0f} s")
        connection.execute(text(_WATCH), {"now": NOW})
        connection.execute(text("ALTER TABLE dossier RESET (autovacuum_enabled)"))
        connection.execute(text("VACUUM (ANALYZE) dossier, watch"))
        connection.execute(text("CHECKPOINT"))
    tell(f"filled in {perf_counter() - begun:.0f} s")


def _drop_indexes(connection: Connection) -> list[str]:
    """Drop all indexes but the key's constraint; return the statements that make them again."""
    found = connection.execute(
        text("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'dossier'")
    ).all()
    connection.execute(text("ALTER TABLE dossier DROP CONSTRAINT pk_dossier"))
    for row in found:
        if row.indexname != "pk_dossier":
            connection.execute(text(f"DROP INDEX {row.indexname}"))
    again = [row.indexdef for row in found if row.indexname != "pk_dossier"]
    assert dossier.primary_key is not None
    return ["ALTER TABLE dossier ADD CONSTRAINT pk_dossier PRIMARY KEY (code)", *again]
