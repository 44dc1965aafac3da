"""System calls of a recording as operations: sys_enter says what was asked, sys_exit where the kernel put it.

The span that changed is the span of the call; the MMAP2 record of the same call only names the file, since after a
merge it describes the whole merged vma.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import define, field

from rmapexplorer.core.operations import (
    Brk,
    Madvise,
    Mlock,
    Mmap,
    Mprotect,
    Mremap,
    Mseal,
    Munlock,
    Munmap,
    Operation,
)
from rmapexplorer.core.units import PAGE_SHIFT, TASK_SIZE_PAGES, Span
from rmapexplorer.formats.perf_lines import Mapping
from rmapexplorer.formats.perf_log import Log
from rmapexplorer.formats.perf_numbers import (
    ADVICE,
    ENOMEM,
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_FIXED_NOREPLACE,
    MAP_HUGETLB,
    MAP_SHARED,
    MCL_CURRENT,
    MCL_FUTURE,
    MCL_ONFAULT,
    MLOCK_ONFAULT,
    MREMAP_DONTUNMAP,
    MREMAP_FIXED,
    letters,
    mmap_words,
    pages_up,
)
from rmapexplorer.formats.perf_refused import refused
from rmapexplorer.formats.perf_space import Space

MAX_NAME = 255

ARGUMENTS = {
    "mmap": 6, "munmap": 2, "mprotect": 3, "pkey_mprotect": 3, "mremap": 4, "brk": 1, "madvise": 3, "mlock": 2,
    "mlock2": 3, "munlock": 2, "mlockall": 1, "munlockall": 0, "mseal": 2, "shmat": 2, "shmdt": 1,
    "process_madvise": 0, "remap_file_pages": 0,
}  # fmt: skip
"""Calls that are read, and how many of their values are needed."""


class Files:
    """Names of mapped files: two files of one name stay apart, "libc.so.6" and "libc.so.6 (2)"."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], str] = {}
        self._used: dict[str, int] = {}

    def name(self, path: str, identity: str) -> str:
        """Name of the file with this path and this device, inode and generation."""
        base = path.removesuffix(" (deleted)").rstrip("/").rsplit("/", 1)[-1][:MAX_NAME] or "file"
        key = base, identity
        if key not in self._names:
            count = self._used[base] = self._used.get(base, 0) + 1
            self._names[key] = base if count == 1 else f"{base} ({count})"
        return self._names[key]


@define(eq=False)
class Call:
    """A system call between its sys_enter and its sys_exit; ``mapped`` is the MMAP2 record that came in between."""

    name: str
    values: list[int]
    pid: int
    space: Space
    mapped: Mapping | None = None
    done: bool = False


@define(eq=False)
class Translation:
    """What a finished call needs to become operations. ``rivals``: calls of other threads still under way."""

    log: Log
    files: Files
    call: Call
    result: int
    rivals: Iterable[Call] = field(factory=tuple)

    def run(self) -> None:
        """Emit the operations of the call, or note why there are none."""
        call = self.call
        if call.done:
            return
        partly = call.name == "madvise" and self.result == ENOMEM  # holes are passed over, the rest is done
        if (op := refused(call.name, call.values, call.pid, self.result)) is not None:
            self.log.emit(op)
        elif self.result < 0 and not partly:
            self.log.skip(call.name, f"failed with error {-self.result}")
        elif len(call.values) < ARGUMENTS[call.name]:
            self.log.skip(call.name, "the line does not give its arguments")
        else:
            _HANDLERS[call.name](self)

    def emit(self, op: Operation) -> None:
        """Append an operation and follow it."""
        self.log.emit(op)
        self.call.space.apply(op)

    def span(self, address: int, length: int) -> Span | None:
        """The pages of a byte range, the last one rounded up; None and a line in the report where that is no span."""
        start, end = address >> PAGE_SHIFT, pages_up(address + length)
        if 0 <= start < end <= TASK_SIZE_PAGES:
            return Span(start, end)
        self.log.skip(self.call.name, "length 0" if end <= start else "outside of the user's address space")
        return None

    def asked(self) -> Span | None:
        """The span of calls that begin with address and length."""
        return self.span(self.call.values[0], self.call.values[1])


def _mmap(t: Translation) -> None:
    _, length, prot, flags, fd, offset = t.call.values[:6]
    span = t.span(t.result, length)
    if span is None:
        return
    if flags & MAP_HUGETLB and t.call.mapped is not None:
        span = t.span(t.call.mapped.start, t.call.mapped.length) or span
    if not flags & (MAP_FIXED | MAP_FIXED_NOREPLACE):
        _settle_rivals(t, span)
    kind, file = _source(t, bool(flags & MAP_SHARED), bool(flags & MAP_ANONYMOUS), fd)
    words = mmap_words(flags, t.call.space.lock_future)
    page = offset >> PAGE_SHIFT if file else 0
    op = Mmap(
        pid=t.call.pid, span=span, prot=letters(prot), kind=kind, file=file, offset=page, flags=words
    )  # fmt: skip
    t.emit(op)
    if flags & MAP_HUGETLB:
        t.log.skip("mmap(MAP_HUGETLB)", "mapped as small pages that are never touched")
        t.call.space.mark_huge(span)


def _source(t: Translation, shared: bool, anonymous: bool, fd: int) -> tuple[str, str]:
    # (kind, file) of an mmap; /dev/zero is anonymous memory by another name (drivers/char/mem.c: mmap_zero)
    mapped = t.call.mapped
    if anonymous or (mapped is not None and mapped.name.removesuffix(" (deleted)") in ("/dev/zero", "//anon")):
        return ("anon-shared" if shared else "anon"), ""
    kind = "file-shared" if shared else "file-private"
    if mapped is None:
        t.log.skip("mmap of a file", "its name was not recorded (perf record -d), one is made up", 1)
        return kind, t.files.name("unnamed file", f"{t.call.pid} {fd}")
    return kind, t.files.name(mapped.name, mapped.identity)


def _settle_rivals(t: Translation, span: Span) -> None:
    # The kernel chose a hole: what another thread was unmapping there is gone, though its sys_exit comes later.
    for rival in t.rivals:
        if rival.name == "munmap" and not rival.done and len(rival.values) >= 2:
            other = Translation(t.log, t.files, rival, 0)
            gone = other.asked()
            if gone is not None and gone.overlaps(span):
                other.run()
                rival.done = True


def _munmap(t: Translation) -> None:
    if (span := t.asked()) is not None:
        t.emit(Munmap(pid=t.call.pid, span=span))


def _mprotect(t: Translation) -> None:
    if t.call.values[1] and (span := t.asked()) is not None:
        t.emit(Mprotect(pid=t.call.pid, span=span, prot=letters(t.call.values[2])))


def _mremap(t: Translation) -> None:
    address, old, new, flags = t.call.values[:4]
    if old == 0:
        _duplicate(t, address, new)
        return
    span, target = t.span(address, old), t.span(t.result, new)
    if span is None or target is None:
        return
    to = None if target.start == span.start and not flags & MREMAP_FIXED else target.start
    kept = bool(flags & MREMAP_DONTUNMAP)
    t.emit(Mremap(pid=t.call.pid, span=span, new_pages=target.pages, to=to, dontunmap=kept))


def _duplicate(t: Translation, address: int, new: int) -> None:
    # old_len 0 maps the same shared object once more
    area, target = t.call.space.at(address >> PAGE_SHIFT), t.span(t.result, new)
    if area is None or not area.kind.endswith("shared") or target is None:
        t.log.skip("mremap with old length 0", "what it duplicates is not known")
        return
    if area.kind == "anon-shared":
        t.log.skip("mremap with old length 0", "the second mapping of shared memory has pages of its own here")
    offset = area.offset + (address >> PAGE_SHIFT) - area.start if area.file else 0
    t.emit(Mmap(pid=t.call.pid, span=target, prot=area.prot, kind=area.kind, file=area.file, offset=offset))


def _brk(t: Translation) -> None:
    space, asked = t.call.space, t.call.values[0]
    end = pages_up(t.result)
    if end > TASK_SIZE_PAGES:
        t.log.skip("brk", "outside of the user's address space")
        return
    if space.brk_start is None:
        if asked == t.result and asked and t.call.mapped is not None:  # never asked before: MMAP2 has the whole heap
            space.brk_start = space.brk_end = t.call.mapped.start >> PAGE_SHIFT
        else:
            space.brk_start = space.brk_end = end
    if asked != t.result:
        if asked:
            t.log.skip("brk", "refused by the kernel")
        return
    if end < space.brk_start:
        t.log.skip("brk", "below the start of the heap")
    elif end != space.brk_end:
        old = space.brk_end
        t.emit(Brk(pid=t.call.pid, end=end, start=None if space.brk_told else space.brk_start))
        if space.lock_future and end > old:
            t.emit(Mlock(pid=t.call.pid, span=Span(old, end)))


def _madvise(t: Translation) -> None:
    number = t.call.values[2]
    if number not in ADVICE:
        t.log.skip(f"madvise({number})", "advice that is not known here")
    elif t.call.values[1] and (span := t.asked()) is not None:
        t.emit(Madvise(pid=t.call.pid, span=span, advice=ADVICE[number]))


def _mlock(t: Translation) -> None:
    onfault = t.call.name == "mlock2" and bool(t.call.values[2] & MLOCK_ONFAULT)
    if t.call.values[1] and (span := t.asked()) is not None:
        t.emit(Mlock(pid=t.call.pid, span=span, onfault=onfault))


def _munlock(t: Translation) -> None:
    if t.call.values[1] and (span := t.asked()) is not None:
        t.emit(Munlock(pid=t.call.pid, span=span))


def _mlockall(t: Translation) -> None:
    flags, space = t.call.values[0], t.call.space
    space.lock_future = bool(flags & MCL_FUTURE)
    if flags & MCL_CURRENT:
        for area in list(space.areas):
            if area.prot and not area.special:
                span = Span(area.start, area.end)
                t.emit(Mlock(pid=t.call.pid, span=span, onfault=bool(flags & MCL_ONFAULT)))


def _munlockall(t: Translation) -> None:
    t.call.space.lock_future = False
    for area in list(t.call.space.areas):
        if not area.special:
            t.emit(Munlock(pid=t.call.pid, span=Span(area.start, area.end)))


def _mseal(t: Translation) -> None:
    if t.call.values[1] and (span := t.asked()) is not None:
        t.emit(Mseal(pid=t.call.pid, span=span))


def _shmat(t: Translation) -> None:
    mapped = t.call.mapped
    if mapped is None:
        t.log.skip("shmat", "its size was not recorded (MMAP2)")
        return
    span = t.span(t.result, mapped.start + mapped.length - t.result)
    if span is not None:
        name = t.files.name(mapped.name, mapped.identity)
        prot = mapped.perms[:3].replace("-", "")
        t.emit(Mmap(pid=t.call.pid, span=span, prot=prot, kind="file-shared", file=name))


def _shmdt(t: Translation) -> None:
    start = t.call.values[0] >> PAGE_SHIFT
    first = t.call.space.at(start)
    if first is None or first.kind != "file-shared":
        t.log.skip("shmdt", "no segment is known to be attached there")
        return
    end = start
    while (area := t.call.space.at(end)) is not None and area.file == first.file and area.offset == area.start - start:
        end = area.end
    if end > start:
        t.emit(Munmap(pid=t.call.pid, span=Span(start, end)))


def _unknown(t: Translation) -> None:
    t.log.skip(t.call.name, "what it was told is not in the recording")


_HANDLERS: dict[str, Callable[[Translation], None]] = {
    "mmap": _mmap, "munmap": _munmap, "mprotect": _mprotect, "pkey_mprotect": _mprotect, "mremap": _mremap,
    "brk": _brk, "madvise": _madvise, "mlock": _mlock, "mlock2": _mlock, "munlock": _munlock,
    "mlockall": _mlockall, "munlockall": _munlockall, "mseal": _mseal, "shmat": _shmat, "shmdt": _shmdt,
    "process_madvise": _unknown, "remap_file_pages": _unknown,
}  # fmt: skip
