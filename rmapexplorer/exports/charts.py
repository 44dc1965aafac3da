"""Curves as SVG of our own: steps over the positions, one colour and dash for each design, round ticks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import numpy as np

WIDTH, HEIGHT = 460, 190
"""Of one chart, in user units."""
LEFT, RIGHT, TOP, BOTTOM = 58, 10, 10, 26

DOT = 1.5
"""Radius of the dot where something was measured, in user units."""

DASHES = {"solid": "", "dash": "7 4", "dot": "2 3", "dash dot": "7 3 2 3", "dash dot dot": "7 3 2 3 2 3"}
"""Words of a design's LOOK -> stroke-dasharray."""


def chart(
    title: str, positions: np.ndarray, series: Sequence[np.ndarray], names: Sequence[str], dashes: Sequence[str],
    points: bool = False,
) -> str:  # fmt: skip
    """One chart; series k is drawn in the class ``d<k>``. NaN: not measured, the value before it holds.

    :param points: nothing is known between the positions: a dot for each, and a thin line to guide the eye.
    """
    known = np.concatenate([one[~np.isnan(one)] for one in series]) if series else np.empty(0)
    top = nice_top(float(known.max()) if len(known) else 0.0)
    last = max(int(positions[-1]), 1) if len(positions) else 1
    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" xmlns="http://www.w3.org/2000/svg">',
        f"<title>{escape(title)}</title>",
        *_grid(top, last),
    ]
    for number, values in enumerate(series):
        dash = f' stroke-dasharray="{DASHES[dashes[number]]}"' if DASHES[dashes[number]] else ""
        path = _dots(positions, values, top, last) if points else _steps(positions, values, top, last)
        if path:
            kind = "points" if points else "curve"
            parts.append(
                f'<path class="{kind} d{number}"{dash} d="{path}"><title>{escape(names[number])}</title></path>'
            )
    return "".join(parts) + "</svg>"


def _grid(top: float, last: int) -> list[str]:
    parts = []
    for step in range(5):
        value = top * step / 4
        y = _y(value, top)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end">{short(value)}</text>')
    for position in sorted({0, last // 2, last}):
        anchor = "start" if position == 0 else "end" if position == last else "middle"
        x = _x(position, last)
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 8}" text-anchor="{anchor}">{position:,}</text>')
    return parts


def _steps(positions: np.ndarray, values: np.ndarray, top: float, last: int) -> str:
    words: list[str] = []
    for position, value in zip(positions.tolist(), values.tolist(), strict=True):
        if math.isnan(value):
            continue
        x, y = _x(position, last), _y(value, top)
        words.append(f"H{x:.1f}V{y:.1f}" if words else f"M{x:.1f} {y:.1f}")
    if words:
        words.append(f"H{_x(last, last):.1f}")
    return "".join(words)


def _dots(positions: np.ndarray, values: np.ndarray, top: float, last: int) -> str:
    spots = [
        (_x(position, last), _y(value, top))
        for position, value in zip(positions.tolist(), values.tolist(), strict=True)
        if not math.isnan(value)
    ]
    return "".join(f"{'L' if number else 'M'}{x:.1f} {y:.1f}" for number, (x, y) in enumerate(spots)) + "".join(
        f"M{x - DOT:.1f} {y:.1f}a{DOT} {DOT} 0 1 0 {2 * DOT} 0a{DOT} {DOT} 0 1 0 {-2 * DOT} 0" for x, y in spots
    )


def _x(position: float, last: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * position / last


def _y(value: float, top: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top)


def nice_top(value: float) -> float:
    """The next of 4, 8, 20, 40 times a power of ten that is not below ``value``: quarters of it are whole."""
    if value <= 4:
        return 4.0
    power = 10.0 ** math.floor(math.log10(value / 4))
    return next(power * step for step in (4, 8, 12, 20, 40) if power * step >= value - 1e-9)


def short(value: float) -> str:
    """With k, M or G where it is long."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= 10 * size or (value >= size and value % (size / 10) == 0):
            return f"{value / size:g}{letter}"
    return f"{value:g}"
