"""The tables of anon_vma_chain: anon_vmas and the links between them and vmas. Kernel: include/linux/rmap.h 6.18."""

from __future__ import annotations

import numpy as np

from rmapexplorer.core.table import Ints, Table

FEW_TURNS = (1 << 31) - (1 << 28)
"""Turns that an int32 holds, with room for those of one more operation."""


class AnonVmas(Table):
    """struct anon_vma. ``children`` is num_children (a root counts itself), ``active`` num_active_vmas."""

    COLUMNS = {
        "root": (np.int32, -1),
        "parent": (np.int32, -1),
        "refs": (np.int32, 1),
        "children": (np.int32, 0),
        "active": (np.int32, 0),
    }
    root: Ints
    parent: Ints
    refs: Ints
    children: Ints
    active: Ints


class Avcs(Table):
    """struct anon_vma_chain: one link. ``below`` is the next of vma->anon_vma_chain (towards the root), ``seq`` its turn in the tree."""

    COLUMNS = {"vma": (np.int32, -1), "anon_vma": (np.int32, -1), "below": (np.int32, -1), "seq": (np.int32, 0)}
    HAS_BIRTHS = False
    vma: Ints
    anon_vma: Ints
    below: Ints
    seq: Ints

    def widen_turns(self) -> None:
        """Turns are given out for ever: there may be more of them than of avcs."""
        self.seq = self.seq.astype(np.int64)
