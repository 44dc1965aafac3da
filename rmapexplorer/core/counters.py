"""The counters every design exports, so that designs are comparable (simulated cost, never our own time)."""

from __future__ import annotations

from itertools import compress
from operator import is_not
from typing import Protocol

COUNTERS: dict[str, str] = {
    "objs_alloc": "rmap objects allocated",
    "objs_free": "rmap objects freed",
    "atomic_allocs": "GFP_ATOMIC allocations tried",
    "atomic_failures": "GFP_ATOMIC allocations that failed and were made again with GFP_KERNEL",
    "sleeping_allocs": "GFP_KERNEL allocations",
    "list_nodes": "list or tree nodes visited by real walks",
    "range_rejects": "vmas visited whose range does not cover the index",
    "pte_probes": "page-table walks done by real walks",
    "hits": "ptes found that map the page",
    "false_probes": "probes that found another page or none",
    "slots_compared": "pte_chain slots compared by removals",
    "find_vma": "find_vma calls of real walks",
    "walks": "real walks done",
    "copied_by_write": "anonymous pages copied by write faults (first copies of file pages are not counted)",
    "copied_by_mremap": "pages that mremap copied early, because the design could not find them after the move",
    "copied_by_design": "pages read back from swap and copied, because the design could not find them where they are now",
    "pages_touched_for_fixup": "pages made to point at another vma because theirs was split, merged or moved",
    "index_overflows": "times a shared index space had no room: slices handed out again, growth refused",
    "pages_relocated": "pages whose owner and index mremap rewrote",
    "relocations_refused": "moves whose pages could not be rewritten",
    "missed_ptes": "ptes a real walk did not find",
    "pages_unswappable": "pages reclaim could not unmap because a pte was missed",
    "merges_done": "vma merges done",
    "merges_refused": "vma merges refused between touching vmas",
    "splits": "vma splits",
    "faults": "page faults served",
    "swap_outs": "pages written to swap",
    "swap_ins": "pages read back from swap",
}
"""Counter name -> what one unit of it is. Cumulative since the world began."""


class Counted(Protocol):
    """Counters by name, of one operation or of many."""

    def __getitem__(self, counter: str, /) -> int:
        """How much of it there was."""
        ...


def copied_early(counted: Counted) -> int:
    """Pages copied although nobody wrote to them: by mremap, and by the design when they came back from swap."""
    return counted["copied_by_mremap"] + counted["copied_by_design"]


class Counters(dict[str, int]):
    """Cumulative counters of one world, all of COUNTERS present from the start."""

    def __init__(self) -> None:
        super().__init__(dict.fromkeys(COUNTERS, 0))

    def add(self, name: str, amount: int = 1) -> None:
        """Count ``amount`` more of ``name``; a name outside COUNTERS is a KeyError."""
        self[name] += amount

    def copy(self) -> Counters:
        """An independent copy."""
        other = Counters()
        other.update(self)
        return other

    def since(self, before: dict[str, int]) -> dict[str, int]:
        """What was counted since ``before``, a copy of these counters; zeros left out."""
        touched = compress(
            self, map(is_not, self.values(), before.values())
        )  # what was not counted is the same object still
        return {name: self[name] - before[name] for name in touched if self[name] != before[name]}
