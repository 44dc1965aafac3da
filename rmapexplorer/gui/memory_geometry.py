"""Geometry of the memory map: one address axis for all processes, its window on the screen, folding of like rows.

Page numbers in, pixels out, numpy only. The axis is piecewise linear: mapped pieces get room by the logarithm of
their size and by how much there is to see in them, short gaps keep a little, long gaps shrink to a narrow break.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from attrs import evolve, frozen

from rmapexplorer.core import flags as fl
from rmapexplorer.gui import places

MAPPED, GAP, BREAK = 0, 1, 2
"""Kinds of an axis piece: something is mapped there; a gap drawn as such; a squeezed gap, marked."""

TO_SCALE_PAGES = 16
"""Gaps up to this long are drawn as gaps."""
LONG_GAP_PAGES = 1 << 18
"""A gap of a gigabyte or more gets a wider break."""
FAVOUR = 1.4
MOST_CLUSTERS = 400
MOST_PIECES = 8192
WIDEST_PAGE = 160.0
"""Zooming stops where a page is this many pixels wide."""


@frozen(kw_only=True, eq=False)
class Axis:
    """Page numbers to axis units and back. ``pages`` and ``units`` have one element more than ``kinds``."""

    pages: np.ndarray
    units: np.ndarray
    kinds: np.ndarray
    clusters: np.ndarray
    """[n, 2]: first and last-plus-one page of what stands between two breaks."""

    @property
    def length(self) -> float:
        """Length of the whole axis in units."""
        return float(self.units[-1])

    def unit(self, pages: np.ndarray | int | float) -> np.ndarray:
        """Where page boundaries lie; clamped to the axis at both ends."""
        return np.interp(np.asarray(pages, dtype=np.float64), self.pages, self.units)

    def page(self, unit: float) -> int:
        """The page number at ``unit``, clamped to the axis."""
        page = math.floor(self.position(unit))
        return min(max(page, int(self.pages[0])), int(self.pages[-1]) - 1)

    def position(self, unit: float) -> float:
        """The page number at ``unit`` with its fraction: what a window is remembered by when the axis changes."""
        return float(np.interp(unit, self.units, self.pages))

    def kind_at(self, unit: float) -> int:
        """MAPPED, GAP or BREAK."""
        return int(self.kinds[self._piece(unit)])

    def piece(self, unit: float) -> tuple[int, int]:
        """First page and last-plus-one of the piece at ``unit``."""
        i = self._piece(unit)
        return int(self.pages[i]), int(self.pages[i + 1])

    def page_units(self, unit: float) -> float:
        """Width in units of one page at ``unit``."""
        i = self._piece(unit)
        return float((self.units[i + 1] - self.units[i]) / (self.pages[i + 1] - self.pages[i]))

    def _piece(self, unit: float) -> int:
        return int(np.clip(np.searchsorted(self.units, unit, side="right") - 1, 0, len(self.kinds) - 1))


def union(start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The union of half-open spans in any order, as sorted disjoint spans that do not touch.

    Sorted starts and sorted ends suffice: where i spans have ended before the next one starts, nothing is open.
    """
    if not len(start):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    starts, ends = np.sort(start), np.sort(end)
    cut = np.flatnonzero(ends[:-1] < starts[1:])
    return starts[np.r_[0, cut + 1]], ends[np.r_[cut, len(ends) - 1]]


def build_axis(start: np.ndarray, end: np.ndarray, favoured: np.ndarray | None = None) -> Axis:
    """The axis of spans of page numbers in any order, repeated or overlapping.

    :param favoured: page numbers inside spans; where they lie gets FAVOUR times as much room.
    """
    lows, highs = union(start, end)
    if not len(lows):
        return Axis(
            pages=np.array([0, 1]),
            units=np.array([0.0, 1.0]),
            kinds=np.array([GAP]),
            clusters=np.empty((0, 2), np.int64),
        )
    gaps = lows[1:] - highs[:-1]
    limit = TO_SCALE_PAGES
    if len(gaps) > MOST_CLUSTERS:
        limit = max(limit, int(np.partition(gaps, -MOST_CLUSTERS)[-MOST_CLUSTERS]))
    breaks = np.flatnonzero(gaps > limit)
    first, last = lows[np.r_[0, breaks + 1]], highs[np.r_[breaks, len(highs) - 1]]
    bounds = _distinct(np.concatenate([start, end]))
    if len(bounds) > MOST_PIECES:
        bounds = _distinct(np.concatenate([lows, highs])) if 2 * len(lows) <= MOST_PIECES else np.empty(0, np.int64)
    pages = _distinct(np.concatenate([bounds, first, last]))
    boost = np.ones(len(first))
    if favoured is not None:
        boost[np.clip(np.searchsorted(first, favoured, side="right") - 1, 0, None)] = FAVOUR
    return _weigh(pages, lows, highs, first, last, boost)


def _distinct(values: np.ndarray) -> np.ndarray:
    ordered = np.sort(values)
    return ordered[np.r_[True, ordered[1:] != ordered[:-1]]] if len(ordered) else ordered


def _weigh(
    pages: np.ndarray, lows: np.ndarray, highs: np.ndarray, first: np.ndarray, last: np.ndarray, boost: np.ndarray
) -> Axis:
    low, width = pages[:-1], np.diff(pages).astype(np.float64)
    cluster = np.searchsorted(first, low, side="right") - 1
    inside = low < last[cluster]
    mapped = low < highs[np.clip(np.searchsorted(lows, low, side="right") - 1, 0, None)]
    kinds = np.where(~inside, BREAK, np.where(mapped, MAPPED, GAP)).astype(np.int8)
    share = np.sqrt(width) * np.where(mapped, 1.0, 0.5)
    share[~inside] = 0.0
    n = len(first)
    seen = np.bincount(cluster[inside], minlength=n)
    size = np.bincount(cluster, weights=np.where(mapped & inside, width, 0.0), minlength=n)
    weight = (np.log2(2.0 + size) + 0.8 * np.maximum(seen - 1.0, 0.0) ** 0.7) * boost
    total = np.bincount(cluster, weights=share, minlength=n)
    units = share / total[cluster] * weight[cluster]
    breaks = np.where(width >= LONG_GAP_PAGES, 0.026, 0.020) * weight.sum() * min(1.0, 8.0 / max(n, 1))
    units = np.where(inside, units, np.maximum(breaks, 1e-3))
    return Axis(pages=pages, units=np.r_[0.0, np.cumsum(units)], kinds=kinds, clusters=np.stack([first, last], axis=1))


@frozen(kw_only=True)
class Window:
    """Which part of an axis is on the screen: ``left`` in units at pixel 0, ``scale`` in pixels a unit."""

    length: float
    width: float
    left: float = 0.0
    scale: float = 1.0
    flipped: bool = False
    """Low addresses on the right."""

    @classmethod
    def fit(cls, length: float, width: float, flipped: bool = False) -> Window:
        """The whole axis."""
        return cls(length=length, width=width, scale=max(width, 1.0) / length, flipped=flipped)

    @property
    def is_fit(self) -> bool:
        """True where the whole axis shows."""
        return self.scale <= self._least * (1 + 1e-9)

    @property
    def _least(self) -> float:
        return max(self.width, 1.0) / self.length

    def x(self, units: np.ndarray | float) -> np.ndarray:
        """Pixels of units."""
        x = (np.asarray(units, dtype=np.float64) - self.left) * self.scale
        return self.width - x if self.flipped else x

    def unit(self, x: float) -> float:
        """The unit at pixel ``x``."""
        return self.left + (self.width - x if self.flipped else x) / self.scale

    def zoomed(self, factor: float, x: float, most: float = math.inf) -> Window:
        """Larger by ``factor`` around pixel ``x``, at most ``most`` pixels a unit, never smaller than the whole."""
        scale = min(max(self.scale * factor, self._least), max(most, self._least))
        held = self.unit(x)
        at = self.width - x if self.flipped else x
        return evolve(self, scale=scale, left=held - at / scale)._clamped()

    def panned(self, dx: float) -> Window:
        """What is drawn moves ``dx`` pixels to the right."""
        return evolve(self, left=self.left + (dx if self.flipped else -dx) / self.scale)._clamped()

    def showing(self, low: float, high: float, margin: float = 0.1, most: float = math.inf) -> Window:
        """The units from ``low`` to ``high`` in the middle and ``margin`` of their length on both sides."""
        wide = max((high - low) * (1 + 2 * margin), 1e-9)
        scale = max(min(self.width / wide, most), self._least)
        return evolve(self, scale=scale, left=(low + high - self.width / scale) / 2)._clamped()

    def _clamped(self) -> Window:
        most = self.length - self.width / self.scale
        return evolve(self, left=min(max(self.left, 0.0), max(most, 0.0)))


def widest_scale(axis: Axis, unit: float) -> float:
    """The scale at which a page at ``unit`` is WIDEST_PAGE pixels wide; modest in a break."""
    per_page = axis.page_units(unit)
    if axis.kind_at(unit) == BREAK:
        return WIDEST_PAGE
    return WIDEST_PAGE / per_page


def ticks(axis: Axis, window: Window, text_width: Callable[[str], float], air: float = 10.0) -> list[tuple[float, str]]:
    """Page-number labels that never overlap, as (left pixel, text): cluster starts first, then starts inside."""
    taken: list[tuple[float, float, str]] = []

    def offer(page: int) -> None:
        text = places.shown().at(page)
        wide = text_width(text)
        x = float(window.x(axis.unit(page)))
        if window.flipped:
            x -= wide
        x = min(x, window.width - wide)
        if x < -0.5 or any(x < right + air and left < x + wide + air for left, right, _ in taken):
            return
        taken.append((x, x + wide, text))

    shown = _visible(axis, window, axis.clusters[:, 0]) if len(axis.clusters) else []
    room = {int(a): float(axis.unit(b) - axis.unit(a)) for a, b in axis.clusters.tolist()}
    for page in sorted(shown, key=lambda p: -room[p]):
        offer(page)
    starts = _visible(axis, window, axis.pages[:-1][axis.kinds == MAPPED])
    for page in starts if len(starts) <= 200 else []:
        offer(page)
    for page in _round_pages(axis, window):
        offer(page)
    return [(left, text) for left, _, text in sorted(taken)]


def _visible(axis: Axis, window: Window, pages: np.ndarray) -> list[int]:
    x = window.x(axis.unit(pages))
    return [int(p) for p in pages[(x >= -0.5) & (x <= window.width - 8)]]


def _round_pages(axis: Axis, window: Window) -> list[int]:
    middle = window.unit(window.width / 2)
    if axis.kind_at(middle) == BREAK:
        return []
    pixels = axis.page_units(middle) * window.scale
    step = 1 << max(0, math.ceil(math.log2(120.0 / pixels))) if pixels > 0 else 1
    low, high = sorted((axis.page(window.unit(0.0)), axis.page(window.unit(window.width))))
    if (high - low) // step > 64:
        return []
    return list(range(-(-low // step) * step, high + 1, step))


def breaks(axis: Axis, window: Window) -> list[tuple[float, float]]:
    """Left and right pixel of every squeezed gap in the window."""
    where = np.flatnonzero(axis.kinds == BREAK)
    a, b = window.x(axis.units[where]), window.x(axis.units[where + 1])
    low, high = np.minimum(a, b), np.maximum(a, b)
    keep = (high >= 0) & (low <= window.width)
    return [(float(x), float(y)) for x, y in zip(low[keep], high[keep], strict=True)]


def moved(start: np.ndarray, pgoff: np.ndarray, flags: np.ndarray, file: np.ndarray) -> np.ndarray:
    """Which vmas are private anonymous memory away from home, the page pgoff names (stacks, moved by exec, aside)."""
    anonymous = (file < 0) & ((flags & (fl.SHARED | fl.GROWSDOWN)) == 0)
    return anonymous & (pgoff != start) & (pgoff != 0)


# odd constants of splitmix64 and murmur3: any that spread bits would do
_MIX = tuple(np.uint64(c) for c in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x94D049BB133111EB, 0xBF58476D1CE4E5B9))


def _bits(column: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(column, dtype=np.int64).view(np.uint64)


def layout_hashes(first: np.ndarray, start: np.ndarray, end: np.ndarray, flags: np.ndarray) -> np.ndarray:
    """One 64-bit hash a process over start, end and flags of its vmas; ``first`` as in VmaRows."""
    mixed = (_bits(start) * _MIX[0]) ^ (_bits(end) * _MIX[1])
    mixed ^= mixed >> np.uint64(29)
    mixed *= _MIX[3]
    mixed += _bits(flags) * _MIX[2]
    mixed ^= mixed >> np.uint64(32)
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(mixed, dtype=np.uint64)])
    return (sums[first[1:]] - sums[first[:-1]]) ^ (np.diff(first).astype(np.uint64) * _MIX[1])


@frozen(kw_only=True, eq=False)
class Rows:
    """What the map shows, row by row: ``task`` is a row of TaskRows, ``count`` 1 or how many are folded under it."""

    task: np.ndarray
    folded: np.ndarray
    """True for a row that stands for ``count`` processes like ``task``."""
    count: np.ndarray
    leader: np.ndarray
    """The first process with the same layout."""
    group: np.ndarray
    """How many processes have the layout."""
    of_task: np.ndarray
    """[tasks]: the row where each process is drawn, by itself or folded."""

    def __len__(self) -> int:
        return len(self.task)


def fold_rows(hashes: np.ndarray, keep: int = -1, unfolded: frozenset[int] = frozenset(), limit: int = 12) -> Rows:
    """Fold processes with equal hashes under the first of them where there are more than ``limit``.

    :param keep: a process that is shown by itself in any case; -1 for none.
    :param unfolded: first processes of the groups that are shown in full.
    """
    n = len(hashes)
    index = np.arange(n)
    _, first, inverse, counts = np.unique(hashes, return_index=True, return_inverse=True, return_counts=True)
    leader, group = first[inverse], counts[inverse]
    hidden = (leader != index) & (index != keep) & (n > limit)
    hidden &= ~np.isin(leader, np.fromiter(unfolded, np.int64, len(unfolded)))
    many = np.bincount(leader[hidden], minlength=n) if n else np.zeros(0, np.int64)
    hidden &= many[leader] > 1
    many = np.where(many > 1, many, 0)
    own, stand_in = index[~hidden], np.flatnonzero(many)
    order = np.argsort(np.concatenate([own * 2, stand_in * 2 + 1]), kind="stable")
    task = np.concatenate([own, stand_in])[order]
    folded = np.concatenate([np.zeros(len(own), bool), np.ones(len(stand_in), bool)])[order]
    count = np.where(folded, many[task], 1) if n else np.zeros(0, np.int64)
    of_task = np.empty(n, np.int64)
    rows = np.arange(len(task))
    of_leader = np.zeros(n, np.int64)
    of_leader[task[folded]] = rows[folded]
    of_task[hidden] = of_leader[leader[hidden]]
    of_task[task[~folded]] = rows[~folded]
    return Rows(task=task, folded=folded, count=count, leader=leader[task], group=group[task], of_task=of_task)


def majorities(
    row: np.ndarray, x0: np.ndarray, x1: np.ndarray, kind: np.ndarray, shape: tuple[int, int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which kind covers most of each pixel column of each row; spans of a row are disjoint, in any order.

    :param shape: how many rows, kinds and pixel columns there are.
    :return: [rows, columns] each: its kind (-1 none), the share covered (0..1), a second kind with a third of it (-1)
    """
    rows, kinds, width = shape
    a, b = np.clip(x0, 0.0, width), np.clip(x1, 0.0, width)
    first, last = a.astype(np.int64), b.astype(np.int64)
    base = (row * kinds + kind) * (width + 2)
    # what a span adds to its columns, as steps from one column to the next: up, full, down, none
    at = np.concatenate([base + first, base + first + 1, base + last, base + last + 1])
    steps = np.concatenate([first + 1 - a, a - first, b - last - 1, last - b])
    cover = np.bincount(at, weights=steps, minlength=rows * kinds * (width + 2))
    cover = np.cumsum(cover.reshape(rows, kinds, width + 2), axis=2)[:, :, :width]
    total = cover.sum(axis=1)
    best = cover.argmax(axis=1)
    np.put_along_axis(cover, best[:, None], -1.0, axis=1)
    second = np.where(cover.max(axis=1) > np.maximum(total, 1e-9) / 3, cover.argmax(axis=1), -1)
    return np.where(total > 1e-6, best, -1), np.clip(total, 0.0, 1.0), np.where(total > 1e-6, second, -1)


def majority(
    x0: np.ndarray, x1: np.ndarray, kind: np.ndarray, kinds: int, width: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``majorities`` of one row."""
    best, share, second = majorities(np.zeros(len(x0), np.int64), x0, x1, kind, (1, kinds, width))
    return best[0], share[0], second[0]
