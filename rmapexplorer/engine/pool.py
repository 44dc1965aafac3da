"""Copies of a world that share what did not change: one is stored as chunks of bytes, most of them those of another.

Between two positions of a log a small part of a world's arrays changes. A stored copy is a pickle of the few
Python objects and, for the arrays, numbers of chunks in a pool, each there once. So a session of 30,000
operations keeps hundreds of copies of every world where it had room for twenty.
"""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
from attrs import define, field, frozen

from rmapexplorer.core.room import ROOM

CHUNK = 2048
"""Bytes of a chunk. A page of memory is larger than what changes at a time, much smaller costs more numbers than bytes."""

KEPT_FREE = 60 << 20
"""Bytes of the memory allowed that copies leave to the worlds themselves."""

Rows = np.ndarray
"""int32 numbers of chunks."""


@define(eq=False)
class Pool:
    """Chunks with a count of who uses them. Memory is taken as it is used, up to ``budget_bytes``."""

    budget_bytes: int
    data: np.ndarray = field(init=False)
    """uint8 [chunks, CHUNK]"""
    uses: np.ndarray = field(init=False)
    """int32 [chunks]"""
    _fresh: int = 0
    _free: list[Rows] = field(factory=list)
    _free_count: int = 0
    _beside: int = 0
    # bytes of the copies beside chunks: of many small steps of a large world they are most of it
    _scratch: Scratch = field(factory=lambda: Scratch())

    def __attrs_post_init__(self) -> None:
        rows = max(1, self.budget_bytes // CHUNK)
        self.data = np.empty((rows, CHUNK), np.uint8)  # the system gives pages when they are written
        self.uses = np.zeros(rows, np.int32)

    @property
    def room(self) -> int:
        """Chunks that can still be taken."""
        return len(self.uses) - self._fresh + self._free_count

    @property
    def used_bytes(self) -> int:
        """Bytes of the chunks in use."""
        return (len(self.uses) - self.room) * CHUNK

    @property
    def beside_bytes(self) -> int:
        """Bytes that the copies hold beside chunks."""
        return self._beside

    def store(self, world: Any, before: Packed | None) -> Packed | None:
        """A copy that shares the chunks that are those of ``before``; None where there is no room for the others."""
        buffers: list[pickle.PickleBuffer] = []
        body = pickle.dumps(world, protocol=5, buffer_callback=buffers.append)
        raws = [np.frombuffer(buffer.raw(), np.uint8) for buffer in buffers]
        lengths = tuple(len(raw) for raw in raws)
        now = self._scratch.chunks(raws, lengths)
        rows = np.full(len(now), -1, np.int32)
        if before is not None:
            self._scratch.share(rows, now, self.data, lengths, before)
        missing = np.flatnonzero(rows < 0)
        beside = len(body) + rows.nbytes
        own = len(missing) * CHUNK + beside
        full = len(missing) > self.room or self._beside + beside > self.budget_bytes // 2
        if full or own > ROOM.left() - KEPT_FREE:
            return None
        self._beside += beside
        self.uses[rows[rows >= 0]] += 1  # every chunk stands once in a copy
        taken = self._take(len(missing))
        self.data[taken] = now[missing]
        self.uses[taken] = 1
        rows[missing] = taken
        return Packed(pool=self, body=body, lengths=lengths, rows=rows, own_bytes=own)

    def drop(self, packed: Packed) -> None:
        """The copy is not needed any more."""
        self._beside -= len(packed.body) + packed.rows.nbytes
        self.uses[packed.rows] -= 1
        gone = packed.rows[self.uses[packed.rows] == 0]
        if len(gone):
            self._free.append(gone)
            self._free_count += len(gone)

    def _take(self, count: int) -> Rows:
        parts: list[Rows] = []
        while count and self._free:
            rows = self._free.pop()
            parts.append(rows[:count])
            if len(rows) > count:
                self._free.append(rows[count:])
            self._free_count -= len(parts[-1])
            count -= len(parts[-1])
        parts.append(np.arange(self._fresh, self._fresh + count, dtype=np.int32))
        self._fresh += count
        return np.concatenate(parts)


@frozen(kw_only=True, eq=False)
class Packed:
    """A stored copy; ``copy`` makes a world of it."""

    pool: Pool
    body: bytes
    lengths: tuple[int, ...]
    """Bytes of each array, in the order of the pickle."""
    rows: Rows
    """Chunks of all arrays, one after the other; each array begins a chunk."""
    own_bytes: int
    """Bytes that it did not share when it was stored."""

    def copy(self) -> Any:
        """An independent world."""
        flat = memoryview(self.pool.data[self.rows].reshape(-1))
        buffers, at = [], 0
        for length in self.lengths:
            buffers.append(flat[at : at + length])
            at += _whole(length) * CHUNK
        return pickle.loads(self.body, buffers=buffers)


def _whole(length: int) -> int:
    return -(-length // CHUNK)


@define(eq=False)
class Scratch:
    """Room for one world's chunks, used over and over: fresh memory would cost more than the work done in it."""

    _now: np.ndarray = field(factory=lambda: np.empty((0, CHUNK), np.uint8))
    _theirs: np.ndarray = field(factory=lambda: np.empty((0, CHUNK), np.uint8))
    _unequal: np.ndarray = field(factory=lambda: np.empty((0, CHUNK // 8), np.bool_))

    def chunks(self, raws: list[np.ndarray], lengths: tuple[int, ...]) -> np.ndarray:
        """All arrays in one matrix of chunks, the rest of each last one zero; valid until the next call."""
        count = sum(map(_whole, lengths))
        if len(self._now) < count:
            self._now = np.empty((2 * count, CHUNK), np.uint8)
            self._theirs = np.empty((2 * count, CHUNK), np.uint8)
            self._unequal = np.empty((2 * count, CHUNK // 8), np.bool_)
        now = self._now[:count]
        flat, at = now.reshape(-1), 0
        for raw in raws:
            end = at + _whole(len(raw)) * CHUNK
            flat[at : at + len(raw)] = raw
            flat[at + len(raw) : end] = 0
            at = end
        return now

    def share(self, rows: Rows, now: np.ndarray, data: np.ndarray, lengths: tuple[int, ...], before: Packed) -> None:
        """Fill in ``rows`` where a chunk is that of ``before``: an array is compared with the one at its place there."""
        theirs = np.zeros(len(rows), np.int32)
        known = np.zeros(len(rows), np.bool_)
        at = old = 0
        for length, its in zip(lengths, before.lengths, strict=False):
            size, had = _whole(length), _whole(its)
            both = min(size, had)
            theirs[at : at + both] = before.rows[old : old + both]
            known[at : at + both] = True
            at, old = at + size, old + had
        there = np.take(data, theirs, axis=0, out=self._theirs[: len(rows)], mode="clip")
        unequal = np.not_equal(now.view(np.uint64), there.view(np.uint64), out=self._unequal[: len(rows)])
        same = known & ~unequal.any(axis=1)
        rows[same] = theirs[same]
