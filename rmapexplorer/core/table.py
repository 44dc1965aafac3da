"""Tables: structures of arrays with a free list. Rows are referred to by integer id.

Ids are reused, so each row carries a birth number that never is. Columns are numpy arrays that are
replaced when the table grows: never keep one across a ``new``.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from rmapexplorer.core.room import ROOM

Ints = npt.NDArray[np.int64]
"""Numbers. Columns that hold nothing but ids, counts or flags are int32, half as wide: what is computed of them for a key
or a sum must be widened first, and ``np.add.at`` wants an amount of the column's own type (ONE)."""
Bools = npt.NDArray[np.bool_]

NONE = np.empty(0, np.int64)
"""No ids."""


ONE = np.int32(1)
"""One more, for ``np.add.at`` on a narrow column."""


def narrow(length: int, fresh: int = -1) -> Ints:
    """A column of ids or counts: int32."""
    column: Any = np.full(length, fresh, np.int32)
    return column  # type: ignore[no-any-return]


def capacity_for(need: int) -> int:
    """Rows to make room for when ``need`` are needed: few are doubled, many grow by a quarter at most."""
    double = 1 << (need - 1).bit_length()
    step = double if double <= 1024 else double >> 3
    return -(-need // step) * step


def ids(values: Any) -> Ints:
    """Anything iterable, or one number, as an int64 array."""
    if isinstance(values, int):
        return np.array((values,), np.int64)
    return np.atleast_1d(np.asarray(values, np.int64))


def each(*values: int) -> Ints:
    """An array of one element for each of the numbers, to be unpacked: what ids gives one by one."""
    return np.array(values, np.int64).reshape(-1, 1)


class Table:
    """Base of all tables; a subclass names its columns in COLUMNS: name -> (dtype, value of a fresh row)."""

    COLUMNS: ClassVar[dict[str, tuple[Any, int]]] = {}
    REMARKS: ClassVar[frozenset[str]] = frozenset()
    """Columns that only say how a row came to be: the digest leaves them out."""
    HAS_BIRTHS: ClassVar[bool] = True
    """Rows have birth numbers; not where nobody tells a row from the one that had its id before."""

    _FRESH: ClassVar[dict[str, int]] = {}

    alive: Bools
    birth: Ints

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._FRESH = {name: fresh for name, (_, fresh) in cls.COLUMNS.items()}

    def __init__(self, capacity: int = 64) -> None:
        self.used = 0
        self.births = 0
        self.live_count = 0
        self._free: list[int] = []
        self.alive = np.zeros(capacity, np.bool_)
        self.birth = np.full(capacity if self.HAS_BIRTHS else 0, -1, np.int64)
        for name, (dtype, fresh) in self.COLUMNS.items():
            setattr(self, name, np.full(capacity, fresh, dtype))

    def __len__(self) -> int:
        return self.live_count

    @property
    def capacity(self) -> int:
        """Rows the columns have room for."""
        return len(self.alive)

    def _grow(self, need: int) -> None:
        capacity, births = capacity_for(need), [("birth", -1)] if self.HAS_BIRTHS else []
        ROOM.ask(capacity * self._row_bytes())
        for name, fresh in [("alive", False), *births, *((n, f) for n, (_, f) in self.COLUMNS.items())]:
            old = getattr(self, name)
            new = np.full((capacity, *old.shape[1:]), fresh, old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)

    def _row_bytes(self) -> int:
        return 9 + sum(int(np.dtype(dtype).itemsize) for dtype, _ in self.COLUMNS.values())

    def new(self, **values: int) -> int:
        """One fresh row, with the given cells; returns its id."""
        if self._free:
            row = self._free.pop()
            values = self._FRESH | values
        else:
            row = self.used
            if row >= self.capacity:
                self._grow(row + 1)
            self.used += 1
        columns = vars(self)
        for name, value in values.items():
            columns[name][row] = value
        self.alive[row] = True
        if self.HAS_BIRTHS:
            self.birth[row] = self.births
        self.births += 1
        self.live_count += 1
        return row

    def new_many(self, count: int) -> Ints:
        """``count`` fresh rows; returns their ids."""
        reused = min(count, len(self._free))
        rows = np.empty(count, np.int64)
        if reused:
            rows[:reused] = self._free[: -reused - 1 : -1]
            del self._free[-reused:]
            for name, fresh in self._FRESH.items():
                getattr(self, name)[rows[:reused]] = fresh
        if count > reused:
            if self.used + count - reused > self.capacity:
                self._grow(self.used + count - reused)
            rows[reused:] = np.arange(self.used, self.used + count - reused)
            self.used += count - reused
        self.alive[rows] = True
        if self.HAS_BIRTHS:
            self.birth[rows] = np.arange(self.births, self.births + count)
        self.births += count
        self.live_count += count
        return rows

    def copy_rows(self, rows: Ints) -> Ints:
        """Fresh rows with the cells of ``rows``."""
        new = self.new_many(len(rows))
        for name in self.COLUMNS:
            column = getattr(self, name)
            column[new] = column[rows]
        return new

    def copy_row(self, row: int) -> int:
        """A fresh row with the cells of ``row``."""
        columns = vars(self)
        return self.new(**{name: columns[name].item(row) for name in self.COLUMNS})

    def free(self, row: int) -> None:
        """Give one row back."""
        self.alive[row] = False
        self.live_count -= 1
        self._free.append(int(row))

    def free_many(self, rows: Ints) -> None:
        """Give rows back."""
        self.alive[rows] = False
        self.live_count -= len(rows)
        self._free.extend(rows.tolist())

    def live(self) -> Ints:
        """Ids of all live rows, ascending."""
        return np.flatnonzero(self.alive[: self.used])

    def digest_parts(self) -> list[bytes]:
        """The live rows as bytes: ids, then all columns but the remarks, numbers as int64 whatever their column is."""
        rows = self.live()
        columns = [getattr(self, name)[rows] for name in self.COLUMNS if name not in self.REMARKS]
        return [one.tobytes() for one in (rows, *(c if c.dtype == np.bool_ else c.astype(np.int64) for c in columns))]

    def copy(self) -> Self:
        """An independent copy."""
        ROOM.ask(self.cost_bytes())
        other = object.__new__(type(self))
        for name, value in vars(self).items():
            setattr(other, name, value.copy() if isinstance(value, (np.ndarray, list)) else value)
        return other

    def cost_bytes(self) -> int:
        """Memory of a copy."""
        return sum(v.nbytes for v in vars(self).values() if isinstance(v, np.ndarray)) + 8 * len(self._free)


class VmaTable(Table):
    """vm_area_struct: one row a vma. ``start``, ``end``, ``pgoff`` are page numbers; ``file`` -1 is anonymous."""

    COLUMNS = {
        "mm": (np.int32, -1),
        "start": (np.int64, 0),
        "end": (np.int64, 0),
        "pgoff": (np.int64, 0),
        "flags": (np.int32, 0),
        "file": (np.int32, -1),
        "label": (np.int32, -1),
        "touched": (np.bool_, 0),
        "guarded": (np.bool_, 0),
    }
    mm: Ints
    start: Ints
    end: Ints
    pgoff: Ints
    flags: Ints
    file: Ints
    label: Ints
    touched: Bools
    """A write fault prepared this vma, or the vma it was cut, copied or forked from."""
    guarded: Bools
    """A guard page was installed somewhere in it at some time (VM_MAYBE_GUARD): fork copies its page tables."""


class PageTable(Table):
    """struct page: one row a frame. ``mapping`` and ``index`` are the design's for anonymous pages, file and page of it else."""

    COLUMNS = {
        "state": (np.int64, 0),
        "mapping": (np.int64, -1),
        "index": (np.int64, -1),
        "mapcount": (np.int64, 0),
        "swap": (np.int64, -1),
        "token": (np.int64, 0),
        "lru": (np.int64, 0),
        "copied": (np.bool_, 0),
    }
    REMARKS = frozenset({"copied"})
    state: Ints
    mapping: Ints
    index: Ints
    mapcount: Ints
    swap: Ints
    token: Ints
    lru: Ints
    copied: Bools
    """The frame was made as a copy of another page: by a write, or by a design that could not share it any longer."""


class SwapTable(Table):
    """Swap slots: ``count`` swap entries refer to it, ``page`` is its page in the swap cache or -1; ``advised``: by MADV_PAGEOUT."""

    COLUMNS = {"count": (np.int64, 0), "page": (np.int64, -1), "token": (np.int64, 0), "advised": (np.bool_, 0)}
    count: Ints
    page: Ints
    token: Ints
    advised: Bools


# page.state
ANON, FILE, SHMEM, EXCLUSIVE, ACTIVE, REFERENCED, MLOCKED, DIRTY, LAZYFREE, READ_BACK, CHARGED, REFAULTED = (
    1 << bit for bit in range(12)
)
"""LAZYFREE: anonymous but not swap-backed any more: reclaim drops it if nobody wrote it since (MADV_FREE).

READ_BACK: in the swap cache and not mapped yet since it was read from swap. CHARGED: a file page that was not cached from
the start but allocated by a fault, so that it counts as memory of the processes. REFAULTED: active, because it was read back
after MADV_PAGEOUT had sent it to swap."""

MLOCK_COUNT = 1 << 16
"""page.state from here on counts the locked mappings of a page on the LRU (mlock_count)."""
