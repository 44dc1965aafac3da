"""rmap_chain of the "rechained" patch (anobjrmap 5/6, 2003-03-20): further addresses of a page, in blocks of seven words.

Word 0 of the first block is the page's mapcount, so that it holds six addresses and each later block seven. One block
is kept for the CPU, allocated before page_table_lock is taken; addresses leave only with the last mapping.
"""

from __future__ import annotations

from typing import Self

import numpy as np

from rmapexplorer.core.table import NONE, Bools, Ints, Table
from rmapexplorer.core.units import Corruption
from rmapexplorer.core.walk import ranges

WORDS = 7
"""NRSLOT."""
FIRST = WORDS - 1
"""Addresses in the first block."""
NOADDR = -1


class Blocks(Table):
    """struct rmap_chain: seven words and ``next``."""

    COLUMNS = {"next": (np.int64, -1)}
    next: Ints

    def __init__(self, capacity: int = 64) -> None:
        super().__init__(capacity)
        self.words = np.full((capacity, WORDS), NOADDR, np.int64)

    def _grow(self, need: int) -> None:
        super()._grow(need)
        grown = np.full((self.capacity, WORDS), NOADDR, np.int64)
        grown[: len(self.words)] = self.words
        self.words = grown


def block_of(place: Ints) -> Ints:
    """How many blocks a search passes to the address at ``place`` (0 is the first), its own included."""
    blocks: Ints = np.where(place < FIRST, 1, 2 + (place - FIRST) // WORDS)
    return blocks


class AddressChains:
    """The chains of all pages, and the CPU's spare block."""

    def __init__(self) -> None:
        self.block = Blocks()
        self.head = np.full(64, -1, np.int64)
        self.tail = np.full(64, -1, np.int64)
        self.listed = np.zeros(64, np.int64)
        self.spare = 0
        self.lowest = -1
        self.taken = 0

    def copy(self) -> Self:
        """An independent copy."""
        other = object.__new__(type(self))
        for name, value in vars(self).items():
            setattr(other, name, value.copy() if hasattr(value, "copy") else value)
        return other

    def cost_bytes(self) -> int:
        """Memory of a copy."""
        return self.block.cost_bytes() + self.head.nbytes + self.tail.nbytes + self.listed.nbytes

    def _reach(self, page: int) -> None:
        if page >= len(self.head):
            old, size = len(self.head), max(page + 1, 2 * len(self.head))
            for name, fresh in (("head", -1), ("tail", -1), ("listed", 0)):
                grown = np.full(size, fresh, np.int64)
                grown[:old] = getattr(self, name)
                setattr(self, name, grown)

    def count(self, pages: Ints) -> Ints:
        """Addresses on the chain of each page; 0: not PG_chained."""
        if len(pages):
            self._reach(int(pages.max()))
        return self.listed[pages]

    # -- allocation -------------------------------------------------------------------------------

    def get_cpu(self, took: Bools) -> int:
        """rmap_get_cpu before each of several additions in turn; ``took``: it used the spare up. Returns the blocks allocated."""
        left = int(not took[-1]) if len(took) else 1
        allocated = int(took.sum()) + left - self.spare
        self.spare = left
        return allocated

    def moved(self, vpns: Ints, took: Bools) -> None:
        """The additions of a move whose span is not known yet: ``end_of_move`` accounts for them."""
        self.taken = int(took.sum())
        self.lowest = int(vpns[took].min()) if self.taken else -1

    def end_of_move(self, start: int) -> int:
        """move_page_tables goes down page by page, rmap_get_cpu before each, the last lands at ``start``. Returns allocations."""
        left = int(self.lowest != start)
        allocated = self.taken + left - self.spare
        self.spare, self.taken, self.lowest = left, 0, -1
        return allocated

    # -- addresses --------------------------------------------------------------------------------

    def add(self, pages: Ints, vpns: Ints) -> Bools:
        """add_rmap_address of each (distinct) page, unless its chain has the address; True where that took a block."""
        took = np.zeros(len(pages), np.bool_)
        if not len(pages):
            return took
        self._reach(int(pages.max()))
        fresh = ~self._lists(pages, vpns)
        mine, where = pages[fresh], vpns[fresh]
        listed = self.listed[mine]
        full = (listed == 0) | ((listed >= FIRST) & ((listed - FIRST) % WORDS == 0))
        new = self.block.new_many(int(full.sum()))
        self.block.words[new] = NOADDR
        behind = self.tail[mine[full]]
        self.block.next[behind[behind >= 0]] = new[behind >= 0]
        self.head[mine[full][behind < 0]] = new[behind < 0]
        self.tail[mine[full]] = new
        self.block.words[self.tail[mine], np.where(listed < FIRST, listed + 1, (listed - FIRST) % WORDS)] = where
        self.listed[mine] += 1
        took[np.flatnonzero(fresh)[full]] = True
        return took

    def _lists(self, pages: Ints, vpns: Ints) -> Bools:
        found = np.zeros(len(pages), np.bool_)
        at, block = np.arange(len(pages)), self.head[pages]
        while len(at := at[block >= 0]):
            block = block[block >= 0]
            found[at] |= (self.block.words[block] == vpns[at][:, None]).any(axis=1)
            block = self.block.next[block]
        return found

    def addresses(self, pages: Ints) -> tuple[Ints, Ints]:
        """(address, blocks passed to reach it) of the chains of ``pages`` one after another, oldest address first."""
        if not len(pages):
            return NONE, NONE
        count = self.count(pages)
        put = np.cumsum(count) - count
        end = put + count
        vpn = np.empty(int(count.sum()), np.int64)
        block, column = self.head[pages], np.ones(len(pages), np.int64)
        while (block >= 0).any():
            here = np.flatnonzero(block >= 0)
            n = np.minimum(end[here] - put[here], WORDS - column[here])
            words = ranges(column[here], column[here] + n)
            vpn[ranges(put[here], put[here] + n)] = self.block.words[np.repeat(block[here], n), words]
            put[here] += n
            column[here] = 0
            block[here] = self.block.next[block[here]]
        return vpn, block_of(ranges(np.zeros(len(pages), np.int64), count))

    def drop(self, pages: Ints) -> int:
        """clear_page_chained: nothing maps these (distinct) pages any more. Returns the blocks freed."""
        pages = pages[self.count(pages) > 0]
        block, freed = self.head[pages], 0
        while len(block := block[block >= 0]):
            following = self.block.next[block]
            self.block.free_many(block)
            freed, block = freed + len(block), following
        self.head[pages] = self.tail[pages] = -1
        self.listed[pages] = 0
        return freed

    # -- accounting -------------------------------------------------------------------------------

    def recount(self, pages: Ints) -> int:
        """Blocks that ``pages`` reach."""
        self.count(pages)
        blocks, block = 0, self.head[pages]
        while len(block := block[block >= 0]):
            blocks, block = blocks + len(block), self.block.next[block]
        return blocks

    def check(self, pages: Ints, index: Ints) -> None:
        """``pages`` are those that may have chains, at ``index``."""
        count = self.count(pages)
        vpn, _ = self.addresses(pages)
        owner = np.repeat(np.arange(len(pages)), count)
        if (vpn == NOADDR).any() or (vpn == index[owner]).any():
            raise Corruption("an rmap_chain has an empty word, or the address that page->index has")
        if np.unique(np.stack([owner, vpn]), axis=1).shape[1] != len(vpn):
            raise Corruption("an rmap_chain has an address twice")
        dead = np.ones(len(self.head), np.bool_)
        dead[pages] = False
        if (self.head[dead] >= 0).any():
            raise Corruption("a page that nothing maps has an rmap_chain")

    def digest_parts(self, pages: Ints) -> tuple[bytes, ...]:
        """The chains of ``pages``, with the blocks they lie in."""
        count = self.count(pages)
        rows = self.block.live()
        parts = (self.head[pages], count, rows, self.block.next[rows], self.block.words[rows])
        return (*(part.tobytes() for part in parts), bytes([self.spare]))
