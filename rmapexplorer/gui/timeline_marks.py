"""What is pinned to the timeline's track: bookmarks as small flags, the markers A and B with the span between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from attrs import frozen
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF

from rmapexplorer.engine.frames import HistoryEntry
from rmapexplorer.gui.theme import Theme

Markers = tuple[int | None, int | None]
"""Positions of A and B, None where one is not set."""

QUIET = ("touch",)
"""Operations that change no vma: low marks."""

POLE = 11.0
"""Height of a bookmark's flag above the track, in device-independent pixels."""


def word(entry: HistoryEntry | None) -> str:
    """What an operation is called on the track; touching is called what it was: a write or a read."""
    if entry is None:
        return "start"
    one = entry.name == "touch" and " run" not in entry.text
    return entry.text.partition("(")[0] if one else entry.name


def place(position: int, head: int, left: float, width: float) -> float:
    """x of a position on a track from ``left``, ``width`` wide."""
    return left + width * position / max(head, 1)


def position_at(x: float, head: int, left: float, width: float) -> int:
    """The position nearest to ``x``."""
    return int(min(max(round((x - left) / max(width, 1.0) * head), 0), head))


def labelled(centres: list[float], widths: list[float], first: int) -> list[int]:
    """Which labels can be shown without touching each other; ``first`` (the current one) always is."""
    shown: list[int] = []
    order = [first] if 0 <= first < len(centres) else []
    order += [i for i in range(len(centres)) if i != first]
    for i in order:
        if all(abs(centres[i] - centres[j]) >= (widths[i] + widths[j]) / 2 + 8 for j in shown):
            shown.append(i)
    return sorted(shown)


@frozen(eq=False, kw_only=True)
class Marks:
    """Per pixel column of a long track."""

    loud: np.ndarray
    """Share of operations that are not quiet, 0..1."""
    refused: np.ndarray
    """Whether one was refused."""


def marks(loud: np.ndarray, refused: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Per pixel column: share of operations that are not quiet (0..1), and whether one was refused."""
    total = len(loud)
    column = np.arange(total) * bins // max(total, 1)
    count = np.maximum(np.bincount(column, minlength=bins), 1)
    return np.bincount(column, weights=loud, minlength=bins) / count, np.bincount(column[refused], minlength=bins) > 0


def binned(entries: Sequence[HistoryEntry], bins: int) -> Marks:
    """The columns of a track ``bins`` pixels wide."""
    loud = np.array([entry.name not in QUIET for entry in entries], dtype=bool)
    refused = np.array([entry.error is not None for entry in entries], dtype=bool)
    share, bad = marks(loud, refused, bins)
    return Marks(loud=share, refused=bad)


def draw_marks(painter: QPainter, theme: Theme, token: str, columns: Marks, left: float, y: float) -> None:
    """A line for each column below the track, longer where more operations change vmas; refused ones above it."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(QPen(theme.color(token), 1))
    bars = np.flatnonzero(columns.loud > 0)
    ends = zip((left + bars).tolist(), (y + 6 + 7 * columns.loud[bars]).tolist(), strict=True)
    painter.drawLines([QLineF(x, y + 4, x, low) for x, low in ends])
    painter.setPen(QPen(theme.color("bad"), 1))
    painter.drawLines([QLineF(x, y - 9, x, y - 5) for x in (left + np.flatnonzero(columns.refused)).tolist()])


def draw_span(painter: QPainter, theme: Theme, markers: Markers, x_of: Callable[[int], float], y: float) -> None:
    """The wash between the markers, below everything else."""
    a, b = markers
    if a is None or b is None:
        return
    left, right = sorted((x_of(a), x_of(b)))
    wash = QColor(theme.color("warn"))
    wash.setAlpha(46)
    painter.fillRect(QRectF(left, y - 8, right - left, 16), wash)


def draw_markers(
    painter: QPainter, theme: Theme, markers: Markers, x_of: Callable[[int], float], y: float, font: QFont
) -> None:
    """A line through the track and the letter above it, for each marker that is set."""
    metrics = QFontMetricsF(font)
    painter.setFont(font)
    for name, position in zip("AB", markers, strict=True):
        if position is None:
            continue
        x = x_of(position)
        painter.setPen(QPen(theme.color("warn"), 1.6))
        painter.drawLine(QPointF(x, y - 8), QPointF(x, y + 9))
        box = QRectF(x + 1, max(y - 13, 0.0), metrics.horizontalAdvance(name) + 5, metrics.height() - 3)
        painter.fillRect(box, theme.color("warn"))
        painter.setPen(theme.color("panel"))
        painter.drawText(box.adjusted(0, -3, 0, 3), Qt.AlignmentFlag.AlignCenter, name)  # text is cut at its box


def draw_bookmarks(
    painter: QPainter, theme: Theme, positions: Mapping[int, str], x_of: Callable[[int], float], y: float
) -> None:
    """A flag for each bookmark; those on one pixel are drawn once."""
    painter.setPen(QPen(theme.color("text"), 1.2))
    painter.setBrush(theme.color("text"))
    for x in sorted({round(x_of(position)) for position in positions}):
        top = QPointF(x + 0.5, y - POLE)
        painter.drawLine(top, QPointF(x + 0.5, y - 3))
        painter.drawPolygon(QPolygonF([top, top + QPointF(5.5, 2.5), top + QPointF(0, 5)]))
    painter.setBrush(Qt.BrushStyle.NoBrush)
