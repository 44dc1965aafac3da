"""Calls that the recorded kernel refused for want of memory, at vm.max_map_count above all: they stay in the history."""

from __future__ import annotations

from collections.abc import Sequence

from rmapexplorer.core.operations import Madvise, Mlock, Mmap, Mprotect, Mremap, Mseal, Munlock, Munmap, Refusable
from rmapexplorer.core.units import PAGE_SHIFT, TASK_SIZE_PAGES, Span
from rmapexplorer.formats.perf_numbers import (
    ADVICE,
    EAGAIN,
    ENOMEM,
    MAP_ANONYMOUS,
    MAP_SHARED,
    MLOCK_ONFAULT,
    MREMAP_DONTUNMAP,
    MREMAP_FIXED,
    letters,
    mmap_words,
    pages_up,
)

UNNAMED = "unnamed file"
"""A mapping that never came to be has no MMAP2 record that names its file."""


def refused(name: str, values: Sequence[int], pid: int, result: int) -> Refusable | None:
    """The call as it was asked for, marked as refused; None where it was not, or its values do not tell what was asked."""
    if result != (EAGAIN if name == "madvise" else ENOMEM) or len(values) < 2:
        return None
    start, end = values[0] >> PAGE_SHIFT, pages_up(values[0] + values[1])
    if not 0 <= start < end <= TASK_SIZE_PAGES:
        return None
    span = Span(start, end)
    if name == "munmap":
        return Munmap(pid=pid, span=span, refused=True)
    if name in ("munlock", "mseal"):
        return (Munlock if name == "munlock" else Mseal)(pid=pid, span=span, refused=True)
    if name == "mlock":
        return Mlock(pid=pid, span=span, refused=True)
    return _with_third(name, values, pid, span) if len(values) > 2 else None


def _with_third(name: str, values: Sequence[int], pid: int, span: Span) -> Refusable | None:
    # calls that say more than a span
    third = values[2]
    if name == "mlock2":
        return Mlock(pid=pid, span=span, onfault=bool(third & MLOCK_ONFAULT), refused=True)
    if name in ("mprotect", "pkey_mprotect"):
        return Mprotect(pid=pid, span=span, prot=letters(third), refused=True)
    if name == "madvise" and third in ADVICE:
        return Madvise(pid=pid, span=span, advice=ADVICE[third], refused=True)
    if name == "mmap" and len(values) > 5:
        return _mmap(values, pid, span)
    if name == "mremap" and len(values) > 3 and 0 < pages_up(third) <= TASK_SIZE_PAGES:
        return _mremap(values, pid, span)
    return None


def _mmap(values: Sequence[int], pid: int, span: Span) -> Mmap:
    # the place is the hint: the kernel looks for one only after the limit
    flags, kind, file = values[3], "shared" if values[3] & MAP_SHARED else "private", UNNAMED
    if flags & MAP_ANONYMOUS:
        file = ""
    kind = f"file-{kind}" if file else "anon-shared" if kind == "shared" else "anon"
    return Mmap(
        pid=pid, span=span, prot=letters(values[2]), kind=kind, file=file, flags=mmap_words(flags), refused=True
    )


def _mremap(values: Sequence[int], pid: int, span: Span) -> Mremap | None:
    flags, to = values[3], None
    if flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) and len(values) > 4 and values[4]:
        to = values[4] >> PAGE_SHIFT
        if to >= TASK_SIZE_PAGES:
            return None
    kept = bool(flags & MREMAP_DONTUNMAP) and to is not None
    return Mremap(pid=pid, span=span, new_pages=pages_up(values[2]), to=to, dontunmap=kept, refused=True)
