"""Rows of the memory map with more vmas than pixels can tell apart: pictures a pixel column at a time, all rows at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import frozen
from PySide6.QtGui import QColor, QImage

from rmapexplorer.gui import memory_geometry as geo
from rmapexplorer.gui import memory_style as style
from rmapexplorer.gui.memory_scene import Scene

CROWDED = 5.0
"""A row whose vmas have less than so many pixels each is drawn by columns."""


@frozen(eq=False)
class Strip:
    """A row that shows: its vmas (a slice of VmaRows) and their left and right pixels."""

    row: int
    task: int
    shown: slice
    x0: np.ndarray
    x1: np.ndarray

    def crowded(self, s: Scene) -> bool:
        """Whether it is drawn by columns."""
        return len(self.x0) * CROWDED > s.window.width


def strips(s: Scene, rows: range) -> list[Strip]:
    """The rows that show, with the pixels of their vmas: one interpolation for all."""
    v = s.frame.vmas
    tasks = [int(s.rows.task[row]) for row in rows]
    slices = [s.shown(task) for task in tasks]
    if not slices:
        return []
    x0, x1 = s.edges(np.concatenate([v.start[c] for c in slices]), np.concatenate([v.end[c] for c in slices]))
    ends = np.cumsum([c.stop - c.start for c in slices])
    parts = zip(rows, tasks, slices, [0, *ends[:-1].tolist()], ends.tolist(), strict=True)
    return [Strip(row, task, cut, x0[low:high], x1[low:high]) for row, task, cut, low, high in parts]


def pictures(s: Scene, crowded: Sequence[Strip]) -> dict[int, QImage]:
    """A picture of each crowded row, four device pixels high, as wide as the strips.

    Each column has the colour of what covers most of it; the lowest line shows the runner-up where it has a third.
    """
    if not crowded:
        return {}
    width = max(1, round(s.window.width * s.ratio))
    kinds, colors = _kinds(s, crowded)
    counts = [len(strip.x0) for strip in crowded]
    best, share, second = geo.majorities(
        np.repeat(np.arange(len(crowded)), counts),
        np.concatenate([strip.x0 for strip in crowded]) * s.ratio,
        np.concatenate([strip.x1 for strip in crowded]) * s.ratio,
        kinds,
        (len(crowded), len(colors), width),
    )
    cells = [[c.blue(), c.green(), c.red(), c.alpha()] for c in colors] + [[0, 0, 0, 0]]
    table = np.array(cells, dtype=np.float32)
    table[:, :3] *= table[:, 3:] / 255.0  # premultiplied
    strength = np.where(best >= 0, 0.35 + 0.65 * share, 0.0).astype(np.float32)[..., None]
    main = (table[best] * strength).astype(np.uint8)
    low = np.where((second >= 0)[..., None], table[second] * strength, main).astype(np.uint8)
    lines = np.stack([main, main, main, low], axis=1)
    form = QImage.Format.Format_ARGB32_Premultiplied
    return {strip.row: QImage(lines[i].tobytes(), width, 4, width * 4, form).copy() for i, strip in enumerate(crowded)}


def _kinds(s: Scene, crowded: Sequence[Strip]) -> tuple[np.ndarray, list[QColor]]:
    # classes of all vmas, numbered as far as they occur, and the colour of each; untouched ones are faint, folded rows grey
    solid = [s.color(entry.token) for entry in style.CLASSES[s.mode]]
    grey = s.color("faint")
    grey.setAlphaF(0.55)
    colors = [*solid, *(_faint(color) for color in solid), grey]
    parts = []
    for strip in crowded:
        if s.rows.folded[strip.row]:
            parts.append(np.full(len(strip.x0), len(colors) - 1))
            continue
        kinds = style.classes(s.mode, s.frame.vmas, strip.shown, s.frame.labels)
        untouched = style.states(s.frame.vmas, strip.shown) == style.UNTOUCHED
        parts.append(kinds + np.where(untouched, len(solid), 0))
    kinds = np.concatenate(parts)
    used = np.flatnonzero(np.bincount(kinds, minlength=len(colors)))
    rank = np.zeros(len(colors), np.int64)
    rank[used] = np.arange(len(used))
    return rank[kinds], [colors[i] for i in used.tolist()]


def _faint(color: QColor) -> QColor:
    return QColor(color.red(), color.green(), color.blue(), 77)
