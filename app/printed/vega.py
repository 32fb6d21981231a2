"""A picture as one Vega-Lite definition, and drawn: SVG for a page, PNG for a mail and a file.

Slow to import and heavy in memory (a JavaScript engine): `printed.easel` keeps it in a process of
its own. Nothing is fetched from anywhere: all data stand in the definition.
"""

import json
from collections.abc import Iterator
from textwrap import shorten, wrap
from typing import Any

import altair as alt
import vl_convert

from app.printed.bars import Bar, Picture
from app.printed.forms import Form, Size

FONT = "Noto Sans, Liberation Sans, Arial, sans-serif"
"""The second comes with the drawing program, so that no machine draws a chart without words."""
_INK = "#1b1f24"
_LINE_HEIGHT = 16
_PNG_SCALE = 2
_NOTHING: list[str] = []  # data are in the definition; no address may be read


def draw(picture: Picture, size: Size, form: Form) -> bytes:
    """The chart in a form, the same bytes for the same picture on the same machine."""
    held = definition(picture, size)
    match form:
        case Form.VEGA:
            return json.dumps(held, ensure_ascii=False).encode()
        case Form.SVG:
            drawn = vl_convert.vegalite_to_svg(held, allowed_base_urls=_NOTHING)
            return drawn.encode()
        case Form.PNG:
            return bytes(
                vl_convert.vegalite_to_png(held, scale=_PNG_SCALE, allowed_base_urls=_NOTHING)
            )


def definition(picture: Picture, size: Size) -> dict[str, Any]:
    """The Vega-Lite definition of a picture; it names its data and reads no address."""
    wide = size is Size.WIDE
    step, thick = (38, 24) if wide else (48, 18)
    base = alt.Chart(alt.InlineData(values=list(_parts(picture))))
    rows = alt.Chart(alt.InlineData(values=list(_rows(picture, wide=wide))))
    y = alt.Y("row:O", axis=None, scale=alt.Scale(padding=0))
    bar = base.mark_bar(height=thick, stroke="white", strokeWidth=1, yOffset=0 if wide else 8)
    layers = alt.layer(
        bar.encode(
            x=alt.X("start:Q", axis=None, scale=alt.Scale(nice=False, zero=True)),
            x2="end:Q",
            y=y,
            color=_colours(picture),
        ),
        _figures(base, y, wide=wide),
        *_names(picture, y, wide=wide),
        rows.mark_text(
            align="left", dx=6, dy=0 if wide else 8, fontWeight="bold", color=_INK
        ).encode(x="end:Q", y=y, text="beside:N"),
        data=alt.InlineData(values=[]),
    )
    made: dict[str, Any] = (
        layers.properties(width=640 if wide else 270, height=alt.Step(step), background="white")
        .configure(font=FONT)
        .configure_view(stroke=None)
        .configure_text(font=FONT, fontSize=13)
        .configure_legend(labelFont=FONT, labelFontSize=13, labelColor=_INK, symbolType="square")
        .to_dict()
    )
    return made | {"description": picture.sentence, "usermeta": {"title": picture.title}}


def _colours(picture: Picture) -> alt.Color:
    legend = alt.Legend(title=None, orient="top", symbolStrokeWidth=0, symbolSize=160)
    return alt.Color(
        "part:N",
        scale=alt.Scale(
            domain=[part.heading for part in picture.parts],
            range=[part.colour for part in picture.parts],
        ),
        legend=legend if len(picture.parts) > 1 else None,
    )


def _figures(base: alt.Chart, y: alt.Y, *, wide: bool) -> alt.Chart:
    """The figure on each part that has room for it."""
    text = base.mark_text(baseline="middle", dy=0 if wide else 8)
    made: alt.Chart = text.encode(
        x="middle:Q", y=y, text="figure:N", color=alt.Color("ink:N", scale=None)
    )
    return made


def _names(picture: Picture, y: alt.Y, *, wide: bool) -> list[alt.Chart]:
    """The name of each row, beside its bar in one or two lines, or above it in one."""
    held = list(_rows(picture, wide=wide))
    made = []
    for lines in (1, 2):
        values = [row for row in held if row["name"].count("\n") == lines - 1]
        rows = alt.Chart(alt.InlineData(values=values))
        if wide:
            up = 0 if lines == 1 else -_LINE_HEIGHT / 2  # it is the first line that stands level
            text = rows.mark_text(
                align="right", dx=-8, dy=up, lineBreak="\n", lineHeight=_LINE_HEIGHT, color=_INK
            )
        else:
            text = rows.mark_text(align="left", dy=-13, color=_INK)
        if values:
            made.append(text.encode(x=alt.datum(0), y=y, text="name:N"))
    return made


def _parts(picture: Picture) -> Iterator[dict[str, Any]]:
    for row, bar in enumerate(picture.bars):
        start = 0.0
        for part, length, figure in zip(picture.parts, bar.lengths, bar.figures, strict=True):
            end = start + length
            yield {
                "row": row,
                "part": part.heading,
                "start": start,
                "end": end,
                "middle": (start + end) / 2,
                "figure": figure,
                "ink": part.ink,
            }
            start = end


def _rows(picture: Picture, *, wide: bool) -> Iterator[dict[str, Any]]:
    for row, bar in enumerate(picture.bars):
        name = _in_two_lines(bar) if wide else shorten(bar.name, 42, placeholder=" …")
        yield {"row": row, "name": name, "end": sum(bar.lengths), "beside": bar.beside}


def _in_two_lines(bar: Bar) -> str:
    return "\n".join(wrap(bar.name, 44, max_lines=2, placeholder=" …"))
