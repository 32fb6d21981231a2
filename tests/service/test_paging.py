"""What to ask of a list, and what its answer says: nothing lost at an edge, nothing for ever."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.service.paging import Page, PagingError, Place, question, read
from app.service.shape import Shape, StampFormat
from tests.jobs.rows import vn

NOW = vn("2026-11-20 10:15")
CURSOR = Shape.model_validate({"kind": "cursor", "page_size": 3})
SINCE = Shape.model_validate({"kind": "watermark", "page_size": 3})
TOLD = Shape.model_validate({"kind": "watermark", "page_size": 3, "has_more": "more"})


def stamped(*stamps: str) -> list[dict[str, str]]:
    return [{"updated_at": f"2026-11-20T{stamp}+07:00"} for stamp in stamps]


def answered(shape: Shape, place: Place, **answer: Any) -> Page:  # noqa: ANN401 JSON
    return read(shape, json.dumps(answer).encode(), place, NOW)


def test_a_cursor_begins_without_one_and_goes_on_with_the_last():
    first = answered(CURSOR, Place(), items=stamped("08:00:00"), next="b")

    assert question(CURSOR, Place()) == {"limit": "3"}
    assert (first.place.cursor, first.more, first.fault) == ("b", True, None)
    assert question(CURSOR, first.place) == {"limit": "3", "cursor": "b"}


@pytest.mark.parametrize(
    ("told", "cursor"), [(None, "a"), ("", "a"), ("a", "a"), ("z", "z"), (7, "7")]
)
def test_an_empty_page_ends_it_and_what_can_be_asked_again_is_kept(told: object, cursor: str):
    page = answered(CURSOR, Place("a"), items=[], next=told)

    assert (page.more, page.place.cursor, page.fault) == (False, cursor, None)


def test_the_last_page_of_a_list_without_next_is_asked_again_for_what_is_appended():
    page = answered(CURSOR, Place("a"), items=stamped("08:00:00"))

    assert (page.more, page.place.cursor) == (False, "a")


def test_a_next_cursor_that_is_the_one_asked_with_is_told():
    page = answered(CURSOR, Place("a"), items=stamped("08:00:00"), next="a")

    assert page.fault is not None
    assert "never end" in page.fault.detail
    assert len(page.records) == 1


def test_more_without_a_cursor_is_told():
    shape = Shape.model_validate({"kind": "cursor", "has_more": "more"})

    page = answered(shape, Place("a"), items=[], more=True)

    assert page.fault is not None


def test_a_watermark_is_asked_from_a_little_before():
    asked = question(SINCE, Place(watermark=vn("2026-11-20 08:00")))
    digits = SINCE.model_copy(update={"since_format": StampFormat.DIGITS})

    assert question(SINCE, Place()) == {"limit": "3"}
    assert asked["updated_since"] == "2026-11-20T07:55:00+07:00"
    assert question(digits, Place(watermark=vn("2026-11-20 08:00")))["updated_since"] == (
        "20261120075500"
    )


def test_records_of_equal_stamps_at_a_page_edge_are_asked_again():
    page = answered(SINCE, Place(), items=stamped("08:00:00", "08:00:05", "08:00:05"))

    assert page.more
    assert question(SINCE, page.place)["updated_since"] == "2026-11-20T08:00:04+07:00"


def test_it_ends_when_a_page_brings_nothing_later():
    first = answered(SINCE, Place(), items=stamped("08:00:00", "08:00:05"))
    second = answered(SINCE, first.place, items=stamped("08:00:05"))

    assert (first.more, second.more, second.fault) == (True, False, None)
    assert second.place.watermark == vn("2026-11-20 08:00") + timedelta(seconds=5)


@pytest.mark.parametrize("shape", [SINCE, TOLD], ids=["not said", "said"])
def test_two_pages_of_one_stamp_are_told_and_not_asked_for_ever(shape: Shape):
    same = stamped("08:00:00", "08:00:00", "08:00:00")
    first = answered(shape, Place(), items=same, more=True)
    second = answered(shape, first.place, items=same, more=True)

    assert first.more
    assert not second.more
    assert second.fault is not None
    assert "larger pages" in second.fault.detail
    assert len(second.records) == 3


def test_pages_out_of_order_are_told_and_the_watermark_stays():
    page = answered(TOLD, Place(), items=stamped("08:00:09", "08:00:00"), more=True)

    assert page.fault is not None
    assert "order of updated_at" in page.fault.detail
    assert page.place.watermark is None
    assert not answered(TOLD, Place(), items=stamped("08:00:09", "08:00:00"), more=False).fault


def test_a_stamp_of_the_future_does_not_move_the_watermark():
    items = [*stamped("08:00:00"), {"updated_at": "2099-01-01T00:00:00+07:00"}]

    page = answered(SINCE, Place(), items=items)

    assert page.place.watermark == vn("2026-11-20 08:00")


def test_what_has_no_stamp_is_passed_on_all_the_same():
    items = [{}, 7, None, "x", {"updated_at": 5}, {"updated_at": "soon"}]

    page = answered(SINCE.model_copy(update={"page_size": 50}), Place(), items=items)

    assert (len(page.records), page.more, page.place.watermark) == (6, False, None)


def test_the_watermark_never_goes_back():
    late = vn("2026-11-20 09:00")

    page = answered(SINCE, Place(watermark=late), items=stamped("08:56:00"))

    assert page.place.watermark == late


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html>", "not JSON"),
        (b'{"items": [', "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"null", "no list at 'items'"),
        (b'{"data": []}', "no list at 'items'"),
        (b'{"items": {}}', "no list at 'items'"),
        (b'{"items": [], "next": {"a": 1}}', "no cursor"),
        (b'{"items": [], "next": true}', "no cursor"),
    ],
)
def test_what_is_no_page_is_told(body: bytes, said: str):
    with pytest.raises(PagingError, match=said):
        read(CURSOR, body, Place(), NOW)


def test_a_more_that_is_neither_yes_nor_no_is_told():
    with pytest.raises(PagingError, match="neither true nor false"):
        answered(TOLD, Place(), items=[], more="yes")


def test_an_empty_body_is_an_empty_page():
    page = read(TOLD, b"", Place(watermark=NOW), NOW)

    assert (page.records, page.more, page.fault) == ([], False, None)


def test_the_list_may_lie_deeper_or_be_the_answer_itself():
    deep = Shape.model_validate({"kind": "cursor", "items": "data.rows", "next": "data.after"})
    bare = Shape.model_validate({"kind": "watermark", "items": ""})

    page = answered(deep, Place(), data={"rows": [{}], "after": "x"})

    assert (len(page.records), page.place.cursor) == (1, "x")
    assert len(read(bare, b"[{}, {}]", Place(), NOW).records) == 2


def test_half_a_character_in_one_record_does_not_sink_its_page():
    page = read(CURSOR, b'{"items": [{"code": "\\ud800"}, {"code": "b"}]}', Place(), NOW)

    assert [json.loads(one)["code"] for one in page.records] == ["\ud800", "b"]


def read_all(
    shape: Shape, stamps: list[datetime], place: Place, most: int, *, inclusive: bool
) -> tuple[set[int], Place]:
    """What a run reads of a server that takes "since" with or without that very instant."""
    seen: set[int] = set()
    for _ in range(most):
        asked = question(shape, place).get("updated_since")
        since = datetime.fromisoformat(asked) if asked else None
        found = [
            number
            for number, at in enumerate(stamps)
            if since is None or at > since or (inclusive and at == since)
        ][: shape.page_size]
        items = [{"updated_at": stamps[number].isoformat(), "n": number} for number in found]
        page = read(shape, json.dumps({"items": items}).encode(), place, NOW)
        seen.update(found)
        if page.fault is not None:
            raise PagingError(page.fault)
        place = page.place
        if not page.more:
            return seen, place
    raise AssertionError("it never ends")


@given(
    steps=st.lists(st.integers(0, 3), max_size=40),
    first=st.integers(0, 40),
    size=st.integers(2, 9),
    inclusive=st.booleans(),
)
def test_whatever_the_stamps_every_record_is_read_or_it_is_told(
    steps: list[int], first: int, size: int, *, inclusive: bool
):
    """A first run reads some, records are appended, a second run reads on."""
    shape = SINCE.model_copy(update={"page_size": size, "overlap_seconds": 2})
    at, stamps = vn("2026-11-20 08:00"), []
    for step in steps:
        at += timedelta(seconds=step)
        stamps.append(at)
    try:
        before, place = read_all(shape, stamps[:first], Place(), 200, inclusive=inclusive)
        place = Place(watermark=place.watermark)
        after, _ = read_all(shape, stamps, place, 200, inclusive=inclusive)
    except PagingError:
        crowded = [
            sum(abs((one - other).total_seconds()) <= 3 for other in stamps) for one in stamps
        ]
        assert max(crowded) >= size
        return
    assert before | after == set(range(len(stamps)))
