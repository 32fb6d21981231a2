"""Charts: what is drawn, what is told to who cannot see it, and the process that draws."""

import json
import os
import signal
from collections.abc import Iterator
from datetime import datetime
from time import monotonic, sleep
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from app.core import periods
from app.printed import bars, vega
from app.printed.bars import Picture
from app.printed.easel import Easel, NotDrawnError
from app.printed.forms import Form, Size
from app.printed.speech import Speech
from app.service.document import Bars, Column, Document, Kind, Row

VI, EN = Speech("vi"), Speech("en")
COLUMNS = (
    Column("branch", "Branch", Kind.TEXT),
    Column("early", "Early"),
    Column("on_time", "On time"),
    Column("late", "Past due"),
    Column("rate", "Rate", Kind.RATE),
)
EVIL = "<script>alert('1')</script> & \"Cao Lãnh\""


def row(name: str, *figures: float | None, level: int = 0) -> Row:
    keys = ("early", "on_time", "late", "rate")
    return Row({"branch": name, **dict(zip(keys, figures, strict=True))}, level)


def document(*rows: Row, chart: Bars | None = None) -> Document:
    at = datetime.fromisoformat("2026-11-20T10:15:00+07:00")
    return Document(
        name="on-time",
        title="Dossiers settled on time",
        unit="Văn phòng",
        branch=None,
        period=periods.named("2026-Q3"),
        as_of=at,
        columns=COLUMNS,
        rows=list(rows),
        total=None,
        definition=(),
        data_as_of=at,
        chart=chart or Bars("branch", ("early", "on_time", "late"), "rate"),
    )


def drawn(*rows: Row, say: Speech = VI, chart: Bars | None = None) -> Picture:
    found = bars.picture(document(*rows, chart=chart), say)
    assert found is not None
    return found


SOME = (row("Cao Lãnh", 1200, 300, 15, 1500 / 1515), row("Tân Hồng", 0, 0, 0, None))


def test_a_bar_has_the_figures_of_its_row_and_the_rate_beside():
    found = drawn(*SOME)

    assert [part.heading for part in found.parts] == ["Trước hạn", "Đúng hạn", "Quá hạn"]
    assert list(found.bars[0].lengths) == [1200, 300, 15]
    assert list(found.bars[0].figures) == ["1.200", "300", ""]  # no room for the 15
    assert [bar.beside for bar in found.bars] == ["99,0%", "chưa có số liệu"]


def test_the_sentence_tells_every_figure_in_the_language_of_the_reader():
    assert drawn(*SOME).sentence == (
        "Cao Lãnh: 99,0%, trước hạn 1.200, đúng hạn 300, quá hạn 15; "
        "Tân Hồng: chưa có số liệu, trước hạn 0, đúng hạn 0, quá hạn 0."
    )
    assert drawn(*SOME, say=EN).sentence.startswith("Cao Lãnh: 99.0%, early 1,200, on time 300, p")


def test_the_parts_are_told_apart_without_colours():
    def lightness(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    def contrast(one: str, other: str) -> float:
        low, high = sorted((lightness(one), lightness(other)))
        return (high + 0.05) / (low + 0.05)

    early, on_time, late = (part.colour for part in drawn(*SOME).parts)
    assert contrast(early, on_time) > 2
    assert contrast(on_time, late) > 6
    assert contrast(early, late) > 3
    assert all(contrast(part.colour, part.ink) > 4.5 for part in drawn(*SOME).parts)


def test_only_rows_of_the_level_are_drawn_and_of_many_the_largest_in_their_order():
    many = [row(f"xã {n:02}", n, 0, 0, 1.0) for n in range(1, 31)]
    found = drawn(row("tổng", 999, 0, 0, 1.0, level=1), *many)

    assert [bar.name for bar in found.bars] == [f"xã {n:02}" for n in range(19, 31)]
    assert found.note == "Biểu đồ chỉ vẽ 12 dòng lớn nhất trong 30 dòng."
    assert drawn(*many[:12]).note == ""


@pytest.mark.parametrize("rows", [(), (row("Tân Hồng", 0, 0, 0, None),), (row("x", *[None] * 4),)])
def test_where_there_are_no_figures_there_is_no_chart(rows: tuple[Row, ...]):
    assert bars.picture(document(*rows), VI) is None


def test_a_document_without_a_chart_has_none():
    plain = document(*SOME)
    plain.chart = None

    assert bars.picture(plain, VI) is None


def test_a_chart_of_rates_alone_is_one_bar_a_row():
    found = drawn(*SOME, chart=Bars("branch", (), "rate"))

    assert [len(bar.lengths) for bar in found.bars] == [1, 1]
    assert found.sentence == "Cao Lãnh: 99,0%; Tân Hồng: chưa có số liệu."


def test_other_content_is_another_key_and_the_same_is_the_same():
    assert drawn(*SOME).key == drawn(*SOME).key
    assert drawn(*SOME).key != drawn(*SOME, say=EN).key
    assert drawn(*SOME).key != drawn(SOME[0]).key


# --------------------------------------------------------------------------------------- Vega-Lite


def every(held: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 JSON
    match held:
        case dict():
            for name, value in held.items():
                yield name, value
                yield from every(value)
        case list():
            for value in held:
                yield from every(value)
        case _:
            pass


@pytest.mark.parametrize("size", Size)
def test_the_definition_holds_its_data_and_names_no_address(size: Size):
    made = json.loads(vega.draw(drawn(*SOME), size, Form.VEGA))

    assert made["$schema"].startswith("https://vega.github.io/schema/vega-lite/v6")
    assert made["description"].startswith("Cao Lãnh: 99,0%")
    assert not [value for name, value in every(made) if name in ("url", "href")]
    told = [one for values in made["datasets"].values() for one in values]
    assert {"start": 1200, "end": 1500, "part": "Đúng hạn"}.items() <= next(
        one for one in told if one.get("part") == "Đúng hạn"
    ).items()


def test_the_picture_shows_what_was_named_and_runs_nothing():
    picture = drawn(row(EVIL, 5, 3, 2, 0.8))
    svg = vega.draw(picture, Size.WIDE, Form.SVG).decode()

    tree = ET.fromstring(svg)  # noqa: S314 our own
    assert {one.tag.rpartition("}")[2] for one in tree.iter()} <= {
        "svg", "g", "path", "text", "rect", "line", "tspan", "title",
    }  # fmt: skip
    assert EVIL in "".join(tree.itertext()).replace("\n", " ")
    assert "style=" not in svg  # which our policy would not let through
    assert 'href="http' not in svg
    for words in ("Trước hạn", "Đúng hạn", "Quá hạn", "80,0%"):
        assert words in "".join(tree.itertext())


def test_the_same_picture_is_the_same_bytes():
    assert vega.draw(drawn(*SOME), Size.WIDE, Form.PNG) == vega.draw(
        drawn(*SOME), Size.WIDE, Form.PNG
    )


# ------------------------------------------------------------------------------------------- easel


@pytest.fixture
def easel() -> Iterator[Easel]:
    made = Easel(patience=60)
    yield made
    made.end()


def pid_of(easel: Easel) -> int:
    process = easel._process  # noqa: SLF001 which no one else asks for
    assert process is not None
    assert process.pid is not None
    return process.pid


def gone(pid: int) -> bool:
    until = monotonic() + 10
    while monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        sleep(0.05)
    return False


def test_a_process_that_was_killed_is_followed_by_another(easel: Easel):
    first = easel.draw(drawn(*SOME), Size.WIDE, Form.PNG)
    assert first.startswith(b"\x89PNG")
    pid = pid_of(easel)
    os.kill(pid, signal.SIGKILL)

    assert easel.draw(drawn(*SOME), Size.WIDE, Form.PNG) is first  # kept
    assert easel.draw(drawn(SOME[0]), Size.WIDE, Form.SVG).startswith(b"<svg")
    assert pid_of(easel) != pid


def test_ended_it_leaves_no_process_and_draws_no_more(easel: Easel):
    easel.wake()
    pid = pid_of(easel)

    easel.end()

    assert gone(pid)
    easel.wake()
    with pytest.raises(NotDrawnError):
        easel.draw(drawn(*SOME), Size.WIDE, Form.SVG)


def test_a_chart_that_takes_too_long_is_given_up_at_once_and_not_tried_again_soon():
    hasty = Easel(patience=0.2)
    begun = monotonic()
    with pytest.raises(NotDrawnError):
        hasty.draw(drawn(*SOME), Size.WIDE, Form.SVG)
    assert monotonic() - begun < 10

    begun = monotonic()
    with pytest.raises(NotDrawnError):
        hasty.draw(drawn(*SOME), Size.WIDE, Form.SVG)
    assert monotonic() - begun < 0.2
    hasty.end()


def test_it_keeps_a_bounded_number(easel: Easel, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("app.printed.easel._KEPT", 2)
    for n in range(1, 5):
        easel.draw(drawn(row("x", n, 0, 0, 1.0)), Size.WIDE, Form.VEGA)

    assert len(easel._kept) == 2  # noqa: SLF001
