"""Pages inside the boxes of the memory map: what each page is, proportionally where a pixel holds many of them.

Only pixel columns are computed, from sums over all runs before them, however many runs there are.
"""

from __future__ import annotations

import numpy as np
from attrs import frozen
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QImage, QPainter, QPen

from rmapexplorer.engine.page_runs import COPIED, OWN, SHARED, STATES, SWAPPED, PageRuns
from rmapexplorer.gui import memory_style as style
from rmapexplorer.gui.memory_dense import Strip
from rmapexplorer.gui.memory_paint_live import faded
from rmapexplorer.gui.memory_scene import Scene

LEAST = 8.0
"""Narrower boxes show no pages, in device-independent pixels."""
GRID = 5.0
"""From so many pixels a page on, a line parts it from the next."""
BAND = 4.0
"""The lowest pixels of a box keep the colour of the vma where pages have colours of their own."""
EDGE = 3.0
"""Height of the line along the top of pages that were copied."""
HALF = 0.5
"""Strength of the colour of a page that others map too."""
NOTHING = 0.14
"""... of a page that is not there."""
MANY = 2000
"""Rows with more vmas are not classed as a whole for the few that are wide enough."""
MOST_SPANS = 400
"""Spans of a row that get a line or a hatching each; more are one texture in the colours already."""


@frozen(kw_only=True, eq=False)
class Pages:
    """The pages of a row: a picture one pixel high for its boxes, and where lines and hatchings go (left, right pixel)."""

    boxes: np.ndarray
    """Which vmas of the strip show pages."""
    picture: QImage
    copied: list[tuple[float, float]]
    swapped: list[tuple[float, float]]
    lines: list[float]


@frozen(kw_only=True, eq=False)
class Columns:
    """What all rows of one painting share: the pages under each pixel column, and the colours as numbers."""

    middle: np.ndarray
    """Middle of each column, in device-independent pixels."""
    low: np.ndarray
    high: np.ndarray
    classes: np.ndarray
    families: np.ndarray
    paper: np.ndarray
    fixed: dict[int, np.ndarray]

    @classmethod
    def of(cls, s: Scene) -> Columns:
        """The columns of a scene as it shows now."""
        width = max(1, round(s.window.width * s.ratio))
        edges = np.arange(width + 1) / s.ratio
        units = s.window.left + (s.window.width - edges if s.window.flipped else edges) / s.window.scale
        place = np.interp(units, s.axis.units, s.axis.pages)
        return cls(
            middle=(edges[:-1] + edges[1:]) / 2,
            low=np.minimum(place[:-1], place[1:]),
            high=np.maximum(place[:-1], place[1:]),
            classes=np.array([_rgb(s.color(entry.token)) for entry in style.CLASSES[s.mode]]),
            families=np.array([_rgb(s.theme.family(n)) for n in range(6)]),
            paper=np.array(_rgb(s.color("panel"))),
            fixed={at: np.array(_rgb(s.color(token))) for at, token in style.PAGE_TOKENS.get(s.mode, {}).items()},
        )


def pages_of(s: Scene, strip: Strip, columns: Columns) -> Pages | None:
    """The pages of a row; None where no box is wide enough or nothing is known."""
    runs, v = s.frame.vmas.pages, s.frame.vmas
    if runs is None or s.rows.folded[strip.row] or not len(strip.x0):
        return None
    held = runs.first[strip.shown.start + 1 : strip.shown.stop + 1] > runs.first[strip.shown.start : strip.shown.stop]
    boxes = np.flatnonzero(held & (strip.x1 - strip.x0 >= LEAST))
    if not len(boxes):
        return None
    low, high, width = columns.low, columns.high, len(columns.low)
    inside = np.searchsorted(v.start[strip.shown], (low + high) / 2, side="right") - 1
    known = np.isin(inside, boxes) & ((low + high) / 2 < v.end[strip.shown][np.maximum(inside, 0)])
    box = np.maximum(inside, 0)
    known &= (columns.middle > strip.x0[box]) & (
        columns.middle < strip.x1[box] - 1
    )  # a box ends a pixel before the next begins
    low, high = np.maximum(low, v.start[strip.shown][box]), np.minimum(high, v.end[strip.shown][box])
    share = _shares(runs, strip, low, np.maximum(high, low))
    color = _colors(s, strip, columns, columns.classes[_kinds(s, strip, boxes)[box]], share, (low + high) / 2)
    bits = np.zeros((width, 4), np.uint8)
    bits[known, :3], bits[known, 3] = color[known][:, ::-1].round(), 255
    image = QImage(bits.tobytes(), width, 1, width * 4, QImage.Format.Format_ARGB32_Premultiplied).copy()
    return Pages(
        boxes=boxes,
        picture=image,
        copied=_spans(known & (share[COPIED] > HALF), s.ratio),
        swapped=_spans(known & (share[SWAPPED] > HALF), s.ratio),
        lines=_grid(s, strip, boxes),
    )


def _shares(runs: PageRuns, strip: Strip, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """[states, columns]: the share of each state in the pages from ``low`` to ``high``."""
    a, b = int(runs.first[strip.shown.start]), int(runs.first[strip.shown.stop])
    start, end, state = runs.start[a:b], runs.end[a:b], runs.state[a:b]
    if a == b:
        return np.zeros((STATES, len(low)))

    def pages_before(at: np.ndarray) -> np.ndarray:
        run = np.maximum(np.searchsorted(start, at, side="right") - 1, 0)
        part = np.clip(at - start[run], 0, end[run] - start[run])
        found = runs.before[:, a + run].astype(np.float64)
        found[state[run], np.arange(len(at))] += part
        return found

    return (pages_before(high) - pages_before(low)) / np.maximum(high - low, 1e-9)


def _kinds(s: Scene, strip: Strip, boxes: np.ndarray) -> np.ndarray:
    """Colour class of each vma of the strip; in a crowded row of those that show pages only, a few of a million."""
    vmas, labels, first = s.frame.vmas, s.frame.labels, strip.shown.start
    if len(strip.x0) <= MANY:
        return style.classes(s.mode, vmas, strip.shown, labels)
    kinds = np.zeros(len(strip.x0), np.int64)
    for i in boxes.tolist():
        kinds[i] = style.classes(s.mode, vmas, slice(first + i, first + i + 1), labels)[0]
    return kinds


def _colors(
    s: Scene, strip: Strip, columns: Columns, own: np.ndarray, share: np.ndarray, middle: np.ndarray
) -> np.ndarray:
    """[columns, 3]: the colours of the states mixed by their shares, the rest as absent."""
    paper, fixed = columns.paper, columns.fixed
    if s.mode == "anon_vma":
        own = _by_owner(s, strip, columns, own, middle)
    there = {
        OWN: fixed.get(OWN, own),
        SHARED: fixed.get(SHARED, paper + (own - paper) * HALF),
        COPIED: fixed.get(COPIED, own),
        SWAPPED: fixed.get(SWAPPED, own),
    }
    rest = np.clip(1 - share.sum(axis=0), 0, 1)[:, None] * (paper + (own - paper) * NOTHING)
    mixed: np.ndarray = rest + sum(share[state][:, None] * color for state, color in there.items())
    return np.clip(mixed, 0, 255)


def _by_owner(s: Scene, strip: Strip, columns: Columns, own: np.ndarray, middle: np.ndarray) -> np.ndarray:
    # pages in the colour of what they themselves point at, where that is known
    runs = s.frame.vmas.pages
    assert runs is not None
    a, b = int(runs.first[strip.shown.start]), int(runs.first[strip.shown.stop])
    run = a + np.maximum(np.searchsorted(runs.start[a:b], middle, side="right") - 1, 0)
    owner = np.where(middle < runs.end[run], runs.owner[run], -1)
    return np.where((owner >= 0)[:, None], columns.families[owner % 6], own)


def _rgb(color: QColor) -> tuple[float, float, float]:
    return float(color.red()), float(color.green()), float(color.blue())


def _spans(mask: np.ndarray, ratio: float) -> list[tuple[float, float]]:
    steps = np.diff(np.r_[0, mask.astype(np.int8), 0])
    low, high = np.flatnonzero(steps > 0) / ratio, np.flatnonzero(steps < 0) / ratio
    return list(zip(low.tolist(), high.tolist(), strict=True)) if len(low) <= MOST_SPANS else []


def _grid(s: Scene, strip: Strip, boxes: np.ndarray) -> list[float]:
    """Where one page ends and the next begins, in boxes whose pages are wide enough."""
    v, found = s.frame.vmas, []
    ends = sorted(s.axis.position(s.window.unit(x)) for x in (0.0, s.window.width))
    pages = v.end[strip.shown][boxes] - v.start[strip.shown][boxes]
    for i in boxes[strip.x1[boxes] - strip.x0[boxes] >= GRID * pages].tolist():
        row = strip.shown.start + i
        low, high = max(int(v.start[row]) + 1, int(ends[0])), min(int(v.end[row]), int(ends[1]) + 2)
        found += s.edges(np.arange(low, high), 0)[0 if not s.window.flipped else 1].tolist()
    return found


def draw(p: QPainter, s: Scene, pages: Pages, y: float, height: float) -> None:
    """The pages over the boxes of their vmas, whose frame and lowest line stay."""
    band = BAND if s.mode == "anon_vma" else 1.0
    p.save()
    p.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    room = QRectF(0, y + 1, s.window.width, height - 1 - band)
    p.drawImage(room, pages.picture)
    p.setPen(Qt.PenStyle.NoPen)
    for low, high in pages.swapped:
        p.setBrush(QBrush(faded(s.color("panel"), 0.6), Qt.BrushStyle.BDiagPattern))
        p.drawRect(QRectF(low, room.y(), high - low, room.height()))
    p.setPen(QPen(faded(s.color("panel"), 0.55), 1))
    p.drawLines([QLineF(x, room.y(), x, room.bottom()) for x in pages.lines])
    for low, high in pages.copied:
        p.fillRect(QRectF(low, y, high - low, EDGE), s.color("text"))
    p.restore()
