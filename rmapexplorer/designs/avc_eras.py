"""Eras of anon_vma_chain, 2.6.34 to 6.18: what changed between them, as fields of a record that is chosen once.

The rules are those of mm/rmap.c (reuse at fork, order of a walk) and of mm/mmap.c, later mm/vma.c (which vmas merge, what
brk does). Sizes for x86_64 are published or measured; those for i386 are computed from the same fields.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from attrs import evolve, frozen

from rmapexplorer.core.index.files import FileIndex, IntervalIndex
from rmapexplorer.core.index.prio_tree import PrioTreeIndex
from rmapexplorer.core.sizes import I386, X86_64, Size
from rmapexplorer.core.table import Bools, Ints
from rmapexplorer.core.walk import Walk
from rmapexplorer.core.world import World
from rmapexplorer.designs.avc_tables import AnonVmas
from rmapexplorer.designs.common import grouped_list_walk, grouped_tree_walk

Sizes = dict[str, dict[str, Size]]
Reuse = Callable[[AnonVmas, Ints, Ints], Bools]
"""(anon_vmas, those of a parent's chain, the parent's own) -> which of them a child may take as its own at fork."""

MERGEABLE = "is_mergeable_anon_vma"
SINGULAR = f"list_is_singular in {MERGEABLE}, mm/mmap.c {{0}} (965f55dea0e3)"
JOIN = f"{MERGEABLE} of prev and next in vma_merge, mm/mmap.c {{0}}"


def never(av: AnonVmas, chain: Ints, own: Ints) -> Bools:
    """Before 4.0 every fork makes an anon_vma: a serial chain of forks grows without end."""
    return np.zeros(np.shape(chain), np.bool_)


def by_degree(av: AnonVmas, chain: Ints, own: Ints) -> Bools:
    """Since 3.19 (7a3ef208e662): degree < 2, children and vmas counted together, so one vma without children passes as well.

    That is the double reuse: an anon_vma somebody still uses is taken once more.
    """
    free: Bools = (av.children[chain] + av.active[chain] < 2) & (chain != own)
    return free


def by_active(av: AnonVmas, chain: Ints, own: Ints) -> Bools:
    """6.0 (2555283eb40d): one child at most and no vma of its own."""
    free: Bools = (av.children[chain] < 2) & (av.active[chain] == 0)
    return free


@frozen(kw_only=True)
class Era:
    """One version of the design."""

    name: str
    walk: Callable[[World, Ints, Ints, Ints, Ints], Walk]
    by_pgoff: bool
    """The avcs of an anon_vma are a tree in order of pgoff; False: a list in order of their making."""
    reuse: Reuse
    child_takes_new: bool
    """A vma that was forked grows over new memory, or takes in a neighbour that was never faulted."""
    new_takes_faulted: bool
    """A vma that was never faulted takes in a faulted one beside it ..."""
    new_takes_child: bool
    """... also if that one was forked."""
    brk_merges_right: bool
    file_index: type[FileIndex]
    sizes: Sizes
    source: str
    """Where two different anon_vmas keep vmas apart."""
    one_sided: str = ""
    """Where a merge is refused that has an anon_vma on one side only."""
    join: str = ""
    """Where the anon_vmas of both neighbours of a gap are compared."""
    lock: str = "rwsem"
    """Kind of the lock: spinlock, mutex since 3.0, rwsem since 3.8 (4fc3f1d66b1e)."""
    root_lock: bool = True
    """Whether only the root's lock is ever taken: since 2.6.36 (5c341ee1dfc8, 012f18004da3)."""


def _sizes(i386: tuple[int, int], x86_64: tuple[int, int], words: str) -> Sizes:
    out: Sizes = {}
    for at, kind in enumerate(("anon_vma", "anon_vma_chain")):
        out[kind] = {
            I386: Size(i386[at], f"field list of include/linux/rmap.h {words}, computed for 32-bit"),
            X86_64: Size(x86_64[at], f"field list of include/linux/rmap.h {words}"),
        }
    return out


_FIRST = _sizes((12, 24), (24, 48), "2.6.34: spinlock, list_head; two list_heads and two pointers")
_MUTEX = _sizes((36, 24), (64, 48), "3.0: root, mutex, refcount, list_head; two list_heads and two pointers")
_TREE = _sizes(
    (32, 32), (56, 64), "3.7: root, mutex, refcount, rb_root; list_head, rb_node, two pointers, subtree_last"
)
_DEGREE = _sizes((44, 32), (72, 64), "4.0: root, rw_semaphore, refcount, degree, parent, rb_root; avc as in 3.7")
_COUNTS = _sizes((56, 32), (104, 64), "6.0: as 6.18, the free pointer of a TYPESAFE_BY_RCU cache included")
NOW: Sizes = {
    "anon_vma": {
        I386: Size(56, "field list of include/linux/rmap.h 6.18, computed for 32-bit"),
        X86_64: Size(104, "slab object: struct 96 (BTF of 6.18.44) and the free pointer of a TYPESAFE_BY_RCU cache"),
    },
    "anon_vma_chain": {
        I386: Size(32, "field list of include/linux/rmap.h 6.18, computed for 32-bit"),
        X86_64: Size(64, "BTF of 6.18.44"),
    },
}


def _since(before: Era, name: str, **changed: Any) -> Era:
    """The era before with what changed; where refusals stand moves on with the version."""
    places = {
        "source": f"{MERGEABLE}, mm/mmap.c {name}",
        "one_sided": SINGULAR.format(name),
        "join": JOIN.format(name),
    }
    return evolve(before, name=name, **(places | changed))


_2_6_34 = Era(
    name="2.6.34", walk=grouped_list_walk, by_pgoff=False, reuse=never, child_takes_new=True, new_takes_faulted=True,
    new_takes_child=True, brk_merges_right=True, file_index=PrioTreeIndex, sizes=_FIRST,
    source=f"{MERGEABLE}, mm/mmap.c 2.6.34", join=JOIN.format("2.6.34"), lock="spinlock", root_lock=False,
)  # fmt: skip
_3_0 = _since(
    _2_6_34, "3.0", child_takes_new=False, new_takes_faulted=False, new_takes_child=False, sizes=_MUTEX, lock="mutex",
    root_lock=True,
)  # fmt: skip
_3_7 = _since(_3_0, "3.7", walk=grouped_tree_walk, by_pgoff=True, file_index=IntervalIndex, sizes=_TREE)
_4_0 = _since(_3_7, "4.0", reuse=by_degree, sizes=_DEGREE, lock="rwsem")
_6_0 = _since(_4_0, "6.0", reuse=by_active, sizes=_COUNTS)
_6_18 = _since(
    _6_0, "6.18", new_takes_faulted=True, brk_merges_right=False, sizes=NOW, source=f"{MERGEABLE}, mm/vma.c 6.18",
    one_sided=f"vma_had_uncowed_parents in {MERGEABLE}, mm/vma.c 6.18 (879bca0a2c4f)",
    join="are_anon_vmas_compatible, mm/vma.c 6.18",
)  # fmt: skip

ERAS: dict[str, Era] = {era.name: era for era in (_6_18, _2_6_34, _3_0, _3_7, _4_0, _6_0)}
"""Name -> era; the first is the default. Each is the one before it with what changed."""
