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
