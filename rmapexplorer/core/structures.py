"""Sizes of the structures around every design, by kernel version: struct page, vm_area_struct, and what links them.

No design owns these; what a design keeps for itself stands in its SIZES. Byte counts are sums over the field lists of
the headers named, with spinlock_t of 4 bytes (SMP), unless the source says measured or published.
"""

from __future__ import annotations

from attrs import frozen

from rmapexplorer.core.sizes import slab_objects, slub_objects
from rmapexplorer.core.units import PAGE_BYTES

SLAB, SLUB, INSIDE = "slab", "slub", ""
"""Where objects lie: on SLAB pages of 2.6, on SLUB pages, or in an array or inside another structure."""


@frozen(kw_only=True)
class Structure:
    """One structure of one kernel. ``i386``, ``x86_64``: bytes, None where nothing is known. ``home``: SLAB, SLUB or INSIDE."""

    name: str
    kernel: str
    i386: int | None
    x86_64: int | None
    source: str
    home: str = INSIDE

    def bytes_on(self, arch: str) -> int | None:
        """Bytes on an architecture."""
        return self.i386 if arch == "i386" else self.x86_64

    def per_page(self, arch: str) -> int | None:
        """Objects on a slab of one page; None where they do not lie on slabs, or the size is not known."""
        size = self.bytes_on(arch)
        if size is None or not self.home or size > PAGE_BYTES // 2:
            return None
        return slub_objects(size) if self.home == SLUB else slab_objects(size, arch)


def _of(name: str, kernel: str, i386: int | None, x86_64: int | None, source: str, home: str = INSIDE) -> Structure:
    return Structure(name=name, kernel=kernel, i386=i386, x86_64=x86_64, source=source, home=home)


_MM = "include/linux/mm.h"
_BTF = "BTF of 6.18.44, measured"

STRUCTURES: tuple[Structure, ...] = (
    _of("page", "2.4", 44, 88, f"{_MM}: list, mapping, index, next_hash, count, flags, lru, pprev, buffers; 48 with virtual"),
    _of("page", "2.6.4", 40, 80, f"{_MM}: flags, count, list, mapping, index, lru, pte, private; 44 with HIGHPTE and PAE"),
    _of("page", "2.6.5", 32, 56, f"{_MM}: as 2.6.4 without list; 36 with HIGHPTE and PAE, 64 with flags of 8 bytes"),
    _of("page", "2.6.7", 32, 56, f"{_MM}: mapcount, an int, where the pte pointer was; 32 with PAE too (369bfc8a)"),
    _of("page", "6.18.44", None, 64, _BTF),
    _of("vm_area_struct", "2.6.5", 64, 128, f"{_MM}; 64 published by Andrew Morton, 2004-04; 4 (8) more with NUMA", SLAB),
    _of("vm_area_struct", "RFC2", 76, 152, "2.6.5 with a list_head and a pointer: anon_vma RFC2, 2004-03-11", SLAB),
    _of("vm_area_struct", "2.6.7", 84, 168, f"{_MM}: 8 (16) for the prio_tree, 12 (24) for anon_vma; 88 (176) with NUMA", SLAB),
    _of("vm_area_struct", "6.18.44", None, 192, f"{_BTF}; cache-aligned since the lock moved in (6.15)", SLUB),
    _of("address_space", "2.6.4", 128, 240, "include/linux/fs.h, about: summed from the field list"),
    _of("address_space", "6.18.44", None, 192, _BTF),
    _of("prio_tree_node", "2.6.7", 12, 24, "include/linux/prio_tree.h: left, right, parent"),
    _of("prio_tree_root", "2.6.7", 8, 16, "include/linux/prio_tree.h: node, index_bits"),
    _of("rb_root_cached", "6.18.44", None, 16, _BTF),
    _of("pte_chain", "2.6.5, 486", 16, None, "one line of the level-1 cache (X86_L1_CACHE_SHIFT 4)", SLAB),
    _of("pte_chain", "2.6.5, P5 and P6", 32, None, "one line of the level-1 cache (X86_L1_CACHE_SHIFT 5)", SLAB),
    _of("pte_chain", "2.6.5, K7 and K8", 64, 64, "one line of the level-1 cache (X86_L1_CACHE_SHIFT 6)", SLAB),
    _of("pte_chain", "2.6.5, P4", 128, 128, "one line of the level-1 cache (X86_L1_CACHE_SHIFT 7)", SLAB),
    _of("rmap_chain", "anobjrmap-5, 2003", 32, 64, "mm/rmap.c: seven words and next", SLAB),
    _of("anonmm", "rmap 11, 2004", 24, 40, "mm/rmap.c: count, lock, mm, head, list; 20 on i386 without SMP", SLAB),
    _of("anon_vma", "2.6.7", 12, 24, "include/linux/rmap.h: lock, list_head; 8 (16) without SMP", SLAB),
    _of("anon_vma", "2.6.34", 12, 24, "include/linux/rmap.h: lock, list_head", SLUB),
    _of("anon_vma", "3.7", None, 56, "include/linux/rmap.h: root, mutex, refcount, rb_root", SLUB),
    _of("anon_vma", "4.0", None, 72, "include/linux/rmap.h: root, rw_semaphore, refcount, degree, parent, rb_root", SLUB),
    _of("anon_vma", "4.14 to 5.19", None, 88, "slab object, published: struct 80 and the free pointer", SLUB),
    _of("anon_vma", "6.18.44", None, 104, "slab object, measured: struct 96 and the free pointer of TYPESAFE_BY_RCU", SLUB),
    _of("anon_vma_chain", "2.6.34", 24, 48, "include/linux/rmap.h: vma, anon_vma, two list_heads; 48 in slabinfo", SLUB),
    _of("anon_vma_chain", "3.7", None, 64, "include/linux/rmap.h: vma, anon_vma, list_head, rb_node, rb_subtree_last", SLUB),
    _of("anon_vma_chain", "6.18.44", None, 64, _BTF, SLUB),
    _of("mm_struct", "4.14 to 5.19", None, 1088, "published slabinfo", SLUB),
    _of("mm_struct", "6.18.44", None, 1600, "slab object, measured; the struct is 1,472", SLUB),
    _of("maple_node", "6.18.44", None, 256, _BTF, SLUB),
    _of("ksm_rmap_item", "6.18.44", None, 64, _BTF, SLUB),
)  # fmt: skip
"""Oldest first within a name."""
