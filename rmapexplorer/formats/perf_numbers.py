"""What the numbers of a recorded call mean: flags, protection and advice of x86_64 (include/uapi/asm-generic/mman*.h)."""

from __future__ import annotations

from functools import lru_cache

from rmapexplorer.core.operations import ADVICES, MMAP_FLAGS
from rmapexplorer.core.units import PAGE_BYTES, PAGE_SHIFT

MAP_SHARED, MAP_FIXED, MAP_ANONYMOUS, MAP_HUGETLB, MAP_FIXED_NOREPLACE = 0x1, 0x10, 0x20, 0x40000, 0x100000
MREMAP_FIXED, MREMAP_DONTUNMAP = 2, 4
MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT = 1, 2, 4
MLOCK_ONFAULT = 1
EAGAIN, ENOMEM = -11, -12

_MMAP_FLAGS = {
    MAP_FIXED_NOREPLACE: "noreplace", 0x4000: "noreserve", 0x8000: "populate", 0x2000: "locked", 0x100: "growsdown",
    0x20000: "stack",
}  # fmt: skip

_NUMBERS = (0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 102, 103)
ADVICE = dict(zip(_NUMBERS, ADVICES, strict=True))
"""madvise's number -> the word of core.operations."""


def pages_up(size: int) -> int:
    """Bytes in pages, rounded up."""
    return (size + PAGE_BYTES - 1) >> PAGE_SHIFT


def letters(prot: int) -> str:
    """PROT_READ | PROT_WRITE | PROT_EXEC as letters; other bits (PROT_GROWSDOWN) are left out."""
    return ("r" if prot & 1 else "") + ("w" if prot & 2 else "") + ("x" if prot & 4 else "")


@lru_cache(1024)
def mmap_words(flags: int, locked: bool = False) -> tuple[str, ...]:
    """The flags of mmap as words, in the order of MMAP_FLAGS. ``locked``: mlockall holds for new mappings."""
    words = {word for bit, word in _MMAP_FLAGS.items() if flags & bit} | ({"locked"} if locked else set())
    return tuple(word for word in MMAP_FLAGS if word in words)
