"""The tables of anon_vma_chain: anon_vmas and the links between them and vmas. Kernel: include/linux/rmap.h 6.18."""

from __future__ import annotations

import numpy as np

from rmapexplorer.core.table import Ints, Table


class AnonVmas(Table):
    """struct anon_vma. ``children`` is num_children (a root counts itself), ``active`` num_active_vmas."""

    COLUMNS = {
        "root": (np.int64, -1),
        "parent": (np.int64, -1),
        "refs": (np.int64, 1),
        "children": (np.int64, 0),
        "active": (np.int64, 0),
    }
    root: Ints
    parent: Ints
    refs: Ints
    children: Ints
    active: Ints


class Avcs(Table):
    """struct anon_vma_chain: one link. ``below`` is the next of vma->anon_vma_chain (towards the root), ``seq`` its turn in the tree."""

    COLUMNS = {"vma": (np.int64, -1), "anon_vma": (np.int64, -1), "below": (np.int64, -1), "seq": (np.int64, 0)}
    vma: Ints
    anon_vma: Ints
    below: Ints
    seq: Ints
