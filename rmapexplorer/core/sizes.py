"""Sizes of the kernel's structures in bytes, by architecture and kernel version, each with its source; and slab packing."""

from __future__ import annotations

from attrs import frozen

from rmapexplorer.core.units import PAGE_BYTES

I386, X86_64 = "i386", "x86_64"


@frozen
class Size:
    """``bytes`` of one object, and where the figure is from."""

    bytes: int
    source: str


def chain_slots(cache_line: int, pte_addr: int, word: int) -> int:
    """NRPTE of a pte_chain of one cache line: what is left beside the ``next_and_idx`` word (mm/rmap.c 2.6.5)."""
    return (cache_line - word) // pte_addr


def slab_objects(size: int, arch: str) -> int:
    """Objects of ``size`` bytes on a slab of one page that keeps its own management (mm/slab.c 2.6).

    The largest n with align(H + 4 n) + n * size <= 4096; H is 24 bytes on i386 and 40 on 64-bit.
    """
    header, word = (24, 4) if arch == I386 else (40, 8)
    count = (PAGE_BYTES - header) // (size + 4)
    while _aligned(header + 4 * count, word) + count * size > PAGE_BYTES:
        count -= 1
    return count


def _aligned(value: int, to: int) -> int:
    return -(-value // to) * to


def slub_objects(size: int) -> int:
    """Objects of ``size`` bytes on a one-page SLUB slab: no management inside (mm/slub.c)."""
    return PAGE_BYTES // size


def slab_pages(objects: int, per_page: int) -> int:
    """Pages that hold ``objects`` at best packing."""
    return -(-objects // per_page) if objects else 0


_LINUX_267 = "field list of include/linux/rmap.h, 2.6.7"

SIZES: dict[tuple[str, str], dict[str, Size]] = {
    ("anonmm", "rmap 11"): {
        I386: Size(24, "count, lock, mm, head, list: mm/rmap.c after rmap 11, SMP"),
        X86_64: Size(40, "count, lock, mm, head, list: mm/rmap.c after rmap 11, SMP"),
    },
    ("anon_vma", "2.6.7"): {
        I386: Size(12, f"spinlock, list_head: {_LINUX_267}, SMP"),
        X86_64: Size(24, f"spinlock, list_head: {_LINUX_267}, SMP"),
    },
    ("vma linkage", "2.6.7"): {
        I386: Size(12, "vma->anon_vma_node and vma->anon_vma: include/linux/mm.h, 2.6.7"),
        X86_64: Size(24, "vma->anon_vma_node and vma->anon_vma: include/linux/mm.h, 2.6.7"),
    },
    ("anon_vma", "6.18"): {
        I386: Size(56, "field list of include/linux/rmap.h 6.18, computed for 32-bit"),
        X86_64: Size(104, "slab object: struct 96 (BTF of 6.18.44) and the free pointer of a TYPESAFE_BY_RCU cache"),
    },
    ("anon_vma_chain", "6.18"): {
        I386: Size(36, "field list of include/linux/rmap.h 6.18, computed for 32-bit"),
        X86_64: Size(64, "BTF of 6.18.44"),
    },
}
"""(structure, version) -> architecture -> size."""


def size_of(structure: str, version: str, arch: str) -> Size:
    """The size of a structure. KeyError for one the table does not have."""
    return SIZES[structure, version][arch]
