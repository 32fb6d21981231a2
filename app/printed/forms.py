"""How large a chart is drawn, and as what."""

from enum import StrEnum


class Size(StrEnum):
    """For a page or a sheet, with names beside the bars; or for a phone, with names above them."""

    WIDE = "wide"
    NARROW = "narrow"


class Form(StrEnum):
    """The Vega-Lite definition itself, or what is drawn from it."""

    VEGA = "vega"
    SVG = "svg"
    PNG = "png"
