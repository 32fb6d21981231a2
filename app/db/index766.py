"""What index 766 and PAR INDEX are counted from."""

from collections.abc import Sequence

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from app.core.yardsticks import Yardstick
from app.db.in_hand import ENDED, Span, arguments, parts, standing
from app.db.lists import Clock

_LOCAL_DAY = "((letter ->> 'sent_at')::timestamptz AT TIME ZONE 'Asia/Ho_Chi_Minh')::date"
_APOLOGY = f"""d.apologies IS NOT NULL AND EXISTS (
  SELECT FROM jsonb_array_elements(d.apologies) AS letter WHERE {_LOCAL_DAY} <= :last)"""
_FACTS = (
    "d.branch, d.received_on >= :first AS fresh, d.channel = 'online' AS online, "
    f"d.online_payment, {_APOLOGY} AS apology"
)
_GROUPS = "branch, open, fresh, online, online_payment, apology, legal, form, index766"


def counted(session: Session, clocks: Sequence[Clock], over: Span) -> Sequence[RowMapping]:
    """All in hand by what the criteria ask, and where each yardstick stands.

    Columns: branch, open (at the close), fresh (received in the period), online, online_payment
    (null: not told), apology (sent by the close), legal, form, index766, n. An open one without
    any due day is `no_limit` by index 766: nobody can say that it is in time.
    """
    ended = ", ".join(f"{ENDED[one]} AS {one.value}" for one in Yardstick)
    law, form, index766 = (standing(one, over) for one in Yardstick)
    still = (
        f"{law} AS legal, {form} AS form, "
        "CASE WHEN d.index766_due_on IS NULL AND d.index766_overdue IS NULL THEN 'no_limit' "
        f"ELSE {index766} END AS index766"
    )
    union = parts(over, f"{_FACTS}, false AS open, {ended}", f"{_FACTS}, true AS open, {still}")
    query = f"SELECT {_GROUPS}, count(*) AS n FROM ({union}) AS held GROUP BY {_GROUPS}"
    return session.execute(text(query), arguments(clocks, over)).mappings().all()


def durations(session: Session, clocks: Sequence[Clock], over: Span) -> Sequence[RowMapping]:
    """How many of what ended in the period were received on which day and ended on which.

    Columns: branch, received_on, end_on (less the time of the supplement), n; from an index alone.
    """
    columns = "d.branch, d.received_on, greatest(d.index766_end_on, d.received_on) AS end_on"
    union = parts(over, columns, columns, with_open=False)
    query = f"""SELECT branch, received_on, end_on, count(*) AS n
FROM ({union}) AS ended GROUP BY branch, received_on, end_on"""
    return session.execute(text(query), arguments(clocks, over)).mappings().all()
