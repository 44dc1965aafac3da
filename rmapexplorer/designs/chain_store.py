"""Where pte_chains lie: page.pte of every page and the blocks behind it, as arrays or as linked pairs.

Arrays (2.5.34 to 2.6.6): a block holds NRPTE slots filled from the high end; only the head block has free ones. Pairs
(2.5.27 to 2.5.33): a pointer to one pte and the next pair; the newest is first. With PG_direct a lone pte needs neither.
Kernel: mm/rmap.c of 2.5.27 and 2.6.5.
"""

from __future__ import annotations

from typing import ClassVar, NoReturn, Self

import numpy as np

from rmapexplorer.core.table import Ints, Table, ids
from rmapexplorer.core.units import Corruption

NOTHING, DIRECT, CHAIN = 0, 1, 2
"""What page.pte is: nothing, the one pte (PG_direct), the head block."""


class Blocks(Table):
    """struct pte_chain: ``next`` block (-1 last), ``idx`` the first used slot; the slots are a matrix beside."""

    COLUMNS = {"next": (np.int64, -1), "idx": (np.int64, 0)}
    next: Ints
    idx: Ints


class ArrayStore:
    """Blocks of ``slots`` ptes. ``direct``: the only pte of a page is kept in page.pte itself. All calls take distinct pages."""

    COLLAPSES_ON_REMOVAL: ClassVar[bool] = False
    """Whether removal, and not page_referenced, makes a lone pte PG_direct again."""

    def __init__(self, slots: int, direct: bool) -> None:
        self.slots = slots
        self.direct = direct
        self.block = Blocks()
        self.ptes = np.full((self.block.capacity, slots), -1, np.int64)
        self.kind = np.zeros(64, np.int8)
        self.ref = np.full(64, -1, np.int64)

    def copy(self) -> Self:
        """An independent copy."""
        other = object.__new__(type(self))
        for name, value in vars(self).items():
            setattr(other, name, value.copy() if hasattr(value, "copy") else value)
        return other

    def cost_bytes(self) -> int:
        """Memory of a copy."""
        return self.block.cost_bytes() + self.ptes.nbytes + self.kind.nbytes + self.ref.nbytes

    def reach(self, capacity: int) -> None:
        """Make room for page ids below ``capacity``."""
        if capacity > len(self.kind):
            kind, ref = np.zeros(capacity, np.int8), np.full(capacity, -1, np.int64)
            kind[: len(self.kind)], ref[: len(self.ref)] = self.kind, self.ref
            self.kind, self.ref = kind, ref

    def _new(self, count: int) -> Ints:
        blocks = self.block.new_many(count)
        self._reach_blocks()
        self.ptes[blocks] = -1
        return blocks

    # -- adding and removing ----------------------------------------------------------------------

    def add(self, pages: Ints, slots: Ints) -> int:
        """page_add_rmap: one pte more for each page; returns the blocks consumed."""
        kind, head = self.kind[pages], self.ref[pages]
        none, direct = kind == NOTHING, kind == DIRECT
        if self.direct:
            self.kind[pages[none]], self.ref[pages[none]] = DIRECT, slots[none]
            none = np.zeros(len(pages), np.bool_)
        idx = self.block.idx[np.where(kind == CHAIN, head, 0)]
        full, room = (kind == CHAIN) & (idx == 0), (kind == CHAIN) & (idx > 0)
        self.ptes[head[room], idx[room] - 1] = slots[room]
        self.block.idx[head[room]] -= 1
        return self._convert(pages[direct], slots[direct]) + self._push(pages[full | none], slots[full | none])

    def add_one(self, page: int, slot: int) -> int:
        """add for one page."""
        kind = self.kind.item(page)
        if kind == NOTHING and self.direct:
            self.kind[page], self.ref[page] = DIRECT, slot
            return 0
        head, last = self.ref.item(page), self.slots - 1
        if kind == CHAIN and (idx := self.block.idx.item(head)):
            self.ptes[head, idx - 1] = slot
            self.block.idx[head] = idx - 1
            return 0
        block = self._new_one()
        if kind == DIRECT:
            self.ptes[block, last], self.ptes[block, last - 1] = head, slot
            self.block.idx[block] = last - 1
        else:
            self.ptes[block, last] = slot
            self.block.idx[block] = last
            self.block.next[block] = head if kind == CHAIN else -1
        self.kind[page], self.ref[page] = CHAIN, block
        return 1

    def _new_one(self) -> int:
        block = self.block.new()
        self._reach_blocks()
        self.ptes[block] = -1
        return block

    def _reach_blocks(self) -> None:
        if self.block.capacity > len(self.ptes):
            grown = np.full((self.block.capacity, self.slots), -1, np.int64)
            grown[: len(self.ptes)] = self.ptes
            self.ptes = grown

    def _convert(self, pages: Ints, slots: Ints) -> int:
        # from PG_direct to a chain of two
        if len(pages):
            blocks, last = self._new(len(pages)), self.slots - 1
            self.ptes[blocks, last], self.ptes[blocks, last - 1] = self.ref[pages], slots
            self.block.idx[blocks] = last - 1
            self.kind[pages], self.ref[pages] = CHAIN, blocks
        return len(pages)

    def _push(self, pages: Ints, slots: Ints) -> int:
        # a new head block with one pte
        if len(pages):
            blocks, last = self._new(len(pages)), self.slots - 1
            self.ptes[blocks, last] = slots
            self.block.idx[blocks] = last
            self.block.next[blocks] = np.where(self.kind[pages] == CHAIN, self.ref[pages], -1)
            self.kind[pages], self.ref[pages] = CHAIN, blocks
        return len(pages)

    def remove(self, pages: Ints, slots: Ints) -> tuple[int, int]:
        """page_remove_rmap: one pte less for each page; returns (blocks freed, slots compared)."""
        direct = self.kind[pages] == DIRECT
        if (self.ref[pages[direct]] != slots[direct]).any():
            raise Corruption("page.pte.direct is not the pte removed")
        self.kind[pages[direct]], self.ref[pages[direct]] = NOTHING, -1
        pages, slots = pages[~direct], slots[~direct]
        return self._take_out(pages, slots) if len(pages) else (0, 0)

    def remove_one(self, page: int, slot: int) -> tuple[int, int]:
        """remove for one page."""
        head = self.ref.item(page)
        if self.kind.item(page) == DIRECT:
            if head != slot:
                raise Corruption("page.pte.direct is not the pte removed")
            self.kind[page], self.ref[page] = NOTHING, -1
            return 0, 0
        block, compared = head, 0
        while slot not in (ptes := self.ptes[block].tolist() if block >= 0 else self._nowhere()):
            compared += self.slots - self.block.idx.item(block)
            block = self.block.next.item(block)
        column = ptes.index(slot)
        compared += column + 1 - self.block.idx.item(block)
        first = self.block.idx.item(head)
        self.ptes[block, column] = self.ptes[head, first]
        self.ptes[head, first] = -1
        self.block.idx[head] = first + 1
        if first + 1 < self.slots:
            return 0, compared
        follow = self.block.next.item(head)
        self.block.free(head)
        self.ref[page] = follow
        if follow < 0:
            self.kind[page] = NOTHING
        return 1, compared

    def _nowhere(self) -> NoReturn:
        raise Corruption("a pte is on no pte_chain of its page")

    def _take_out(self, pages: Ints, slots: Ints) -> tuple[int, int]:
        # the head's first used entry moves into the hole
        head = self.ref[pages]
        block, column, compared = self._find(head, slots)
        first = self.block.idx[head]
        self.ptes[block, column] = self.ptes[head, first]
        self.ptes[head, first] = -1
        self.block.idx[head] = first + 1
        empty = self.block.idx[head] == self.slots
        follow = self.block.next[head[empty]]
        self.block.free_many(head[empty])
        owners = pages[empty]
        self.ref[owners] = follow
        self.kind[owners[follow < 0]] = NOTHING
        return int(empty.sum()), compared

    def _find(self, head: Ints, slots: Ints) -> tuple[Ints, Ints, int]:
        # (block, column) of each pte, and the slots compared from the head on
        block, column = np.full(len(head), -1, np.int64), np.zeros(len(head), np.int64)
        todo, current, compared = np.arange(len(head)), head, 0
        while len(todo):
            if (current < 0).any():
                self._nowhere()
            match = self.ptes[current] == slots[todo][:, None]
            found, at = match.any(axis=1), match.argmax(axis=1)
            used = self.slots - self.block.idx[current]
            compared += int(np.where(found, at + 1 - self.block.idx[current], used).sum())
            block[todo[found]], column[todo[found]] = current[found], at[found]
            todo, current = todo[~found], self.block.next[current[~found]]
        return block, column, compared

    def collapse(self, pages: Ints) -> int:
        """page_referenced: a chain with one pte left becomes PG_direct again; returns the blocks freed."""
        if not self.direct or self.COLLAPSES_ON_REMOVAL:
            return 0
        return self._collapse(pages[self.kind[pages] == CHAIN])

    def _collapse(self, chained: Ints) -> int:
        heads = self.ref[chained]
        alone = (self.block.next[heads] < 0) & (self.block.idx[heads] == self.slots - 1)
        chained, heads = chained[alone], heads[alone]
        self.kind[chained], self.ref[chained] = DIRECT, self.ptes[heads, self.slots - 1]
        self.block.free_many(heads)
        return len(heads)

    # -- looking ----------------------------------------------------------------------------------

    def ptes_of(self, pages: Ints) -> tuple[Ints, Ints, Ints]:
        """(position of the page, slot, blocks seen so far) of every pte, page by page in the order of the chain."""
        direct = np.flatnonzero(self.kind[pages] == DIRECT)
        where, slot, seen = [direct], [self.ref[pages[direct]]], [np.zeros(len(direct), np.int64)]
        at, depth = np.flatnonzero(self.kind[pages] == CHAIN), 1
        current = self.ref[pages[at]]
        while len(at):
            rows, columns = np.nonzero(self.ptes[current] >= 0)
            where.append(at[rows])
            slot.append(self.ptes[current[rows], columns])
            seen.append(np.full(len(rows), depth, np.int64))
            follow = self.block.next[current]
            at, current, depth = at[follow >= 0], follow[follow >= 0], depth + 1
        place, slots, nodes = np.concatenate(where), np.concatenate(slot), np.concatenate(seen)
        order = np.argsort(place, kind="stable")
        return place[order], slots[order], nodes[order]

    def reached(self) -> int:
        """Blocks reached from the pages."""
        current = self.ref[np.flatnonzero(self.kind == CHAIN)]
        blocks = 0
        while len(current):
            blocks += len(current)
            current = self.block.next[current]
            current = current[current >= 0]
        return blocks

    def digest_parts(self, live: Ints) -> tuple[bytes, ...]:
        """Heads of the live pages, and the blocks."""
        rows = self.block.live()
        parts = (self.kind[live], self.ref[live], rows, self.block.next[rows], self.block.idx[rows], self.ptes[rows])
        return tuple(part.tobytes() for part in parts)


class PairStore(ArrayStore):
    """struct pte_chain { next, ptep } of 2002: a pair for each pte, put in at the head, unlinked where it stands.

    ``prev``, ``tail`` and ``count`` are ours, no memory of the design: a pte is looked for from both ends of its chain, and
    what the kernel compares from the head on is counted.
    """

    COLLAPSES_ON_REMOVAL: ClassVar[bool] = True

    def __init__(self, direct: bool) -> None:
        super().__init__(1, direct)
        self.prev = np.full(self.block.capacity, -1, np.int64)
        self.tail = np.full(len(self.kind), -1, np.int64)
        self.count = np.zeros(len(self.kind), np.int64)

    def cost_bytes(self) -> int:
        """Memory of a copy."""
        return super().cost_bytes() + self.prev.nbytes + self.tail.nbytes + self.count.nbytes

    def reach(self, capacity: int) -> None:
        """Make room for page ids below ``capacity``."""
        super().reach(capacity)
        more = len(self.kind) - len(self.tail)
        if more:
            self.tail = np.r_[self.tail, np.full(more, -1, np.int64)]
            self.count = np.r_[self.count, np.zeros(more, np.int64)]

    def add_one(self, page: int, slot: int) -> int:
        """add for one page."""
        return self.add(ids(page), ids(slot))

    def remove_one(self, page: int, slot: int) -> tuple[int, int]:
        """remove for one page."""
        return self.remove(ids(page), ids(slot))

    def _convert(self, pages: Ints, slots: Ints) -> int:
        self.kind[pages], old = NOTHING, self.ref[pages]
        return self._push(pages, old) + self._push(pages, slots)

    def _push(self, pages: Ints, slots: Ints) -> int:
        pushed = super()._push(pages, slots)
        if pushed:
            heads = self.ref[pages]
            follow = self.block.next[heads]
            alone = follow < 0
            if self.block.capacity > len(self.prev):
                self.prev = np.r_[self.prev, np.full(self.block.capacity - len(self.prev), -1, np.int64)]
            self.prev[heads] = -1
            self.prev[follow[~alone]] = heads[~alone]
            self.tail[pages[alone]] = heads[alone]
            self.count[pages] = np.where(alone, 1, self.count[pages] + 1)
        return pushed

    def _take_out(self, pages: Ints, slots: Ints) -> tuple[int, int]:
        block, compared = self._seek(pages, slots)
        before, follow = self.prev[block], self.block.next[block]
        first, last = before < 0, follow < 0
        self.ref[pages[first]], self.tail[pages[last]] = follow[first], before[last]
        self.block.next[before[~first]], self.prev[follow[~last]] = follow[~first], before[~last]
        self.count[pages] -= 1
        self.kind[pages[first & last]] = NOTHING
        self.block.free_many(block)
        freed = len(block)
        if self.direct:
            freed += self._collapse(pages[self.kind[pages] == CHAIN])
        return freed, compared

    def _seek(self, pages: Ints, slots: Ints) -> tuple[Ints, int]:
        # (pair of each pte, pairs compared from the heads on): the n-th from the tail is the (count - n + 1)-th
        block, todo, compared, step = np.full(len(pages), -1, np.int64), np.arange(len(pages)), 0, 1
        front, back = self.ref[pages], self.tail[pages]
        while len(todo):
            if (front < 0).any() or (back < 0).any():
                self._nowhere()
            newest, oldest = (self.ptes[at, 0] == slots[todo] for at in (front, back))
            found = newest | oldest
            block[todo[found]] = np.where(newest, front, back)[found]
            compared += int(np.where(newest, step, self.count[pages[todo]] - step + 1)[found].sum())
            front, back, todo, step = self.block.next[front[~found]], self.prev[back[~found]], todo[~found], step + 1
        return block, compared
