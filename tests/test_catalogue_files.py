"""The catalogue files hold together: codes, limits, stages, communes and the calendar."""

import json
import re
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

CATALOGUE = Path(__file__).resolve().parents[1] / "app" / "catalogue"
CALENDAR = json.loads((CATALOGUE / "calendar_vn.json").read_text(encoding="utf-8"))
Limit = dict[str, Any]

PROCEDURES = json.loads((CATALOGUE / "procedures.json").read_text(encoding="utf-8"))
DONG_THAP = json.loads((CATALOGUE / "dong_thap.json").read_text(encoding="utf-8"))

CODES_2025 = [
    "1.012753",
    "1.013978",
    "1.012756",
    "1.012766",
    "1.012781",
    "1.012782",
    "1.012783",
    "1.012784",
    "1.012785",
    "1.012786",
    "1.012787",
    "1.012789",
    "1.012790",
    "1.012791",
    "1.012793",
    "1.012796",
    "1.012805",
    "1.012812",
    "1.012817",
    "1.012818",
    "1.012821",
    "1.013823",
    "1.013949",
    "1.013825",
    "1.013950",
    "1.013826",
    "1.013952",
    "1.013827",
    "1.013953",
    "1.013831",
    "1.013833",
    "1.013947",
    "1.013962",
    "1.013965",
    "1.013967",
    "1.013977",
    "1.013979",
    "1.013980",
    "1.013988",
    "1.013992",
    "1.013993",
    "1.013995",
    "1.011441",
    "1.011442",
    "1.011443",
    "1.011444",
    "1.011445",
]
CODES_2026 = ["1.115428", "1.115438"]
CODES_BEFORE_2024 = [
    "1.005398",
    "2.001938",
    "1.004238",
    "1.004227",
    "1.004221",
    "1.004203",
    "1.004199",
    "1.004193",
    "1.004177",
    "2.000889",
    "1.005194",
]
# Procedures for which the sources print no figure at all.
WITHOUT_A_LIMIT = {"1.012821", "1.004238", "1.004221", "1.004177", *CODES_2026}

GROUPS = [
    "first_registration",
    "transfer",
    "renewal",
    "reissue",
    "subdivision",
    "correction",
    "name_change",
    "mortgage",
    "land_information",
    "allocation",
    "purpose_change",
    "dispute",
    "revocation",
    "assets",
    "debt_release",
    "land_use_extension",
    "other",
]
UNITS = {"working_days", "working_hours", "calendar_days", "calendar_months"}
CONFIDENCES = {"found", "memory_high", "memory_medium", "derived"}

# QĐ 138/2025 prints half days here (8.5 + 6.5, 2.5 + 2.5, 4.5 + 2.5); the catalogue rounds each
# appointment up to the whole day, so together they exceed the total.
STAGES_THAT_DO_NOT_ADD_UP = {
    ("1.013950", "default"): 16,
    ("1.013952", "adjust_decision"): 6,
    ("1.013953", "within_7_days"): 8,
}

FIGURES = {
    ("1.012753", "register_only", None): (17, 27),
    ("1.012753", "with_certificate", None): (20, 30),
    ("1.012783", "default", None): (5, 15),
    ("1.012783", "with_survey", None): (10, 20),
    ("1.012784", "default", None): (12, 22),
    ("1.013827", "within_7_days", None): (7, 25),
    ("1.013831", "default", None): (8, 18),
    ("1.013831", "default", "H20"): (8, 18),
    ("1.013947", "default", None): (7, 17),
    ("1.013967", "default", None): (45, 60),
}

REGIME_B = {
    ("1.012753", "register_only"): (20, 30),
    ("1.012753", "with_certificate"): (23, 33),
    ("1.012756", "default"): (20, 30),
    ("1.012783", "default"): (5, 15),
    ("1.012783", "with_survey"): (10, 20),
    ("1.012784", "default"): (15, 25),
    ("1.012785", "default"): (10, 20),
    ("1.012786", "default"): (10, 20),
    ("1.012787", "default"): (10, 20),
    ("1.012789", "in_database"): (0, None),
    ("1.012790", "default"): (10, 20),
    ("1.012793", "default"): (10, 20),
    ("1.012796", "default"): (10, 20),
}


def limits() -> list[tuple[str, str, Limit]]:
    return [
        (procedure["code"], case["case"], limit)
        for procedure in PROCEDURES
        for case in procedure["cases"]
        for limit in case["limits"]
    ]


def limit_of(code: str, case: str, province: str | None, on: str = "2026-01-15") -> Limit:
    found = [
        limit
        for its_code, its_case, limit in limits()
        if (its_code, its_case, limit["province"]) == (code, case, province)
        and limit["valid_from"] <= on <= (limit["valid_until"] or "9999-12-31")
    ]
    assert len(found) == 1
    return found[0]


def day(text: str) -> date:
    return date.fromisoformat(text)


def test_every_code_of_the_sources_is_in_the_catalogue_once():
    codes = [procedure["code"] for procedure in PROCEDURES]
    assert sorted(codes) == sorted(CODES_2025 + CODES_2026 + CODES_BEFORE_2024)


def test_procedures_are_in_the_order_of_their_codes():
    codes = [procedure["code"] for procedure in PROCEDURES]
    assert codes == sorted(codes)


def test_procedure_codes_are_national_codes_without_a_provincial_suffix():
    for procedure in PROCEDURES:
        assert re.fullmatch(r"\d\.\d{6}", procedure["code"])


def test_procedures_use_the_agreed_words():
    for procedure in PROCEDURES:
        assert procedure["group"] in GROUPS, procedure["code"]
        assert procedure["field"] in {"Đất đai", "Giao dịch bảo đảm"}
        assert procedure["level"] in {"province", "commune", "land_office"}
        assert procedure["cases"], procedure["code"]


def test_case_ids_are_stable_names_used_once_in_a_procedure():
    for procedure in PROCEDURES:
        ids = [case["case"] for case in procedure["cases"]]
        assert len(ids) == len(set(ids)), procedure["code"]
        assert all(re.fullmatch(r"[a-z][a-z0-9_]*", case_id) for case_id in ids)


def test_names_spell_out_the_usual_abbreviations():
    names = [procedure["name"] for procedure in PROCEDURES]
    names += [case["name"] for procedure in PROCEDURES for case in procedure["cases"]]
    abbreviation = r"\b(GCN|QSDĐ|SDĐ|GĐ|BĐS|UBND|VPĐK|VPĐKĐĐ|TTHC|ĐK|MĐ|NN|QĐ)\b"
    for name in names:
        assert name
        assert name == name.strip()
        assert not re.search(abbreviation, name), name


def test_only_the_procedures_without_a_printed_figure_have_no_limit():
    empty = {
        procedure["code"]
        for procedure in PROCEDURES
        if not all(case["limits"] for case in procedure["cases"])
    }
    assert empty == WITHOUT_A_LIMIT
    for procedure in PROCEDURES:
        assert procedure["code"] not in empty or procedure["doubt"]


def test_every_limit_uses_the_agreed_words_and_names_its_ground():
    for code, _case, limit in limits():
        assert isinstance(limit["quantity"], int)
        assert limit["quantity"] >= 0
        assert limit["unit"] in UNITS
        assert limit["confidence"] in CONFIDENCES
        assert limit["supplement"] in {None, "resume", "restart"}
        assert limit["province"] is None or re.fullmatch(r"H\d{2}", limit["province"])
        assert limit["ground"], code
        assert limit["source"], code
        assert limit["valid_until"] is None or day(limit["valid_from"]) <= day(limit["valid_until"])


def test_each_day_from_the_first_limit_of_a_case_and_province_to_its_last_has_one_limit():
    spans: dict[tuple[str, str, str | None], list[tuple[date, date]]] = {}
    for code, case, limit in limits():
        span = day(limit["valid_from"]), day(limit["valid_until"] or "9999-12-31")
        spans.setdefault((code, case, limit["province"]), []).append(span)
    for key, its_spans in spans.items():
        its_spans.sort()
        for (_, until), (start, _) in pairwise(its_spans):
            assert start == until + timedelta(days=1), key


def test_a_provincial_limit_overrides_a_national_one_of_the_same_case():
    national = {(code, case) for code, case, limit in limits() if limit["province"] is None}
    for code, case, limit in limits():
        if limit["province"]:
            assert (code, case) in national
            assert limit["valid_from"] == "2025-12-05"
            assert limit["valid_until"] is None
            assert re.search(r" Đ\d+(\.\d)?$", limit["ground"])
            assert "NĐ 49/2026" in limit["doubt"]


def test_dong_thap_has_the_totals_of_the_national_limits():
    for code, case, limit in limits():
        if limit["province"] == "H20":
            national = limit_of(code, case, None)
            assert limit["quantity"] == national["quantity"], (code, case)
            assert limit["unit"] == national["unit"], (code, case)


def test_the_stages_of_a_limit_add_up_to_its_quantity():
    uneven = {}
    for code, case, limit in limits():
        if limit["stages"]:
            total = sum(stage["quantity"] for stage in limit["stages"])
            assert {stage["unit"] for stage in limit["stages"]} == {limit["unit"]}
            if total != limit["quantity"]:
                uneven[code, case] = total
    assert uneven == STAGES_THAT_DO_NOT_ADD_UP


def test_a_transfer_in_dong_thap_has_appointments_of_five_and_three_working_days():
    limit = limit_of("1.013831", "default", "H20")
    assert limit["stages"] == [
        {"quantity": 5, "unit": "working_days"},
        {"quantity": 3, "unit": "working_days"},
    ]
    assert limit["ground"].endswith("Đ30.1")
    assert limit_of("1.013831", "default", None)["stages"] is None


def test_the_printed_figures_are_in_the_catalogue():
    for (code, case, province), (plain, difficult) in FIGURES.items():
        limit = limit_of(code, case, province)
        assert (limit["quantity"], limit["difficult"]["quantity"]) == (plain, difficult)


def test_a_difficult_commune_never_has_less_time():
    for code, case, limit in limits():
        if limit["difficult"]:
            assert limit["difficult"]["quantity"] >= limit["quantity"], (code, case)


def test_a_figure_derived_from_the_ten_day_rule_says_so_and_is_ten_working_days_more():
    for code, case, limit in limits():
        if "+10" in limit.get("difficult_note", ""):
            assert limit["unit"] == "working_days"
            assert limit["quantity"] > 0
            assert limit["difficult"]["quantity"] == limit["quantity"] + 10, (code, case)


def test_only_same_day_limits_have_a_cutoff_and_all_of_them_at_three():
    for code, case, limit in limits():
        assert (limit["cutoff"] == "15:00") == (limit["quantity"] == 0), (code, case)
        assert limit["cutoff"] in {None, "15:00"}
        assert limit["quantity"] or (limit["difficult"] is None and limit["stages"] is None)


def test_a_mortgage_is_registered_the_same_day_or_within_three_working_days():
    codes = [procedure["code"] for procedure in PROCEDURES if procedure["group"] == "mortgage"]
    assert codes == ["1.011441", "1.011442", "1.011443", "1.011444", "1.011445"]
    for code in codes:
        limit = limit_of(code, "default", None)
        assert limit["quantity"] == 0
        assert limit["extension"] == {"quantity": 3, "unit": "working_days"}
    assert {code for code, _, limit in limits() if "extension" in limit} == set(codes)


def test_a_supplement_restarts_the_clock_only_under_the_decree_of_2018():
    for code, _case, limit in limits():
        ended = (limit["valid_until"] or "9999-12-31") <= "2025-06-30"
        assert limit["supplement"] == ("restart" if ended else None)
        assert code not in CODES_BEFORE_2024 or limit["valid_until"] == "2024-07-31"


def test_the_figures_of_the_decree_of_2024_are_in_the_catalogue_with_their_doubts():
    found = {}
    for code, case, limit in limits():
        if limit["valid_from"] == "2024-08-01":
            found[code, case] = limit["quantity"], (limit["difficult"] or {}).get("quantity")
            assert limit["valid_until"] == "2025-06-30"
            assert limit["ground"].startswith("NĐ 101/2024/NĐ-CP Điều 22")
            assert "in use from 2024-08-01 to 2025-06-30 is not confirmed" in limit["doubt"]
            assert limit_of(code, case, None, "2025-07-01")["valid_until"] is None
    assert found == REGIME_B


def test_a_difficult_commune_had_ten_days_more_before_2025_too():
    for code, case, limit in limits():
        if (limit["valid_until"] or "9999-12-31") <= "2025-06-30" and limit["quantity"]:
            assert limit["difficult"] == {"quantity": limit["quantity"] + 10, "stages": None}
            assert "+10" in limit["difficult_note"], (code, case)


def test_every_commune_belongs_to_a_branch_and_every_branch_has_communes():
    branches = [branch["code"] for branch in DONG_THAP["branches"]]
    assert len(branches) == len(set(branches)) >= 8
    assert all(code.startswith(DONG_THAP["office"]["code"] + ".") for code in branches)
    assert {commune["branch"] for commune in DONG_THAP["communes"]} == set(branches)


def test_the_seat_of_a_branch_is_one_of_its_communes():
    for branch in DONG_THAP["branches"]:
        own = [c["name"] for c in DONG_THAP["communes"] if c["branch"] == branch["code"]]
        assert branch["seat"] in own


def test_dong_thap_has_102_communes_with_codes_of_five_digits():
    codes = [commune["code"] for commune in DONG_THAP["communes"]]
    assert len(set(codes)) == len(codes) == 102
    assert codes == sorted(codes)
    assert "30001" in codes
    assert all(re.fullmatch(r"\d{5}", code) for code in codes)
    assert sum(c["name"].startswith("Phường ") for c in DONG_THAP["communes"]) == 20
    assert sum(c["name"].startswith("Xã ") for c in DONG_THAP["communes"]) == 82


def test_four_border_communes_are_difficult_since_the_merger():
    difficult = [c for c in DONG_THAP["communes"] if c["difficult_from"]]
    assert len(difficult) == 4
    assert all(c["difficult_from"] == "2025-07-01" for c in difficult)
    assert "sample" in DONG_THAP["office"]["note"].lower()


def test_the_calendar_counts_the_official_working_days_of_each_year():
    off = {day(row["date"]) for row in CALENDAR["days"] if row["kind"] == "off"}
    worked = {day(row["date"]) for row in CALENDAR["days"] if row["kind"] == "work"}
    weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    counted = dict.fromkeys((2023, 2024, 2025, 2026), 0)
    today, last = day(CALENDAR["confirmed_from"]), day(CALENDAR["confirmed_until"])
    while today <= last:
        hours = CALENDAR["week"][weekdays[today.weekday()]]
        counted[today.year] += today in worked or (bool(hours) and today not in off)
        today += timedelta(days=1)
    assert counted == {2023: 249, 2024: 251, 2025: 250, 2026: 249}


def test_no_day_of_the_calendar_is_named_twice_and_all_lie_in_the_confirmed_span():
    days = [row["date"] for row in CALENDAR["days"]]
    assert days == sorted(set(days))
    assert CALENDAR["confirmed_from"] <= days[0]
    assert days[-1] <= CALENDAR["confirmed_until"]
    assert {row["kind"] for row in CALENDAR["days"]} == {"off", "work"}
    assert all(row["name"] and row["source"] for row in CALENDAR["days"])


def test_days_off_fall_on_weekdays_and_worked_days_on_saturdays():
    for row in CALENDAR["days"]:
        weekday = day(row["date"]).weekday()
        assert weekday == 5 if row["kind"] == "work" else weekday < 5, row["date"]


def test_the_calendar_knows_the_worked_saturdays_and_the_new_holiday():
    kinds = {row["date"]: row["kind"] for row in CALENDAR["days"]}
    worked = [text for text, kind in kinds.items() if kind == "work"]
    assert worked == ["2024-05-04", "2025-04-26", "2026-01-10", "2026-08-22"]
    assert all(kinds[text] == "off" for text in ("2024-04-29", "2025-05-02", "2026-01-02"))
    assert kinds["2026-08-31"] == kinds["2026-11-24"] == "off"
    assert "2026-11-23" not in kinds


def test_an_office_day_has_eight_hours():
    for weekday in ("mon", "tue", "wed", "thu", "fri"):
        minutes = 0
        for start, end in CALENDAR["week"][weekday]:
            minutes += int(end[:2]) * 60 + int(end[3:]) - int(start[:2]) * 60 - int(start[3:])
        assert minutes == 480
    assert CALENDAR["week"]["sat"] == CALENDAR["week"]["sun"] == []


def test_the_steps_of_dong_thap_take_the_time_of_their_appointments():
    told = [(code, case, limit) for code, case, limit in limits() if "steps" in limit]
    for code, case, limit in told:
        assert limit["province"] == "H20"
        parts = [0.0]
        for step in limit["steps"]:
            if step["unit"] == "tax":
                parts.append(0)
            parts[-1] += step.get("quantity", 0)
        stages = [stage["quantity"] for stage in limit["stages"] or ()]
        assert parts == (stages or [limit["quantity"] or 1]), (code, case)
    assert len(told) == 30


def test_the_tax_office_has_five_working_days_and_seven_for_an_organisations_first_registration():
    told: dict[tuple[str, str], set[tuple[int, str]]] = {}
    for code, case, limit in limits():
        if "tax" in limit:
            assert limit["valid_from"] >= "2025-07-01"
            told.setdefault((code, case), set()).add(
                (limit["tax"]["quantity"], limit["tax"]["ground"])
            )
    assert told.pop(("1.012753", "with_certificate")) == {(7, "NĐ 103/2024/NĐ-CP Đ21 k1")}
    assert told.pop(("1.013978", "with_certificate")) == {(5, "NĐ 103/2024/NĐ-CP Đ21 k2")}
    assert set.union(*told.values()) == {(5, "NĐ 126/2020/NĐ-CP Đ13 k6")}
    assert ("1.013831", "default") in told
