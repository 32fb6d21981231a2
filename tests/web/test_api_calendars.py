"""Calendars over HTTP: layers laid together, days one by one, proposals, what is confirmed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from app.service.access import Right
from app.service.proposals import PROPOSED_BY
from tests.web.test_api_catalogue import errors
from tests.web.wire import BRANCH, NOW, OTHER, Api, Clock, code, record

pytestmark = pytest.mark.usefixtures("catalogue_as_it_was")

OFFICE = "H20.16"
STORM = {"kind": "off", "name": "Nghỉ do bão số 13", "source": "CV 13/UBND"}
THEIRS = f"{OTHER}-261116-0001"
DAY = [["07:00", "11:30"], ["13:30", "17:00"]]
WEEK = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), DAY)
HOURS = {"received_at": "2026-11-25T07:00:00+07:00", "limit": {"quantity": 8}}


def put(api: Api, path: str, body: Any, **query: Any) -> Any:  # noqa: ANN401 JSON
    if "/days/" in path:
        body = {"source": "CV 1/UBND"} | body
    answer = api.http.put(f"/v1/calendars/{path}", json=body, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def due(api: Api, wanted: str = "") -> Any:  # noqa: ANN401 JSON
    return api.get(f"/v1/dossiers/{wanted or code(1)}/deadline")["due_on"]


@pytest.fixture
def both(sender: Api) -> Api:
    """A dossier of each of two branches, due on 27 November."""
    told = sender.batch([record(1), record(1, code=THEIRS, branch=OTHER)])
    assert told["created"] == 2
    assert (due(sender), due(sender, THEIRS)) == ("2026-11-27", "2026-11-27")
    return sender


# ------------------------------------------------------------------------------------------ layers


def test_a_storm_at_one_branch_moves_the_dossiers_of_that_branch_only(both: Api):
    told = put(both, f"{BRANCH}/days/2026-11-26", STORM)

    assert told | {"changed": True, "subject": BRANCH, "dossiers_moved": 1} == told
    assert (due(both), due(both, THEIRS)) == ("2026-11-30", "2026-11-27")
    assert both.http.get(f"/v1/calendars/{OTHER}").status_code == 404


def test_a_day_of_the_office_moves_every_branch_of_it(both: Api):
    assert put(both, f"{OFFICE}/days/2026-11-26", STORM)["dossiers_moved"] == 2

    assert (due(both), due(both, THEIRS)) == ("2026-11-30", "2026-11-30")


def test_a_branch_works_on_a_day_the_rest_has_off(both: Api):
    put(both, f"{OFFICE}/days/2026-11-26", STORM)
    put(both, f"{BRANCH}/days/2026-11-26", {"kind": "work", "name": "Không nghỉ"})

    assert (due(both), due(both, THEIRS)) == ("2026-11-27", "2026-11-30")


def test_a_branch_with_a_week_of_its_own_keeps_the_days_off_of_the_nation(both: Api):
    put(both, BRANCH, {"week": WEEK | {"sat": [["07:00", "11:00"]]}})

    days = {line["on"]: line for line in both.get(f"/v1/dossiers/{code(1)}/deadline")["trace"]}
    assert due(both) == "2026-11-26"  # Saturday the 21st counts
    assert days["2026-11-21"]["counted"] == 5
    assert days["2026-11-24"]["counted"] is None
    assert due(both, THEIRS) == "2026-11-27"


def test_what_the_nation_publishes_later_leaves_the_storm_of_a_branch(both: Api):
    put(both, f"{BRANCH}/days/2026-11-26", STORM)

    put(both, "national/days/2026-11-25", {"kind": "off", "name": "Nghỉ thêm"})

    assert (due(both), due(both, THEIRS)) == ("2026-12-01", "2026-11-30")


def test_other_hours_on_one_day_count_by_the_hour(sender: Api):
    def ends() -> Any:  # noqa: ANN401 JSON
        asked = HOURS | {"limit": {"quantity": 8, "unit": "working_hours"}}
        return sender.http.post("/v1/deadlines", json=asked).json()["due_at"]

    assert ends() == "2026-11-25T17:00:00+07:00"
    short = {"kind": "work", "name": "Họp", "hours": [["07:00", "11:30"]]}
    put(sender, "national/days/2026-11-25", short)

    assert ends() == "2026-11-26T10:30:00+07:00"


def test_a_season_gives_its_hours_while_it_lasts(sender: Api):
    summer = {"mon": [["06:30", "10:30"]], "tue": [["06:30", "10:30"]], "wed": DAY}
    body = sender.get("/v1/calendars/national")
    season = {"from": "2026-11-23", "until": "2026-11-24", "week": summer}
    put(sender, "national", body | {"seasons": [season]})

    asked = {
        "received_at": "2026-11-23T06:30:00+07:00",
        "limit": {"quantity": 5, "unit": "working_hours"},
    }
    told = sender.http.post("/v1/deadlines", json=asked).json()

    assert told["due_at"] == "2026-11-25T08:00:00+07:00"  # 4 h on Monday, Tuesday is a holiday


def test_a_day_taken_back_is_again_as_the_wider_layers_have_it(both: Api):
    put(both, f"{BRANCH}/days/2026-11-26", STORM)

    answer = both.http.delete(f"/v1/calendars/{BRANCH}/days/2026-11-26")

    assert (answer.status_code, answer.json()["dossiers_moved"]) == (200, 1)
    assert due(both) == "2026-11-27"
    assert both.get(f"/v1/calendars/{BRANCH}")["version"] == 2
    again = errors(both.http.delete(f"/v1/calendars/{BRANCH}/days/2026-11-26"))
    assert BRANCH in again["date"]


def test_every_layer_put_back_as_it_is_read_changes_nothing(both: Api):
    put(both, f"{BRANCH}/days/2026-11-26", STORM)
    put(both, f"{OFFICE}/days/2026-12-31", {"kind": "work", "name": "Họp", "hours": DAY[:1]})
    put(both, "national/days/2027-01-01", {"kind": "off", "name": "Tết Dương lịch"})

    for scope in ("national", OFFICE, BRANCH):
        body = both.get(f"/v1/calendars/{scope}")
        assert put(both, scope, body)["changed"] is False, scope
        assert both.get(f"/v1/calendars/{scope}") == body


# ---------------------------------------------------------------------------- proposals, provenance


def day_of(api: Api, on: str, scope: str = "national") -> Any:  # noqa: ANN401 JSON
    days = api.get(f"/v1/calendars/{scope}")["days"]
    return next((day for day in days if day["date"] == on), None)


def test_a_day_taken_over_says_who_when_and_which_library(sender: Api):
    put(sender, "national/days/2027-01-01", {"kind": "off", "name": "Tết", "source": "TB 1"})

    held = day_of(sender, "2027-01-01")
    assert held.pop("accepted_at").startswith("2026-11-20T10:15:00")
    assert held == {
        "date": "2027-01-01",
        "kind": "off",
        "name": "Tết",
        "source": "TB 1",
        "proposed_by": PROPOSED_BY,
        "accepted_by": "client:one-stop",
    }


def test_the_library_is_not_named_for_what_it_did_not_propose(sender: Api):
    put(sender, "national/days/2027-01-01", {"kind": "work", "name": "Làm việc"})
    put(sender, "national/days/2027-01-04", {"kind": "off", "name": "Nghỉ hoán đổi"})

    assert "proposed_by" not in day_of(sender, "2027-01-01")
    assert "proposed_by" not in day_of(sender, "2027-01-04")
    assert day_of(sender, "2027-01-04")["accepted_by"] == "client:one-stop"


def standing(api: Api, year: int) -> dict[str, tuple[str, bool]]:
    items = api.get("/v1/calendars/national/proposals", year=year)["items"]
    assert {item["proposed_by"] for item in items} == {PROPOSED_BY}
    return {item["date"]: (item["standing"], item["confirmed"]) for item in items}


def test_a_proposal_is_new_or_there_or_the_calendar_differs(sender: Api):
    assert set(standing(sender, 2027).values()) == {("new", False)}
    assert set(standing(sender, 2026).values()) == {("there", True)}
    assert "2026-01-02" not in standing(sender, 2026)  # the swap no library knew

    sender.http.delete("/v1/calendars/national/days/2026-04-30")
    put(sender, "national/days/2026-05-01", {"kind": "work", "name": "Làm việc"})
    put(sender, "national/days/2027-01-01", {"kind": "off", "name": "Tết"})

    after = standing(sender, 2026)
    assert (after["2026-04-30"], after["2026-05-01"]) == (("new", True), ("differs", True))
    assert standing(sender, 2027)["2027-01-01"] == ("there", False)


def test_in_force_lays_the_layers_together_and_names_who_says_what(sender: Api):
    put(sender, f"{OFFICE}/days/2026-11-26", STORM)
    put(sender, f"{BRANCH}/days/2026-11-24", {"kind": "work", "name": "Trực"})

    told = sender.get(f"/v1/calendars/{BRANCH}/in-force", year=2026)

    assert [layer["scope"] for layer in told["layers"]] == ["national", OFFICE, BRANCH]
    days = {day["date"]: (day["scope"], day["kind"]) for day in told["days"]}
    assert days["2026-11-24"] == (BRANCH, "work")
    assert days["2026-11-26"] == (OFFICE, "off")
    assert days["2026-01-10"] == ("national", "work")
    assert list(days) == sorted(days)
    elsewhere = sender.get(f"/v1/calendars/{OTHER}/in-force", year=2026)
    assert [layer["scope"] for layer in elsewhere["layers"]] == ["national", OFFICE]
    assert sender.get(f"/v1/calendars/{OTHER}/in-force", year=2027)["days"] == []


def test_sixty_days_before_an_unconfirmed_year_it_says_so(sender: Api, clock: Clock):
    def soon() -> Any:  # noqa: ANN401 JSON
        return sender.get("/v1/calendars/national/in-force", year=2026)["unconfirmed_soon"]

    clock.now = NOW - timedelta(days=18)  # 2 November, 60 days before
    assert soon() == "2027-01-01"
    clock.now -= timedelta(days=1)
    assert soon() is None
    put(sender, "national/confirmed", {"until": "2027-12-31"})
    clock.now = NOW
    assert soon() is None


def test_a_confirmed_year_makes_its_due_dates_certain(sender: Api):
    far = {"received_at": "2026-11-20T08:00:00+07:00", "promised_at": None}
    sender.put(record(1, procedure="1.013967", **far, updated_at="2026-11-20T08:00:05+07:00"))
    before = sender.get(f"/v1/dossiers/{code(1)}/deadline")
    assert before["due_on"] > "2027"
    assert before["provisional"] is True

    told = put(sender, "national/confirmed", {"until": "2027-12-31"})

    assert told["changed"] is True
    after = sender.get(f"/v1/dossiers/{code(1)}/deadline")
    assert (after["provisional"], after["due_on"]) == (False, before["due_on"])
    in_force = sender.get(f"/v1/calendars/{BRANCH}/in-force", year=2027)
    assert in_force["confirmed_until"] == "2027-12-31"


# ---------------------------------------------------------------------------------- who, and faults


def test_a_client_of_a_branch_closes_that_branch_and_nothing_wider(api: Callable[..., Api]):
    rights = [Right.READ, Right.CATALOGUE]
    mine = api("mine", branches=[BRANCH], rights=rights)
    whole = api("whole", rights=rights)

    assert put(mine, f"{BRANCH}/days/2026-11-26", STORM)["changed"] is True
    for api_, scope in ((mine, OFFICE), (mine, "national"), (whole, "national")):
        for query in ("", "?preview=true"):
            address = f"/v1/calendars/{scope}/days/2026-11-26{query}"
            assert api_.http.put(address, json=STORM).status_code == 403, (scope, query)
    assert mine.http.put(f"/v1/calendars/{OTHER}/days/2026-11-26", json=STORM).status_code == 404
    assert put(whole, f"{OFFICE}/days/2026-11-26", STORM)["changed"] is True


DAYS = f"/v1/calendars/{BRANCH}/days"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (f"{DAYS}/2026-11-26", {"kind": "maybe", "name": "x"}, "kind"),
        (f"{DAYS}/2026-11-26", {"kind": "off"}, "name"),
        (f"{DAYS}/2026-11-26", {"kind": "off", "name": "x"}, "source"),
        (f"{DAYS}/2026-11-26", {"kind": "off", "name": "x", "source": " "}, "source"),
        ("/v1/calendars/national/confirmed", {"until": "2026-06-30"}, "until"),
        (f"{DAYS}/2026-11-26", {"kind": "off", "name": ""}, "name"),
        (f"{DAYS}/2026-11-26", {"kind": "off", "name": "x" * 201}, "name"),
        (f"{DAYS}/2026-11-26", STORM | {"source": "x" * 501}, "source"),
        (f"{DAYS}/2026-11-26", STORM | {"proposed_by": "me"}, "proposed_by"),
        (f"{DAYS}/2026-11-26", STORM | {"hours": DAY}, ""),
        (f"{DAYS}/2026-11-26", {"kind": "work", "name": "x", "hours": []}, ""),
        (
            f"{DAYS}/2026-11-26",
            {"kind": "work", "name": "x", "source": "y", "hours": [["7h", "9h"]]},
            "days",
        ),
        (
            f"{DAYS}/2026-11-26",
            {"kind": "work", "name": "x", "source": "y", "hours": [["09:00", "08:00"]]},
            "days",
        ),
        (f"{DAYS}/26-11-2026", STORM, "on"),
        (f"{DAYS}/2026-02-30", STORM, "on"),
        (f"/v1/calendars/{BRANCH}/confirmed", {"until": "2027"}, "until"),
        (f"/v1/calendars/{BRANCH}/confirmed", {}, "until"),
        (f"/v1/calendars/{BRANCH}", {"week": {"monday": DAY}}, "week"),
        (f"/v1/calendars/{BRANCH}", {"days": [STORM]}, "days.0.date"),
        (f"/v1/calendars/{BRANCH}", {"seasons": [{"from": "x", "week": WEEK}]}, "seasons.0.from"),
        ("/v1/calendars/national", {"days": [STORM | {"date": "2026-11-26"}]}, "week"),
    ],
    ids=range(21),
)
def test_what_cannot_be_is_refused_by_the_name_of_its_field(
    sender: Api,
    path: str,
    body: Any,  # noqa: ANN401 JSON
    field: str,
):
    told = errors(sender.http.put(path, json=body))

    assert any(name.startswith(field) for name in told), told
    assert sender.http.get(f"/v1/calendars/{BRANCH}").status_code == 404


@pytest.mark.parametrize("what", ["in-force", "proposals"])
@pytest.mark.parametrize("year", ["", "?year=2012", "?year=2057", "?year=x"])
def test_a_year_the_calendar_does_not_cover_is_refused(sender: Api, what: str, year: str):
    assert "year" in errors(sender.http.get(f"/v1/calendars/national/{what}{year}"))


# ------------------------------------------------------------------------------------------ rights


def test_a_calendar_that_ends_for_good_is_refused_and_nobody_elses_lists_break(sender: Api):
    closed = {"seasons": [{"from": "2026-11-01", "week": {}}]}

    answer = sender.http.put(f"/v1/calendars/{BRANCH}", json=closed)

    assert "2026" in errors(answer)["seasons"]
    assert sender.http.get("/v1/dossiers").status_code == 200


def test_an_office_takes_no_scope_of_the_nation_by_naming_a_branch_after_it(
    api: Callable[..., Api],
):
    office = api("office", rights=[Right.READ, Right.CATALOGUE])
    body = office.get(f"/v1/offices/{OFFICE}")
    named = {"code": "national", "name": "x", "short_name": "x"}

    answer = office.http.put(
        f"/v1/offices/{OFFICE}", json=body | {"branches": [*body["branches"], named]}
    )

    assert "national" in errors(answer)
    assert office.http.put("/v1/calendars/national/days/2026-11-26", json=STORM).status_code == 403


@pytest.mark.parametrize("what", ["branches", "communes"])
def test_a_code_twice_in_an_office_is_told(sender: Api, what: str):
    body = sender.get(f"/v1/offices/{OFFICE}")
    twice = body | {what: [*body[what], body[what][0]]}

    assert body[what][0]["code"] in errors(sender.http.put(f"/v1/offices/{OFFICE}", json=twice))


def test_who_took_a_day_over_is_not_the_senders_to_say(sender: Api):
    forged = STORM | {"date": "2026-11-26", "accepted_by": "user:giamdoc", "proposed_by": "x 9"}

    put(sender, BRANCH, {"days": [forged]})

    assert "accepted_by" not in day_of(sender, "2026-11-26", BRANCH)
    assert "proposed_by" not in day_of(sender, "2026-11-26", BRANCH)


def test_a_narrower_calendar_has_no_zone_of_its_own(sender: Api):
    answer = sender.http.put(f"/v1/calendars/{BRANCH}", json={"zone": "America/New_York"})

    assert "zone" in errors(answer)


def test_the_same_day_said_again_is_no_new_version(sender: Api):
    put(sender, f"{BRANCH}/days/2026-11-26", STORM)

    assert put(sender, f"{BRANCH}/days/2026-11-26", STORM)["changed"] is False


def test_a_year_confirmed_with_days_left_out_names_them(sender: Api):
    told = put(sender, "national/confirmed", {"until": "2027-12-31"}, preview=True)

    left = {one["date"] for one in told["left_out"]}
    assert {"2027-01-01", "2027-02-08", "2027-11-24"} <= left
    assert told["no_longer_provisional"] == 0
