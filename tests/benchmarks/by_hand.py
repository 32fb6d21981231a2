"""The figures of the reports in SQL written by hand, in several forms; the fastest is the measure.

Each form is a list of statements that together give all that the report gives, on the same rows and
indexes. `:branches`, `:clocks` and `:heard` are the branches and how late their clocks are.
"""

_CLOCKS = (
    "unnest(CAST(:branches AS text[]), CAST(:clocks AS timestamptz[]), CAST(:heard AS date[])) "
    "AS c(branch, clock_at, heard_on)"
)
_ENDED = "FROM dossier WHERE branch = ANY(:branches) AND ended_on BETWEEN :first AND :last"
# What stood open at the close: by any way that gives the same rows.
_STOOD_OPEN = {
    "two ranges": (
        "received_on <= :last AND ended_on > :last AND ended_on <= CAST(:last AS date) + 45",
        """received_on <= :last AND ended_on > CAST(:last AS date) + 45
           AND ended_on - received_on > 45""",
        "received_on <= :last AND state NOT IN ('finished', 'closed')",
    ),
    "one range": (
        "received_on <= :last AND ended_on > :last",
        "received_on <= :last AND state NOT IN ('finished', 'closed')",
    ),
}

_RATE = f"""
SELECT branch,
  count(*) FILTER (WHERE NOT legal_late AND ended_on < legal_due_on AND legal_end_on IS NOT NULL),
  count(*) FILTER (WHERE NOT legal_late AND ended_on = legal_due_on AND legal_end_on IS NOT NULL),
  count(*) FILTER (WHERE (legal_late OR ended_on > legal_due_on) AND legal_end_on IS NOT NULL),
  count(*) FILTER (WHERE legal_end_on IS NULL),
  count(*) FILTER (WHERE NOT legal_late AND legal_due_on IS NULL AND legal_end_on IS NOT NULL),
  count(*) FILTER (WHERE received_on < :first)
{_ENDED} GROUP BY branch
"""
_OVERDUE = """no_limit IS NULL AND CASE WHEN legal_overdue IS NULL
  THEN due_at <= least(:close, clock_at)
  ELSE legal_overdue @> CAST(:last AS date) AND legal_overdue @> least(:last, heard_on) END"""
_UNVERIFIED = """no_limit IS NULL AND CASE WHEN legal_overdue IS NULL
  THEN due_at <= :close AND due_at > least(:close, clock_at)
  ELSE legal_overdue @> CAST(:last AS date) AND NOT legal_overdue @> least(:last, heard_on) END"""
_OPEN_COUNTS = f"""count(*) AS n, count(*) FILTER (WHERE {_OVERDUE}) AS overdue,
  count(*) FILTER (WHERE {_UNVERIFIED}) AS unverified,
  count(*) FILTER (WHERE no_limit IS NOT NULL) AS no_limit,
  count(*) FILTER (WHERE received_on < :first) AS carried"""
_FELL_DUE = """
SELECT branch, count(*),
  count(*) FILTER (WHERE ended_on <= :last AND NOT (legal_late OR ended_on > legal_due_on)),
  count(*) FILTER (WHERE CASE WHEN ended_on <= :last THEN legal_late OR ended_on > legal_due_on
                         ELSE legal_due_on < :last END)
FROM dossier WHERE branch = ANY(:branches) AND legal_due_on BETWEEN :first AND :last
  AND received_on <= :last AND NOT coalesce(ended_on <= :last AND legal_end_on IS NULL, false)
GROUP BY branch
"""
_QUARANTINED = """
SELECT branch, count(*) FROM quarantine
WHERE state = 'open' AND office = 'H20.16' AND branch = ANY(:branches) GROUP BY branch
"""


def _open_of_branches(parts: tuple[str, ...]) -> str:
    return " UNION ALL ".join(
        f"SELECT c.branch, {_OPEN_COUNTS} FROM {_CLOCKS} JOIN dossier AS d ON d.branch = c.branch "
        f"WHERE {part} GROUP BY c.branch"
        for part in parts
    )


def _open_lateral(parts: tuple[str, ...]) -> str:
    inner = " UNION ALL ".join(
        f"SELECT {_OPEN_COUNTS} FROM dossier AS d WHERE d.branch = c.branch AND {part}"
        for part in parts
    )
    return (
        f"SELECT c.branch, (f).* FROM {_CLOCKS} CROSS JOIN LATERAL (SELECT sum(n), sum(overdue), "
        f"sum(unverified), sum(no_limit), sum(carried) FROM ({inner}) AS each) AS f"
    )


ON_TIME = {
    f"{shape.__name__.strip('_')}, {name}": [_RATE, shape(parts), _FELL_DUE, _QUARANTINED]
    for name, parts in _STOOD_OPEN.items()
    for shape in (_open_of_branches, _open_lateral)
}
"""The on-time report of a past period by branch."""

_FORM_RECEIVED = """count(*) FILTER (WHERE received_on >= :first AND channel = 'online') AS online,
  count(*) FILTER (WHERE received_on >= :first AND channel <> 'online') AS direct,
  count(*) FILTER (WHERE received_on < :first) AS carried"""
_FORM_ENDED = f"""
SELECT procedure_code, {_FORM_RECEIVED},
  count(*) FILTER (WHERE ended_on < form_due_on), count(*) FILTER (WHERE ended_on > form_due_on),
  count(*) {_ENDED} AND received_on IS NOT NULL GROUP BY procedure_code
"""
_FORM_OVERDUE = "coalesce(form_overdue @> CAST(:last AS date), form_due_on < :last)"
_FORM_KIND = """CASE WHEN received_on < :first THEN 0 WHEN channel = 'online' THEN 1 ELSE 2 END"""
_FORM_BY_KIND = f"""
SELECT procedure_code, {_FORM_KIND} + CASE WHEN ended_on < form_due_on THEN 10
  WHEN ended_on > form_due_on THEN 20 ELSE 30 END AS kind, count(*)
{_ENDED} AND received_on IS NOT NULL GROUP BY procedure_code, kind
"""


def _form_open(parts: tuple[str, ...]) -> str:
    rows = " UNION ALL ".join(
        "SELECT procedure_code, received_on, channel, form_overdue, form_due_on FROM dossier "
        f"WHERE branch = ANY(:branches) AND {part}"
        for part in parts
    )
    return (
        f"SELECT procedure_code, {_FORM_RECEIVED}, count(*), "
        f"count(*) FILTER (WHERE {_FORM_OVERDUE}) FROM ({rows}) AS held GROUP BY procedure_code"
    )


def _form_open_each(parts: tuple[str, ...]) -> str:
    return " UNION ALL ".join(
        f"SELECT procedure_code, {_FORM_RECEIVED}, count(*), "
        f"count(*) FILTER (WHERE {_FORM_OVERDUE}) FROM dossier "
        f"WHERE branch = ANY(:branches) AND {part} GROUP BY procedure_code"
        for part in parts
    )


II06A = {
    f"{of_ended}, {shape.__name__.strip('_')}": [ended, shape(_STOOD_OPEN["two ranges"])]
    for of_ended, ended in (("counts", _FORM_ENDED), ("kinds", _FORM_BY_KIND))
    for shape in (_form_open, _form_open_each)
}
"""Biểu II.06a of an office, by procedure. One range instead of two is up to five times slower."""
