"""Rows of 512 entries: page-table pages of the mms, and likewise the page cache of the files.

An entry is one integer: a number (page id, swap slot) shifted by ENTRY_SHIFT, and bits. 0 is none.
The address of an entry, its *slot*, is row * 512 + column: what a pte pointer is in the kernel.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from attrs import define, field

from rmapexplorer.core.room import ROOM
from rmapexplorer.core.table import NONE, Ints, Table
from rmapexplorer.core.units import TABLE_ENTRIES, TABLE_SHIFT

ENTRY_SHIFT = 12
PRESENT, WRITE, DIRTY, YOUNG, PROTNONE, ZERO, SWAP, EXCLUSIVE, MARKER, OFFSET, FREED = (1 << bit for bit in range(11))
"""Bits of an entry. ZERO: the shared zero page; EXCLUSIVE: of a swap entry; MARKER: guard page; OFFSET: file offset;
FREED: the process gave the contents up (MADV_FREE) and has not written since: they count as never written."""

_MASK = TABLE_ENTRIES - 1


@define
class Tables:
    """The rows of one owner: number of the table (vpn >> 9) -> row."""

    owner: int
    rows: dict[int, int] = field(factory=dict)

    def numbers(self, start: int, end: int) -> list[int]:
        """Numbers of the existing tables that overlap entries [start, end), ascending."""
        first, last = start >> TABLE_SHIFT, (end - 1) >> TABLE_SHIFT
        if last - first < len(self.rows):
            return [number for number in range(first, last + 1) if number in self.rows]
        return sorted(number for number in self.rows if first <= number <= last)


class Radix(Table):
    """A pool of rows. ``entries`` is [capacity, 512], ``base`` the first page number, ``owner`` the mm or file."""

    COLUMNS = {"base": (np.int64, 0), "owner": (np.int64, -1)}
    base: Ints
    owner: Ints

    def __init__(self, capacity: int = 16) -> None:
        super().__init__(capacity)
        self.entries = np.zeros((capacity, TABLE_ENTRIES), np.int64)
        self.version = 0
        self._index: tuple[int, Ints, Ints] | None = None

    @property
    def flat(self) -> Ints:
        """All entries by slot."""
        return self.entries.reshape(-1)

    def _grow(self, need: int) -> None:
        super()._grow(need)
        ROOM.ask(need * TABLE_ENTRIES * 8)  # the others are taken when they are written
        grown = np.zeros((self.capacity, TABLE_ENTRIES), np.int64)
        grown[: len(self.entries)] = self.entries
        self.entries = grown

    def copy(self) -> Self:
        """An independent copy."""
        other = super().copy()
        other._index = None
        return other

    def row(self, tables: Tables, number: int) -> int:
        """The row of table ``number``, made where it is missing."""
        row = tables.rows.get(number)
        if row is None:
            row = self.new(base=number << TABLE_SHIFT, owner=tables.owner)
            tables.rows[number] = row
            self.version += 1
        return row

    def slot(self, tables: Tables, vpn: int) -> int:
        """Slot of an entry, -1 where its table does not exist."""
        row = tables.rows.get(vpn >> TABLE_SHIFT)
        return -1 if row is None else row * TABLE_ENTRIES + (vpn & _MASK)

    def get(self, tables: Tables, vpn: int) -> int:
        """The entry of page number ``vpn``, 0 for none."""
        row = tables.rows.get(vpn >> TABLE_SHIFT)
        return 0 if row is None else self.entries.item(row * TABLE_ENTRIES + (vpn & _MASK))

    def at(self, slot: int) -> int:
        """The entry of a slot."""
        return self.entries.item(slot)

    def put(self, slot: int, entry: int) -> None:
        """Set the entry of a slot."""
        self.entries[slot >> TABLE_SHIFT, slot & _MASK] = entry

    def make_slot(self, tables: Tables, vpn: int) -> int:
        """Slot of an entry, its table made where it is missing."""
        return self.row(tables, vpn >> TABLE_SHIFT) * TABLE_ENTRIES + (vpn & _MASK)

    def make_slots(self, tables: Tables, vpns: Ints) -> Ints:
        """Slots of ascending page numbers, tables made where missing."""
        if not len(vpns):
            return NONE
        numbers = vpns >> TABLE_SHIFT
        first, last = int(numbers[0]), int(numbers[-1])
        if first == last:
            return self.row(tables, first) * TABLE_ENTRIES + (vpns & _MASK)
        wanted = np.unique(numbers)
        rows = np.array([self.row(tables, number) for number in wanted.tolist()], np.int64)
        return rows[np.searchsorted(wanted, numbers)] * TABLE_ENTRIES + (vpns & _MASK)

    def span(self, tables: Tables, start: int, end: int) -> tuple[Ints, Ints]:
        """(page numbers, slots) of the entries in [start, end) that are not none, ascending."""
        vpns, slots = [], []
        if start >> TABLE_SHIFT == (end - 1) >> TABLE_SHIFT:
            return self._span_of_one(tables, start, end)
        for number in tables.numbers(start, end):
            row, base = tables.rows[number], number << TABLE_SHIFT
            low, high = max(start - base, 0), min(end - base, TABLE_ENTRIES)
            columns = np.flatnonzero(self.entries[row, low:high])
            if len(columns):
                columns += low
                vpns.append(columns + base)
                slots.append(columns + row * TABLE_ENTRIES)
        if not vpns:
            return NONE, NONE
        return (vpns[0], slots[0]) if len(vpns) == 1 else (np.concatenate(vpns), np.concatenate(slots))

    def _span_of_one(self, tables: Tables, start: int, end: int) -> tuple[Ints, Ints]:
        # the span lies within one table
        row = tables.rows.get(start >> TABLE_SHIFT)
        if row is None:
            return NONE, NONE
        base = start & ~_MASK
        columns = self.entries[row, start - base : end - base].nonzero()[0]
        if not len(columns):
            return NONE, NONE
        return columns + start, columns + (row * TABLE_ENTRIES + start - base)

    def drop_empty(self, tables: Tables, start: int, end: int) -> None:
        """Free the tables overlapping [start, end) that hold no entry any more (free_pgtables)."""
        for number in tables.numbers(start, end):
            row = tables.rows[number]
            if not np.count_nonzero(self.entries[row]):
                del tables.rows[number]
                self.free(row)
                self.version += 1

    def drop_all(self, tables: Tables) -> None:
        """Free all tables of an owner."""
        if tables.rows:
            rows = np.fromiter(tables.rows.values(), np.int64, len(tables.rows))
            self.entries[rows] = 0
            self.free_many(rows)
            tables.rows.clear()
            self.version += 1

    def owner_of(self, slots: Ints) -> Ints:
        """The mm (file) of each slot."""
        return self.owner[slots // TABLE_ENTRIES]

    def vpn_of(self, slots: Ints) -> Ints:
        """The page number of each slot."""
        return self.base[slots // TABLE_ENTRIES] + (slots & _MASK)

    def locate(self, owners: Ints, vpns: Ints) -> Ints:
        """Slots of (owner, page number) pairs, -1 where no table exists: the page-table walk of an rmap walk, in bulk."""
        if self._index is None or self._index[0] != self.version:
            rows = self.live()
            keys = (self.owner[rows] << 26) | (self.base[rows] >> TABLE_SHIFT)
            order = np.argsort(keys, kind="stable")
            self._index = (self.version, keys[order], rows[order])
        _, keys, rows = self._index
        if not len(keys):
            return np.full(len(vpns), -1, np.int64)
        wanted = (owners.astype(np.int64) << 26) | (vpns >> TABLE_SHIFT)
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where(keys[at] == wanted, rows[at] * TABLE_ENTRIES + (vpns & _MASK), -1)

    def tables_of(self, tables: Tables) -> tuple[Ints, Ints]:
        """(numbers, rows) of all tables of an owner, ascending."""
        numbers = sorted(tables.rows)
        return np.array(numbers, np.int64), np.array([tables.rows[number] for number in numbers], np.int64)

    def add_tables(self, tables: Tables, numbers: Ints) -> Ints:
        """Empty tables of these numbers for an owner who has none of them; returns their rows."""
        rows = self.new_many(len(numbers))
        self.base[rows] = numbers << TABLE_SHIFT
        self.owner[rows] = tables.owner
        tables.rows.update(zip(numbers.tolist(), rows.tolist(), strict=True))
        self.version += 1
        return rows
