"""The daily digest: to whom, when, and what it tells each of them."""

from collections.abc import Callable, Collection
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.orm import Session

from app.core.ladder import Kind, Level, Told
from app.core.subscriptions import Subscription
from app.db import digests, feeds, news, subscriptions, webhooks
from app.db.digests import Mark, Seen
from app.db.tables import acknowledgement, alert, delivery, dossier, letter
from app.service import digest, digest_owed
from app.service.digest import Judged
from app.service.digest_document import Digest, Part, Section
from app.service.mornings import Waits
from app.service.rules import Rules
from tests.jobs.rows import BRANCH, OTHER, vn, watched

MONDAY = "2026-11-23 07:00"  # Tuesday is Ngày Văn hóa Việt Nam, a day off
WEDNESDAY = "2026-11-25 07:00"
JUDGED = Judged(3, 2, Waits(), "https://x.vn/")
TOLD = {
    Level.OVERDUE: ["branch", "office"],
    Level.OVERDUE_REMINDED: ["branch", "office"],
    Level.OVERDUE_VERY_LONG: ["branch", "office", "department"],
}


def code(number: int, branch: str = BRANCH) -> str:
    return f"{branch}-261101-{number:04}"


def owed(session: Session, rules: Rules, at: str) -> list[str]:
    return [one.recipient.name for one in digest_owed.owed(session, rules, vn(at)) if one.daily]


def hear(session: Session, rules: Rules, at: str) -> None:
    feeds.hear(session, "one-stop", dict.fromkeys(rules.branches, vn(at)))


def raised(session: Session, at: str, level: Level, due: str, *codes: str, **more: Any) -> int:  # noqa: ANN401
    """Alerts as the sweep raises them; the id of the last."""
    for one in codes:
        values = {
            "office": "H20.16",
            "branch": one[:9],
            "subject": one,
            "kind": level.kind.value,
            "level": int(level),
            "due_at": vn(due),
            "raised_at": vn(at),
            "tell": TOLD.get(level, ["branch"]),
            "at_once": True,
        }
        session.execute(insert(alert).values(values | more))
    return int(session.scalar(select(alert.c.id).order_by(alert.c.id.desc()).limit(1)) or 0)


def told(
    session: Session,
    rules: Rules,
    at: str,
    branches: Collection[str] | None = (BRANCH,),
    who: Told = Told.BRANCH,
    seen: Seen | None = None,
) -> Digest:
    """The digest of somebody who was last told `seen`."""
    now = vn(at)
    held = digest.morning(session, rules, now, JUDGED, {"H20.16"})
    reader = held.reader("H20.16", branches, who, seen)
    return digest.written(session, held, [reader], digests.alerts_settled(session))[reader]


def section(held: Digest, part: Part) -> Section | None:
    return next((one for one in held.sections if one.part is part), None)


def codes(held: Digest, part: Part) -> list[str]:
    found = section(held, part)
    return [entry.code for entry in found.entries] if found else []


# ------------------------------------------------------------------------------------ to whom, when


@pytest.mark.parametrize(
    ("at", "written"),
    [
        ("2026-11-23 06:59", 0),  # before opening
        ("2026-11-23 07:00", 1),
        ("2026-11-23 16:59", 1),  # the scheduler was down all day
        ("2026-11-23 17:00", 0),  # the office has closed
        ("2026-11-23 23:59", 0),
        ("2026-11-24 07:30", 0),  # a day off
        ("2026-11-22 07:30", 0),  # Sunday
        ("2026-11-21 07:30", 0),  # a Saturday like any other
        ("2026-08-22 07:30", 1),  # a Saturday worked for 31 August
        ("2026-08-31 07:30", 0),
        ("2025-06-30 08:00", 0),  # before the branches were
    ],
)
def test_a_digest_is_owed_while_the_office_is_open(
    session: Session, rules: Rules, director: Callable[..., int], at: str, written: int
):
    director("an", [BRANCH])

    assert len(owed(session, rules, at)) == written


def test_it_is_for_nobody_without_an_address_or_switched_off_or_without_an_open_branch(
    session: Session, rules: Rules, director: Callable[..., int]
):
    director("none", [BRANCH], email=None)
    director("empty", [BRANCH], email="")
    director("gone", [BRANCH], active=False)
    director("nowhere", ["H20.16.99"])

    assert owed(session, rules, MONDAY) == []


def test_it_is_not_owed_on_quiet_days_nor_to_who_wants_none(
    session: Session, rules: Rules, director: Callable[..., int]
):
    on_leave, mondays, never = director("a", [BRANCH]), director("b", [BRANCH]), director("c")
    leave = (date(2026, 11, 20), date(2026, 11, 23))
    subscriptions.put(session, on_leave, Subscription(quiet_days=(leave,)))
    subscriptions.put(session, mondays, Subscription(quiet_weekdays=frozenset({1})))
    subscriptions.put(session, never, Subscription(daily=False))

    assert owed(session, rules, MONDAY) == []
    assert owed(session, rules, WEDNESDAY) == [f"user:{on_leave}", f"user:{mondays}"]


def test_a_webhook_that_asked_for_other_events_gets_none(session: Session, rules: Rules):
    webhooks.create(session, "H20.16", None, "https://a.vn/")
    session.execute(text("UPDATE webhook SET events = '{alert.overdue}'"))
    session.commit()

    assert owed(session, rules, MONDAY) == []


def test_the_summary_is_owed_to_the_office_and_to_directors_who_asked_until_it_was_sent(
    session: Session, rules: Rules, director: Callable[..., int]
):
    director("an", [BRANCH])
    asked, chief = director("binh", [BRANCH]), director("chi")
    subscriptions.put(session, asked, Subscription())
    quiet = director("dung")
    subscriptions.put(session, quiet, Subscription(quiet_weekdays=frozenset({1})))

    def weekly(at: str) -> list[int | None]:
        found = digest_owed.owed(session, rules, vn(at))
        return [one.recipient.user_id for one in found if one.weekly]

    assert weekly(MONDAY) == [asked, chief]
    for user, state in ((asked, "sent"), (chief, "dropped")):
        name = f"user:{user}"
        mark = Mark(
            f"weekly:{name}:2026-11-23", name, "weekly", date(2026, 11, 23), 0, 0, said=True
        )
        digests.keep(session, [mark], vn(MONDAY))
        sent(session, mark.key, state)
    assert weekly(MONDAY) == []
    assert weekly(WEDNESDAY) == [chief, quiet]
    assert weekly("2026-11-30 07:00") == [asked, chief]  # of the next week


def test_it_expires_as_the_last_of_the_branches_closes(
    session: Session, rules: Rules, director: Callable[..., int]
):
    director("an", [BRANCH])

    (one,) = digest_owed.owed(session, rules, vn(MONDAY))

    assert one.expires_at == vn("2026-11-23 17:00")


# ------------------------------------------------------------------------------- how the day stands


def test_each_dossier_stands_in_one_place_and_the_sections_add_up(session: Session, rules: Rules):
    hear(session, rules, MONDAY)
    watched(session, rules, "2026-11-18", code(1))  # overdue for days
    watched(session, rules, "2026-11-20", code(2))  # since Saturday 00:00
    watched(session, rules, "2026-11-23", code(3))
    watched(session, rules, "2026-11-25", code(4))  # 24 off: its letter leaves now
    watched(session, rules, "2026-11-25", code(5), apologies=[{"sent_at": "-"}])
    watched(session, rules, "2026-11-26", code(6))
    watched(session, rules, "2026-11-27", code(7))  # too far
    watched(session, rules, "2026-11-18", code(8), state="finished")
    watched(session, rules, "2026-11-18", code(9, OTHER), branch=OTHER)
    raised(session, "2026-11-21 00:01", Level.OVERDUE, "2026-11-21 00:00", code(2))

    held = told(session, rules, MONDAY)

    assert {one.part: (one.count, one.above) for one in held.sections} == {
        Part.APOLOGY_TODAY: (1, 0),
        Part.DUE_TODAY: (1, 0),
        Part.DUE_TOMORROW: (2, 1),
        Part.NEWLY_OVERDUE: (1, 0),
        Part.OVERDUE: (1, 0),
    }
    assert codes(held, Part.APOLOGY_TODAY) == [code(4)]
    assert codes(held, Part.DUE_TOMORROW) == [code(5)]
    assert codes(held, Part.NEWLY_OVERDUE) == [code(2)]
    assert codes(held, Part.OVERDUE) == [code(1)]
    (line,) = held.lines
    assert (line.overdue, line.due_today, line.due_tomorrow, line.due_soon) == (2, 1, 2, 4)
    assert held.tomorrow == date(2026, 11, 25)
    assert [row.cells["code"] for row in held.table.rows] == [code(n) for n in range(1, 7)]
    assert "name" not in {column.key for column in held.table.columns}
    assert held.ahead[:4] == [
        (date(2026, 11, 23), 1),
        (date(2026, 11, 25), 2),
        (date(2026, 11, 26), 1),
        (date(2026, 11, 27), 1),
    ]


def test_an_apology_we_sent_need_not_be_sent_again(session: Session, rules: Rules):
    watched(session, rules, "2026-11-25", code(1))
    now = vn(MONDAY)
    session.execute(
        insert(letter).values(
            code=code(1), branch=BRANCH, year=2026, number=1, drafted_at=now, drafted_by="an",
            cause="staff", reason="-", due_on=date(2026, 11, 25), promised_at=now, sent_at=now,
        )
    )  # fmt: skip

    held = told(session, rules, MONDAY)

    assert section(held, Part.APOLOGY_TODAY) is None
    assert codes(held, Part.DUE_TOMORROW) == [code(1)]


@pytest.mark.parametrize(
    ("state", "reason", "since", "part"),
    [
        ("waiting", None, "2026-11-06", Part.WAITING_TAX),  # 11 working days ago
        ("waiting", None, "2026-11-09", None),
        ("suspended", "financial_obligation", "2026-11-06", Part.WAITING_TAX),
        ("suspended", "supplement", "2026-10-23", Part.WAITING_CITIZEN),  # 21 working days
        ("suspended", "supplement", "2026-10-26", None),
        ("suspended", "public_posting", "2026-01-05", None),
    ],
)
def test_what_waits_for_too_long_is_named(
    session: Session, rules: Rules, state: str, reason: str | None, since: str, part: Part | None
):
    watched(session, rules, "2026-11-25", code(1), state=state)
    stop = [{"reason": reason, "from_at": f"{since}T08:00:00+07:00", "until_at": None}]
    session.execute(
        text("UPDATE dossier SET paused = datemultirange(daterange(:first, NULL))"),
        {"first": date.fromisoformat(since) + timedelta(days=1)},
    )
    session.execute(update(dossier).values(suspensions=stop if reason else None))

    held = told(session, rules, MONDAY)

    assert [one.part for one in held.sections] == ([part] if part else [])


def test_at_most_20_codes_a_section_and_the_rest_is_counted(session: Session, rules: Rules):
    for branch in (BRANCH, OTHER):
        watched(session, rules, "2026-11-23", *(code(n, branch) for n in range(30)), branch=branch)

    found = section(told(session, rules, MONDAY, None, Told.OFFICE), Part.DUE_TODAY)

    assert found is not None
    assert (found.count, len(found.entries), found.unnamed) == (60, 20, 40)


def test_yesterdays_rate_is_of_the_last_working_day_and_null_where_nothing_ended(
    session: Session, rules: Rules
):
    watched(session, rules, "2026-11-25", code(1), code(2), code(3), state="finished")
    ended: dict[str, Any] = {"ended_on": date(2026, 11, 20), "legal_end_on": date(2026, 11, 20)}
    session.execute(update(dossier).values(ended | {"legal_due_on": date(2026, 11, 25)}))
    late = {"legal_due_on": date(2026, 11, 19)}
    session.execute(update(dossier).where(dossier.c.code == code(1)).values(late))

    held = told(session, rules, MONDAY, [BRANCH, OTHER])

    assert held.yesterday == date(2026, 11, 20)  # Friday
    assert [(line.on_time, line.judged) for line in held.lines] == [(2, 3), (0, 0)]
    assert [line.rate for line in held.lines] == [2 / 3, None]


def test_silence_an_open_calendar_and_growing_quarantine_are_warned_of(
    session: Session, rules: Rules
):
    hear(session, rules, MONDAY)
    feeds.hear(session, "one-stop", {BRANCH: vn("2026-11-23 06:59")})
    session.execute(
        text("UPDATE feed SET heard_at = :at WHERE branch = :branch"),
        {"at": vn("2026-11-13 16:45"), "branch": BRANCH},
    )
    for number in range(11):
        session.execute(
            text(
                "INSERT INTO quarantine (arrived_at, last_sent_at, source, office, branch, "
                "conflict, line, problems, record, record_hash) VALUES (:at, :at, 'one-stop', "
                "'H20.16', :branch, false, 1, '[]', '{}', :hash)"
            ),
            {"at": vn("2026-11-20 08:00"), "branch": OTHER, "hash": bytes([number])},
        )

    held = told(session, rules, MONDAY, None, Told.OFFICE)
    branch = told(session, rules, MONDAY, [BRANCH])

    assert [(one.branch, one.heard_at) for one in held.silent] == [
        ("Khu vực III", vn("2026-11-13 16:45"))
    ]
    assert [(one.branch, one.fresh, one.open) for one in held.refused] == [("Khu vực IV", 11, 11)]
    assert [one.first for one in held.unconfirmed] == [date(2027, 1, 1)]
    assert not held.nothing
    assert (branch.refused, branch.unconfirmed) == ([], [])


def test_nothing_to_do_is_nothing(session: Session, rules: Rules):
    hear(session, rules, MONDAY)
    watched(session, rules, "2026-12-15", code(1))

    assert told(session, rules, MONDAY).nothing


# ------------------------------------------------------------------------------------ what is new


def test_an_alert_is_new_once_and_only_while_it_is_true(session: Session, rules: Rules):
    hear(session, rules, MONDAY)
    watched(session, rules, "2026-11-20", *map(code, range(1, 5)))
    due = "2026-11-21 00:00"
    told_of = raised(session, "2026-11-21 00:01", Level.OVERDUE, due, code(1))
    raised(session, "2026-11-21 00:01", Level.OVERDUE, due, code(2), code(3), code(4))
    session.execute(update(dossier).where(dossier.c.code == code(3)).values(state="closed"))
    moved = {"due_at": vn("2026-11-28 00:00")}
    session.execute(update(dossier).where(dossier.c.code == code(4)).values(moved))

    held = told(session, rules, MONDAY, seen=Seen(told_of, vn("2026-11-20 07:00")))

    assert codes(held, Part.NEWLY_OVERDUE) == [code(2)]
    assert codes(held, Part.OVERDUE) == [code(1)]  # old news
    again = told(session, rules, WEDNESDAY, seen=Seen(digests.alerts_settled(session), vn(MONDAY)))
    assert codes(again, Part.NEWLY_OVERDUE) == []
    found = section(again, Part.OVERDUE)
    assert found is not None
    assert found.count == 2


def test_of_one_clock_the_highest_is_told_and_the_days_come_from_the_ladder(
    session: Session, rules: Rules
):
    hear(session, rules, MONDAY)
    watched(session, rules, "2026-11-17", code(1))
    due = "2026-11-18 00:00"
    raised(session, "2026-11-20 08:00", Level.OVERDUE, due, code(1))
    raised(session, "2026-11-21 00:01", Level.OVERDUE_REMINDED, due, code(1))

    held = told(session, rules, MONDAY)

    assert [(one.part, one.count, one.days) for one in held.sections] == [
        (Part.OVERDUE_REMINDED, 1, 3)
    ]


def test_who_was_never_told_hears_from_the_opening_of_the_last_working_day(
    session: Session, rules: Rules
):
    hear(session, rules, MONDAY)
    watched(session, rules, "2026-11-19", code(1), code(2))
    raised(session, "2026-11-20 06:59", Level.OVERDUE, "2026-11-20 00:00", code(1))
    raised(session, "2026-11-20 07:00", Level.OVERDUE, "2026-11-20 00:00", code(2))

    assert codes(told(session, rules, MONDAY), Part.NEWLY_OVERDUE) == [code(2)]


def test_an_alert_is_for_those_it_is_meant_for_and_of_their_branches(
    session: Session, rules: Rules
):
    hear(session, rules, MONDAY)
    watched(session, rules, "2026-11-20", code(1), code(2))
    watched(session, rules, "2026-11-20", code(1, OTHER), branch=OTHER)
    due = "2026-11-21 00:00"
    raised(session, "2026-11-21 00:01", Level.OVERDUE, due, code(1), code(1, OTHER))
    raised(session, "2026-11-21 00:01", Level.OVERDUE_VERY_LONG, due, code(2))

    director = told(session, rules, MONDAY)
    chief = told(session, rules, MONDAY, None, Told.OFFICE)
    department = told(session, rules, MONDAY, None, Told.DEPARTMENT)

    assert codes(director, Part.NEWLY_OVERDUE) == [code(1)]
    assert codes(chief, Part.NEWLY_OVERDUE) == [code(1), code(1, OTHER)]
    assert [one.part for one in department.sections] == [Part.OVERDUE_VERY_LONG]
    assert department.total.overdue == 3  # its figures are whole, its lists are what it is told


@pytest.mark.parametrize(
    ("level", "part", "state"),
    [
        (Level.ACCEPTANCE_LATE, Part.ACCEPTANCE_LATE, "submitted"),
        (Level.SUPPLEMENT_NOTICE_LATE, Part.SUPPLEMENT_NOTICE_LATE, "running"),
        (Level.HAND_OVER_LATE, Part.HAND_OVER_LATE, "finished"),
        (Level.SHARE_USED, Part.SHARE_USED, "running"),
    ],
)
def test_the_other_clocks_are_told_until_they_are_stopped(
    session: Session, rules: Rules, level: Level, part: Part, state: str
):
    hear(session, rules, MONDAY)
    watched(session, rules, "2026-12-15", code(1), state=state)
    raised(session, "2026-11-21 00:01", level, "2026-12-16 00:00", code(1))

    assert [one.part for one in told(session, rules, MONDAY).sections] == [part]

    session.execute(update(dossier).values(state="closed"))
    assert told(session, rules, MONDAY).sections == ()


def test_what_somebody_is_on_is_counted_and_comes_back_when_their_time_is_over(
    session: Session, rules: Rules
):
    hear(session, rules, WEDNESDAY)
    watched(session, rules, "2026-11-20", code(1), code(2))
    due = "2026-11-21 00:00"
    newest = raised(session, "2026-11-21 00:01", Level.OVERDUE, due, code(1), code(2))
    until = vn("2026-11-24 17:00")
    for at, moment in ((1, vn("2026-12-24 17:00")), (2, until)):  # the newest word counts
        session.execute(
            insert(acknowledgement).values(
                alert_id=newest, by="user:an", at=vn("2026-11-21 08:00") + timedelta(hours=at),
                until_at=moment,
            )
        )  # fmt: skip

    monday = told(session, rules, MONDAY)
    wednesday = told(session, rules, WEDNESDAY, seen=Seen(newest, vn(MONDAY)))
    thursday = told(session, rules, "2026-11-26 07:00", seen=Seen(newest, vn(WEDNESDAY)))

    found = section(monday, Part.NEWLY_OVERDUE)
    assert found is not None
    assert (found.count, found.handled, codes(monday, Part.NEWLY_OVERDUE)) == (2, 1, [code(1)])
    assert [(one.code, one.by, one.until_at) for one in monday.handled] == [
        (code(2), "user:an", until)
    ]
    assert (wednesday.in_hand, codes(wednesday, Part.HANDLING_OVER)) == (0, [code(2)])
    assert codes(wednesday, Part.OVERDUE) == [code(1)]
    assert codes(thursday, Part.HANDLING_OVER) == []
    assert codes(thursday, Part.OVERDUE) == [code(1), code(2)]


def on_it(session: Session, alert_id: int, until: str) -> None:
    """Somebody says that they are on an alert."""
    session.execute(
        insert(acknowledgement).values(
            alert_id=alert_id, by="user:an", at=vn("2026-11-20 08:00"), until_at=vn(until)
        )
    )


def test_who_is_on_a_warning_is_told_of_the_higher_levels_anew(session: Session, rules: Rules):
    hear(session, rules, MONDAY)
    watched(session, rules, "2026-11-23", code(1), code(2))
    watched(session, rules, "2026-11-18", code(3))
    today, past = "2026-11-24 00:00", "2026-11-19 00:00"
    on_it(
        session,
        raised(session, "2026-11-19 07:00", Level.DUE_SOON, today, code(1)),
        "2026-12-31 17:00",
    )
    raised(session, "2026-11-19 07:00", Level.DUE_SOON, today, code(2))
    on_it(
        session,
        raised(session, "2026-11-23 00:00", Level.DUE_TODAY, today, code(2)),
        "2026-12-31 17:00",
    )
    raised(session, "2026-11-23 00:00", Level.DUE_TODAY, today, code(1))
    on_it(
        session,
        raised(session, "2026-11-19 07:00", Level.OVERDUE, past, code(3)),
        "2026-12-31 17:00",
    )
    newest = raised(session, "2026-11-22 00:00", Level.OVERDUE_REMINDED, past, code(3))

    held = told(session, rules, MONDAY)
    later = told(session, rules, MONDAY, seen=Seen(newest, vn("2026-11-22 07:00")))

    found = section(held, Part.DUE_TODAY)
    assert found is not None
    assert (found.count, found.handled, codes(held, Part.DUE_TODAY)) == (2, 1, [code(1)])
    assert codes(held, Part.OVERDUE_REMINDED) == [code(3)]
    assert codes(later, Part.OVERDUE) == [code(3)]
    assert [one.code for one in held.handled] == [code(2)]


def test_an_alert_somebody_was_on_does_not_come_back_where_a_higher_one_was_told(
    session: Session, rules: Rules
):
    hear(session, rules, WEDNESDAY)
    watched(session, rules, "2026-11-18", code(1))
    past = "2026-11-19 00:00"
    on_it(
        session,
        raised(session, "2026-11-19 07:00", Level.OVERDUE, past, code(1)),
        "2026-11-24 17:00",
    )
    newest = raised(session, "2026-11-22 00:00", Level.OVERDUE_REMINDED, past, code(1))

    held = told(session, rules, WEDNESDAY, seen=Seen(newest, vn(MONDAY)))

    assert [(one.part, one.count) for one in held.sections] == [(Part.OVERDUE, 1)]
    assert codes(held, Part.OVERDUE) == [code(1)]


# -------------------------------------------------------------------------------------- watermarks


def keep(session: Session, name: str, day: str, until: int, *, said: bool = True) -> None:
    mark = Mark(f"digest:{name}:{day}", name, "daily", date.fromisoformat(day), 0, until, said)
    digests.keep(session, [mark], vn(f"{day} 07:00"))


def sent(session: Session, key: str, state: str) -> None:
    session.execute(
        insert(delivery).values(
            key=key, channel="mail", address="an@x.vn", body={}, state=state,
            created_at=vn(MONDAY), next_attempt_at=vn(MONDAY),
        )
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "said", "until"),
    [
        ("sent", True, 9),
        ("queued", True, 5),
        ("dead", True, 5),
        ("dropped", True, 5),
        (None, False, 9),  # there was nothing to say
    ],
)
def test_only_what_was_sent_has_been_told(
    session: Session, state: str | None, *, said: bool, until: int
):
    keep(session, "user:1", "2026-11-19", 5)
    sent(session, "digest:user:1:2026-11-19", "sent")
    keep(session, "user:1", "2026-11-20", 9, said=said)
    if state:
        sent(session, "digest:user:1:2026-11-20", state)

    assert digests.last_seen(session, ["user:1", "user:2"])["user:1"].until == until
    assert "user:2" not in digests.last_seen(session, ["user:1", "user:2"])


def test_who_has_never_been_reached_is_told_from_before_the_first_that_failed(
    session: Session, rules: Rules
):
    hear(session, rules, WEDNESDAY)
    watched(session, rules, "2026-11-20", code(1), code(2))
    raised(session, "2026-11-20 06:59", Level.OVERDUE, "2026-11-21 00:00", code(1))
    raised(session, "2026-11-21 00:01", Level.OVERDUE, "2026-11-21 00:00", code(2))
    keep(session, "user:1", "2026-11-23", 9)
    sent(session, "digest:user:1:2026-11-23", "dead")
    seen = digests.last_seen(session, ["user:1"])["user:1"]

    assert codes(told(session, rules, WEDNESDAY, seen=seen), Part.NEWLY_OVERDUE) == [code(2)]


def test_a_digest_still_queued_the_next_day_is_dropped(session: Session):
    keep(session, "user:1", "2026-11-20", 9)
    sent(session, "digest:user:1:2026-11-20", "queued")
    keep(session, "user:1", "2026-11-23", 9)
    sent(session, "digest:user:1:2026-11-23", "queued")

    assert digests.drop_unsent(session, ["user:1"], date(2026, 11, 23)) == 1
    states = session.execute(select(delivery.c.state).order_by(delivery.c.key)).scalars()
    assert list(states) == ["dropped", "queued"]


def test_every_level_that_is_a_dossiers_is_told_by_news_or_by_how_it_stands():
    by_standing = {Level.DUE_SOON, Level.APOLOGY_DUE, Level.DUE_TODAY}
    of_dossiers = {
        level for level in Level if level.kind not in (Kind.FEED, Kind.CALENDAR, Kind.QUARANTINE)
    }

    assert of_dossiers == by_standing | set(news.TOLD_ONCE)
