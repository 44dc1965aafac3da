"""Arithmetic of the overhead curves, numpy only: growing buffers, a min/max pyramid, ticks, label places.

Curves are steps: the value at position k holds until the next one measured, at k + 1 or later; they end where a design
has not been run. With more points than pixels, each column of pixels is drawn as the vertical line from its smallest to
its largest value, which is what the full curve would cover.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from rmapexplorer.engine.frames import MetricRows

FAN = 8
"""Every level of the pyramid is this many times shorter than the one below."""
BLOCK = 4096
"""Held values behind rewritten ones are renewed in steps of this many positions, as far as they change."""
ROOM = 1 << 17
"""Positions there is room for at first: memory that is not written costs nothing, growing later takes long."""


class CurveStore:
    """The values of all designs and metrics by position, and their pyramid. Appending is amortised O(1) a value."""

    def __init__(self, metrics: int, divisors: Sequence[int] = ()) -> None:
        self._metrics = metrics
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
        self._measured = np.empty((metrics, 0, 0), bool)
        """Where a value stands for itself: measured, or (NaN in all metrics of a design) not run so far."""

    def clear(self, designs: tuple[str, ...] = ()) -> None:
        """Forget everything."""
        self.designs, self.length = designs, 0
        empty = np.full((self._metrics, len(designs), 64), np.nan)
        self._levels, self._filled = [(empty, empty)], [0]
        self._measured = np.zeros(empty.shape, bool)
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
        first = min(start, old)
        before = base[:, :, first : min(end, old)].copy()
        base[:, :, old:start] = np.nan
        self._measured[:, :, old:start] = True
        base[:, :, start:end] = rows.values.transpose(2, 1, 0)
        told = ~np.isnan(base[:, :, start:end])
        self._measured[:, :, start:end] = told | ~told.any(axis=0)
        self._carry(first, end)
        self.length = end if rows.truncate else max(end, old)
        touched = self._hold(before, first, end)
        if self.length != old:
            self.fresh.update(range(self._metrics))
        self._raise_pyramid(first, self.length if self.length > old else touched)
        return self.length != old or bool(self.fresh)

    def _hold(self, before: np.ndarray, first: int, end: int) -> int:
        """Carry changed values on over what was not measured behind ``end``. :return: the end of what changed."""
        after = self._levels[0][0][:, :, first : first + before.shape[2]]
        differs = ~((before == after) | (np.isnan(before) & np.isnan(after)))
        self.fresh.update(np.flatnonzero(differs.any(axis=(1, 2))).tolist())
        touched, base = end, self._levels[0][0]
        if first + before.shape[2] < end or not end < self.length:
            return max(touched, end)
        for metric, design in np.argwhere(differs[:, :, -1]).tolist() if before.shape[2] else ():
            stop = end
            while stop < self.length:
                known = self._measured[metric, design, stop : min(stop + BLOCK, self.length)]
                run = int(known.argmax()) if known.any() else len(known)
                stop += run
                if run < len(known):
                    break
            base[metric, design, end:stop] = base[metric, design, end - 1]
            touched = max(touched, stop)
        return touched

    def _carry(self, start: int, end: int) -> None:
        base = self._levels[0][0]
        for metric in np.flatnonzero(~self._measured[:, :, start:end].all(axis=(1, 2))).tolist():
            part, known = base[metric, :, start:end], self._measured[metric, :, start:end]
            carry = base[metric, :, start - 1 : start] if start else np.full((len(part), 1), np.nan)
            source = np.maximum.accumulate(np.where(known, np.arange(1, end - start + 1), 0), axis=1)
            part[:] = np.take_along_axis(np.concatenate([carry, part], axis=1), source, axis=1)

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
        """Values at one position, [metrics, designs], held from the last one measured; NaN before the first."""
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
            if level == 0:
                measured = np.empty(shape, bool)
                measured[:, :, :used] = self._measured[:, :, :used]
                self._measured = measured
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
        values = _multiples(low, high, step / 2)
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
