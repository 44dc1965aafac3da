"""Arithmetic of the overhead curves, numpy only: growing buffers, a min/max pyramid, ticks, label places.

Curves are steps: the value at position k holds until k + 1; they end where a design has not been run. Figures that only a
probe tells are measured at some positions of a long log: those are points, and between them there is no value. With more
points than pixels, each column of pixels is drawn as the vertical line from its smallest to its largest value, which is
what the full curve would cover.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from rmapexplorer.engine.frames import MetricRows

FAN = 8
"""Every level of the pyramid is this many times shorter than the one below."""
ROOM = 1 << 17
"""Positions there is room for at first: memory that is not written costs nothing, growing later takes long."""


class CurveStore:
    """The values of all designs and metrics by position, and their pyramid. Appending is amortised O(1) a value."""

    def __init__(self, metrics: int, divisors: Sequence[int] = (), probed: Sequence[int] = ()) -> None:
        self._metrics = metrics
        self.probed = frozenset(probed)
        """Numbers of the metrics that may be measured at some positions only."""
        self.divisors = tuple(divisors)
        """Numbers of the metrics that others may be divided by; they themselves are never divided."""
        self.designs: tuple[str, ...] = ()
        self.hidden: set[str] = set()
        """Designs whose curves are not drawn, and do not count for the range of values."""
        self.per = -1
        """Number of the metric that all others are divided by (page frames, processes); -1: totals."""
        self.length = 0
        self.generation = -1
        self._levels: list[tuple[np.ndarray, np.ndarray]] = []
        self._filled: list[int] = []
        self.fresh: set[int] = set()
        """Metrics that have changed since whoever draws them emptied this."""

    def clear(self, designs: tuple[str, ...] = ()) -> None:
        """Forget everything."""
        self.designs, self.length = designs, 0
        empty = np.full((self._metrics, len(designs), 64), np.nan)
        self._levels, self._filled = [(empty, empty)], [0]
        self.fresh = set(range(self._metrics))

    def reserve(self, rows: MetricRows, length: int) -> None:
        """Make room for ``length`` positions at once, where rows like these come in parts."""
        if rows.generation < self.generation:
            return
        if rows.generation != self.generation or rows.designs != self.designs or not self._levels:
            self.clear(rows.designs)
        self.generation = rows.generation
        self._room(0, length)

    def apply(self, rows: MetricRows) -> bool:
        """Take rows; older generations are ignored. :return: True where something changed."""
        if rows.generation < self.generation:
            return False
        start, end, old = rows.start, rows.start + len(rows.values), self.length
        self.reserve(rows, max(end, old))
        base, old = self._levels[0][0], self.length
        first, shared = min(start, old), min(end, old)
        before = base[:, :, start:shared].copy()
        base[:, :, old:start] = np.nan
        base[:, :, start:end] = rows.values.transpose(2, 1, 0)
        after = base[:, :, start:shared]
        same = (before == after) | (np.isnan(before) & np.isnan(after))
        self.fresh.update(np.flatnonzero(~same.all(axis=(1, 2))).tolist())
        self.length = end if rows.truncate else max(end, old)
        if self.length != old:
            self.fresh.update(range(self._metrics))
        self._raise_pyramid(first, max(self.length, end) if self.length > old else end)
        return self.length != old or bool(self.fresh)

    def values(self, metric: int, design: int) -> np.ndarray:
        """All values of one curve, by position."""
        return self._part(metric, design, 0, self.length) if self._levels else np.empty(0)

    def divided(self, metric: int) -> bool:
        """Whether the values of a metric are shares of another one now."""
        return self.per >= 0 and metric not in self.divisors

    def _part(self, metric: int, design: int | slice | list[int], first: int, last: int) -> np.ndarray:
        base = self._levels[0][0]
        part = base[metric][design, first:last]
        if not self.divided(metric):
            return part
        return _share(part, base[self.per][design, first:last])

    def at(self, position: int) -> np.ndarray:
        """Values at one position, [metrics, designs]; NaN where nothing was measured."""
        if not 0 <= position < self.length:
            return np.full((self._metrics, len(self.designs)), np.nan)
        values = self._levels[0][0][:, :, position]
        if self.per >= 0:
            values = values.copy()
            scaled = [m for m in range(self._metrics) if self.divided(m)]
            values[scaled] = _share(values[scaled], values[self.per])
        return values

    def rows(self, metrics: Sequence[int], first: int, last: int) -> np.ndarray:
        """Values at positions first .. last - 1, [positions, metrics, designs]."""
        first, last = max(first, 0), min(last, self.length)
        parts = [self._part(metric, slice(None), first, last) for metric in metrics]
        return np.stack(parts).transpose(2, 0, 1) if parts and last > first else np.empty((0, 0, 0))

    def measured(self, metric: int, position: int) -> int:
        """The last position up to this one at which any design shown has a value; -1 where there is none."""
        shown = [n for n, design in enumerate(self.designs) if design not in self.hidden]
        known = ~np.isnan(self._part(metric, shown, 0, min(position + 1, self.length))).all(axis=0)
        return len(known) - 1 - int(known[::-1].argmax()) if known.any() else -1

    def zero(self, metric: int) -> bool:
        """Whether every value of every design is 0, and there is one beside that of the start."""
        if self.length < 2 or not self.designs:
            return False
        base = self._levels[0][0][metric, :, : self.length]
        return not base[:, -1].any() and not np.nan_to_num(base).any()  # NaN is no 0

    def sparse(self, metric: int) -> bool:
        """Whether there are positions between the measured ones."""
        if metric not in self.probed or not self.length:
            return False
        return bool(np.isnan(self._levels[0][0][metric, :, : self.length]).any())

    def points(self, metric: int, design: int, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
        """The measured positions of one curve between two, and the next one at each side; their values.

        A NaN stands where a probe is still to come: no line leads over it.
        """
        if not self._levels:
            return np.empty(0), np.empty(0)
        known = np.flatnonzero(~np.isnan(self._levels[0][0][metric, design, : self.length]))
        first, last = np.searchsorted(known, [low, high])
        known = known[max(int(first) - 1, 0) : int(last) + 1]
        x, y = known.astype(float), self._at(metric, design, known)
        gaps = np.diff(known)
        missing = np.flatnonzero(gaps > (gaps[:-1].min() if len(gaps) > 1 else self.length)) + 1
        return np.insert(x, missing, x[missing - 1]), np.insert(y, missing, np.nan)

    def _at(self, metric: int, design: int, positions: np.ndarray) -> np.ndarray:
        base = self._levels[0][0]
        values: np.ndarray = base[metric, design, positions]
        return _share(values, base[self.per, design, positions]) if self.divided(metric) else values

    def ends(self, metric: int, position: int) -> np.ndarray:
        """[designs]: the last value at or before ``position``; NaN where there is none."""
        values = self.at(position)[metric].copy()
        for design in np.flatnonzero(np.isnan(values)).tolist():
            known = np.flatnonzero(~np.isnan(self.values(metric, design)[: position + 1]))
            if len(known):
                values[design] = self.values(metric, design)[known[-1]]
        return values

    def extent(self, metric: int, low: int, high: int) -> tuple[float, float]:
        """Smallest and largest value at positions low .. high - 1 of the designs not hidden; (0, 0) where there are none.

        Where all are hidden all count.
        """
        low, high = max(low, 0), min(high, self.length)
        if low >= high or not self.designs:
            return 0.0, 0.0
        if self.sparse(metric):
            return self._extent_of_points(metric, low, high)
        level = 0
        while level + 1 < len(self._levels) and not self.divided(metric) and (high - low) // FAN ** (level + 1) > 64:
            level += 1
        size = FAN**level
        shown: Any = [n for n, d in enumerate(self.designs) if d not in self.hidden] if self.hidden else slice(None)
        shown = shown or slice(None)
        first, last = -(-low // size), min(high // size, self._filled[level])
        if level and first < last:
            lows, highs = self._levels[level]
            parts_low = [lows[metric][shown, first:last]]
            parts_high = [highs[metric][shown, first:last]]
            edges = [(low, first * size), (last * size, high)]
        else:
            parts_low, parts_high, edges = [], [], [(low, high)]
        for a, b in edges:
            parts_low.append(self._part(metric, shown, a, b))
            parts_high.append(parts_low[-1])
        least = np.fmin.reduce([np.fmin.reduce(p, axis=None, initial=np.inf) for p in parts_low])
        most = np.fmax.reduce([np.fmax.reduce(p, axis=None, initial=-np.inf) for p in parts_high])
        return (float(least), float(most)) if least <= most else (0.0, 0.0)

    def _extent_of_points(self, metric: int, low: int, high: int) -> tuple[float, float]:
        shown = [n for n, design in enumerate(self.designs) if design not in self.hidden] or range(len(self.designs))
        values = np.concatenate([self.points(metric, design, low, high - 1)[1] for design in shown])
        values = values[~np.isnan(values)]
        return (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)

    def polyline(self, metric: int, design: int, low: float, high: float, pixels: int) -> tuple[np.ndarray, np.ndarray]:
        """What to draw of one curve between positions ``low`` and ``high``: x and y of a connected line.

        At most about two points a pixel; with few positions the exact steps.
        """
        first, last = max(int(math.floor(low)), 0), min(int(math.ceil(high)) + 1, self.length)
        if last <= first:
            return np.empty(0), np.empty(0)
        if last - first <= max(pixels, 2):
            return steps(np.arange(first, last, dtype=float), self._part(metric, design, first, last))
        if self.divided(metric):  # no pyramid of quotients: they are few enough to be divided anew
            values = self._part(metric, design, first, last)
            return columns(values, values, max(pixels, 2), first, 1.0)
        return self._columns(metric, design, first, last, max(pixels, 2))

    def _columns(self, metric: int, design: int, first: int, last: int, pixels: int) -> tuple[np.ndarray, np.ndarray]:
        wide, level = (last - first) / pixels, 0
        while level + 1 < len(self._levels) and FAN ** (level + 1) <= wide / 2:
            level += 1
        size = FAN**level
        a, b = first // size, min(-(-last // size), self._filled[level])
        lows = self._levels[level][0][metric, design, a:b]
        highs = self._levels[level][1][metric, design, a:b]
        if b * size < last:  # what no full bin covers yet
            rest = self._levels[0][0][metric, design, b * size : last]
            lows, highs, b = np.append(lows, np.fmin.reduce(rest)), np.append(highs, np.fmax.reduce(rest)), b + 1
        return columns(lows, highs, pixels, a, float(size))

    def _room(self, level: int, length: int) -> tuple[np.ndarray, np.ndarray]:
        lows, highs = self._levels[level]
        have = lows.shape[2]
        if have < length:
            # what lies behind the length is never read: nothing is written there, it would take long
            used = self.length if level == 0 else have
            shape = (self._metrics, len(self.designs), max(2 * length, ROOM // FAN**level))
            grown = np.empty(shape)
            grown[:, :, :used] = lows[:, :, :used]
            other = grown
            if level:
                other = np.empty(shape)
                other[:, :, :used] = highs[:, :, :used]
            self._levels[level] = (grown, other)
        return self._levels[level]

    def _raise_pyramid(self, start: int, end: int) -> None:
        """Renew the bins over positions start .. end - 1, and those that the length has made full."""
        self._filled[0], level, size = self.length, 0, 1
        while self._filled[level] >= 2 * FAN:
            size *= FAN
            if level + 1 == len(self._levels):
                empty = (self._metrics, len(self.designs), 64)
                self._levels.append((np.full(empty, np.nan), np.full(empty, np.nan)))
                self._filled.append(0)
            new = self._filled[level] // FAN
            low, high = min(self._filled[level + 1], start // size), min(new, max(-(-end // size), 0))
            if self._filled[level + 1] < new:
                high = new
            lows, highs = self._room(level + 1, new)
            below = self._levels[level]
            if high > low:
                shape = (self._metrics, len(self.designs), high - low, FAN)
                cut = slice(low * FAN, high * FAN)
                lows[:, :, low:high] = np.fmin.reduce(below[0][:, :, cut].reshape(shape), axis=3)
                highs[:, :, low:high] = np.fmax.reduce(below[1][:, :, cut].reshape(shape), axis=3)
            self._filled[level + 1] = new
            level += 1
        for higher in range(level + 1, len(self._filled)):
            self._filled[higher] = 0


def _share(values: np.ndarray, divisor: np.ndarray) -> np.ndarray:
    """Quotients; NaN where there is nothing to share."""
    return np.asarray(values / np.where(divisor >= 1.0, divisor, np.nan))


def columns(lows: np.ndarray, highs: np.ndarray, pixels: int, first: int, size: float) -> tuple[np.ndarray, np.ndarray]:
    """The line over at most ``pixels`` columns that covers what the bins cover; bin k begins at (first + k) * size."""
    group = max(1, math.ceil(len(lows) / pixels))
    cuts = np.arange(0, len(lows), group)
    y = np.empty(2 * len(cuts))
    low, high = np.fmin.reduceat(lows, cuts), np.fmax.reduceat(highs, cuts)
    y[0::2], y[1::2] = low, high
    down = np.r_[False, (high[1:] + low[1:]) < (high[:-1] + low[:-1])]
    y[0::2][down], y[1::2][down] = high[down], low[down]
    return np.repeat((first + cuts) * size, 2), y


def steps(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The corners of a step curve: y[k] holds from x[k] to x[k + 1]."""
    return np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]


def squash(values: np.ndarray | float, log: bool) -> np.ndarray:
    """Where a value is drawn: itself, or log10(1 + |v|) with the sign kept, so that zero stays zero."""
    values = np.asarray(values, dtype=float)
    return np.sign(values) * np.log10(1.0 + np.abs(values)) if log else values


def unsquash(y: float, log: bool) -> float:
    """The value drawn at ``y``."""
    return math.copysign(10.0 ** min(abs(y), 300.0) - 1.0, y) if log else y


def ticks(
    low: float, high: float, most: int, *, log: bool = False, binary: bool = False, whole: bool = True
) -> list[float]:
    """At most about ``most`` round values between two values (not places). ``binary``: round in powers of two.

    ``whole`` False: fractions of one, too.
    """
    if high <= low:
        return [low]
    if log:
        return _log_ticks(low, high, most, 1024.0 if binary else 10.0, whole)
    step = nice_step((high - low) / max(most - 1, 1), binary=binary, whole=whole)
    values = _multiples(low, high, step)
    if len(values) < 2 and (step > 1 or not whole):  # zero alone says nothing
        values = _multiples(low, high, math.floor(step / 2) if whole else step / 2)  # no half of a page
    return values


def _multiples(low: float, high: float, step: float) -> list[float]:
    return [k * step for k in range(math.ceil(low / step - 1e-9), int(math.floor(high / step + 1e-9)) + 1)]


def _log_ticks(low: float, high: float, most: int, base: float, whole: bool) -> list[float]:
    top = int(math.floor(math.log(max(high, 1.0)) / math.log(base) + 1e-9))
    if top < 1:
        return ticks(low, high, most, whole=whole)
    every = max(1, math.ceil(top / max(most - 1, 1)))
    powers = [base**k for k in range(top, 0, -every)]
    return sorted(v for v in (0.0, *powers) if low <= v <= high)


def nice_step(raw: float, *, binary: bool = False, whole: bool = True) -> float:
    """The next step of 1, 2, 5 times a power of ten not below ``raw`` (of two for bytes), where ``whole`` 1 at least."""
    if raw <= 1.0 and whole:
        return 1.0
    if binary:
        return 2.0 ** math.ceil(math.log2(raw) - 1e-9)
    power = 10.0 ** math.floor(math.log10(raw))
    return next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= raw * (1 - 1e-9))


def spread(wanted: Sequence[float], size: float, low: float, high: float) -> list[float]:
    """Move centres of labels of height ``size`` apart so that none overlap, staying near ``wanted`` within low .. high.

    Blocks of touching labels sit around the mean of their wishes. Where not all fit, they are packed evenly.
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    room = max(high - low, 0.0)
    if len(order) * size > room:
        gap = room / max(len(order), 1)
        places = {i: low + gap * (n + 0.5) for n, i in enumerate(order)}
        return [places[i] for i in range(len(wanted))]
    blocks: list[list[float]] = []  # [sum of wishes minus offsets, labels, centre of the first]
    for i in order:
        wish = min(max(wanted[i], low + size / 2), high - size / 2)
        blocks.append([wish, 1.0, wish])
        while len(blocks) > 1 and blocks[-2][2] + blocks[-2][1] * size > blocks[-1][2] + 1e-9:
            total, count, _ = blocks.pop()
            before = blocks[-1]
            before[0] += total - count * before[1] * size
            before[1] += count
            first = before[0] / before[1]
            before[2] = min(max(first, low + size / 2), high - before[1] * size + size / 2)
    flat = [block[2] + k * size for block in blocks for k in range(int(block[1]))]
    places = dict(zip(order, flat, strict=True))
    return [places[i] for i in range(len(wanted))]


def figure(value: float, unit: str) -> str:
    """A value as shown: counts with separators, bytes in binary units, – where nothing was measured."""
    if math.isnan(value):
        return "–"
    if unit == "bytes":
        return size_text(value)
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def signed(value: float, unit: str) -> str:
    """A difference with its sign: +1.2 KiB, −3, 0."""
    if math.isnan(value):
        return "–"
    sign = "+" if value > 0 else "\N{MINUS SIGN}" if value < 0 else ""
    return sign + figure(abs(value), unit)


def size_text(size_bytes: float) -> str:
    """Bytes in binary units: 96 B, 1.5 KiB."""
    value = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1024 or unit == "GiB":
            whole = abs(value) >= 100 or (unit == "B" and value == int(value))
            return f"{value:,.0f} {unit}" if whole else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError(size_bytes)
