"""Charts as SVG: panels of horizontal bars, each with its own scale, ours in colour, every bar with its number."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

OURS_COLOUR = "#1f6feb"
THEIRS_COLOUR = "#b6bfca"
TEXT_COLOUR = "#1f2328"
QUIET_COLOUR = "#656d76"
FONT = "font-family='system-ui,-apple-system,Segoe UI,Roboto,sans-serif'"

PANEL_WIDTH = 300
NAME_WIDTH = 74
VALUE_WIDTH = 62
BAR_HEIGHT = 16
BAR_STEP = 23
HEAD_HEIGHT = 46
GAP = 28
MARGIN = 24
TITLE_HEIGHT = 54


@dataclass(frozen=True)
class Bar:
    """One peer's median and the spread over the rounds."""

    name: str
    value: float
    low: float
    high: float
    ours: bool


@dataclass(frozen=True)
class Panel:
    """Bars that may be compared with each other."""

    title: str
    note: str
    bars: Sequence[Bar]


def draw(title: str, note: str, panels: Sequence[Panel], columns: int) -> str:
    """The whole picture."""
    columns = max(1, min(columns, len(panels)))
    rows = [panels[start : start + columns] for start in range(0, len(panels), columns)]
    heights = [HEAD_HEIGHT + BAR_STEP * max(len(panel.bars) for panel in row) + GAP for row in rows]
    width = 2 * MARGIN + columns * PANEL_WIDTH + (columns - 1) * GAP
    height = TITLE_HEIGHT + MARGIN + sum(heights)
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' width='{width}' {FONT}>",
        f"<rect width='{width}' height='{height}' rx='8' fill='#ffffff'/>",
        _text(MARGIN, MARGIN + 12, title, size=18, weight=600),
        _text(MARGIN, MARGIN + 32, note, size=12, colour=QUIET_COLOUR),
    ]
    top = TITLE_HEIGHT + MARGIN
    for row, row_height in zip(rows, heights, strict=True):
        for column, panel in enumerate(row):
            parts += _panel(panel, MARGIN + column * (PANEL_WIDTH + GAP), top)
        top += row_height
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(panel: Panel, left: float, top: float) -> list[str]:
    parts = [
        _text(left, top + 12, panel.title, size=13, weight=600),
        _text(left, top + 28, panel.note, size=11, colour=QUIET_COLOUR),
    ]
    largest = max((bar.high for bar in panel.bars), default=0.0) or 1.0
    scale = (PANEL_WIDTH - NAME_WIDTH - VALUE_WIDTH) / largest
    for index, bar in enumerate(panel.bars):
        parts += _bar(bar, left, top + HEAD_HEIGHT - 8 + index * BAR_STEP, scale)
    return parts


def _bar(bar: Bar, left: float, top: float, scale: float) -> list[str]:
    start = left + NAME_WIDTH
    middle = top + BAR_HEIGHT / 2
    colour = OURS_COLOUR if bar.ours else THEIRS_COLOUR
    weight = 600 if bar.ours else 400
    low, high = start + bar.low * scale, start + bar.high * scale
    width = max(1.0, bar.value * scale)
    spread = f"x1='{low:.1f}' x2='{high:.1f}' y1='{middle:.1f}' y2='{middle:.1f}'"
    return [
        _text(start - 8, middle + 4, bar.name, size=12, weight=weight, anchor="end"),
        f"<rect x='{start:.1f}' y='{top:.1f}' width='{width:.1f}' height='{BAR_HEIGHT}' rx='2' fill='{colour}'/>",
        f"<line {spread} stroke='{TEXT_COLOUR}' stroke-opacity='0.55'/>",
        _text(max(high, start) + 6, middle + 4, number(bar.value), size=12, weight=weight),
    ]


def _text(
    left: float,
    top: float,
    text: str,
    *,
    size: int,
    weight: int = 400,
    colour: str = TEXT_COLOUR,
    anchor: str = "start",
) -> str:
    return (
        f"<text x='{left:.1f}' y='{top:.1f}' font-size='{size}' font-weight='{weight}' fill='{colour}'"
        f" text-anchor='{anchor}'>{escape(text)}</text>"
    )


def number(value: float) -> str:
    """Three figures that mean something; thousands set apart."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
