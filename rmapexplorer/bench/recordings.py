"""Long recordings to measure with: a short one told many times over, and the calls of an allocator made from nothing.

Both are the text that ``perf script`` prints, line by line, and equal arguments give equal lines.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from random import Random

from attrs import define, field

from rmapexplorer.formats.errors import FormatError
from rmapexplorer.formats.perf_lines import HEAD
from rmapexplorer.formats.reading import opened

MOST_PIDS = (1 << 22) - 1
"""PID_MAX_LIMIT of 64 bits (include/linux/threads.h) is the first pid that no task can have."""

MOST_SOURCE_LINES = 400_000
"""Lines of the recording that is repeated: all of it is held in memory."""

PAUSE = 1_000
"""Microseconds between one telling and the next."""

PIECE_LINES = 20_000

_PIDS = re.compile(r"(?<![\w.:/=-])(?:pid|child_pid|old_pid|parent_pid|tid)=(\d{1,7})\b")
_PAIR = re.compile(r"(?<=[ :(])(\d{1,7})[/:](\d{1,7})(?=[:)]|\s*$)")
_TIME = re.compile(r"(\d{1,12})[.,](\d{1,9})")


@define(eq=False)
class _Line:
    """A line cut at its numbers: text before each of them, the numbers, the text behind the last."""

    texts: list[str]
    pids: list[int]
    """The pids among the numbers, in order; the time, where there is one, stands before ``pids[clock]``."""
    clock: int
    time: int
    """Microseconds; -1 where the line has none or stands for what was there before the recording."""
    digits: int = 6


@define(eq=False)
class Repeated:
    """The lines of a recording, told again with other pids and later times, as if its program had been started again.

    :param source: lines of the recording, ends of lines left out. A process that is alive at the end stays alive.
    """

    source: Iterable[str]
    _lines: list[_Line] = field(init=False, factory=list)
    _first: list[str] = field(init=False, factory=list)
    _rank: dict[int, int] = field(init=False, factory=dict)
    _length: int = field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        times = []
        for text in self.source:
            self._first.append(text)
            line = _cut(text)
            if line is None or not any(line.pids):
                continue  # remarks, and what is told of the kernel itself, are told once
            self._lines.append(line)
            if line.time >= 0:
                times.append(line.time)
            for pid in line.pids:
                self._rank.setdefault(pid, len(self._rank))
        self._rank.pop(0, None)
        self._length = max(times) - min(times) + PAUSE if times else 0
        self._rank = {pid: place for place, pid in enumerate(sorted(self._rank))}

    def copies(self, lines: int) -> int:
        """How often it has to be told to have that many lines.

        :raises FormatError: it has no events, or there would be more tasks than there are pids.
        """
        if not self._lines:
            raise FormatError("the recording has no events that could be repeated; choose another one.")
        copies = 1 + max(0, -(-(lines - len(self._first)) // len(self._lines)))
        highest = max(self._rank) + (copies - 1) * len(self._rank)
        if highest > MOST_PIDS:
            raise FormatError(f"{lines:,} lines of that recording need more pids than there are; ask for fewer lines.")
        return copies

    def lines(self, copies: int) -> Iterator[str]:
        """All lines, the first telling as it was read."""
        yield from self._first
        above = max(self._rank) + 1
        for copy in range(copies - 1):
            moved = {pid: above + copy * len(self._rank) + rank for pid, rank in self._rank.items()} | {0: 0}
            later = (copy + 1) * self._length
            for line in self._lines:
                yield _told(line, moved, later)


def _cut(text: str) -> _Line | None:
    head = HEAD.search(text)
    if head is None:
        return None
    time = _TIME.fullmatch(head[3])
    assert time is not None
    places = [head.span(1), *([head.span(2)] if head[2] else [])]
    clock, when = len(places), head.span(3)
    rest = head.end()
    if text.startswith("PERF_RECORD_", rest):
        found = _PAIR.finditer(text, rest)
        places += [match.span(group) for match in found for group in (1, 2)]
    else:
        places += [match.span(1) for match in _PIDS.finditer(text, rest)]
    spans = [*places[:clock], when, *places[clock:]]
    ends = [0, *(end for _, end in spans)]
    texts = [text[end:start] for end, (start, _) in zip(ends, spans, strict=False)] + [text[ends[-1] :]]
    pids = [max(0, int(text[start:end])) for start, end in places]
    synthesised = not head[3].strip("0.,")
    micros = -1 if synthesised else int(time[1]) * 1_000_000 + int(time[2].ljust(6, "0")[:6])
    return _Line(texts, pids, clock, micros, len(time[2]))


def _told(line: _Line, moved: dict[int, int], later: int) -> str:
    numbers = [str(moved[pid]) for pid in line.pids]
    if line.time < 0:
        numbers.insert(line.clock, "0." + "0" * line.digits)
    else:
        seconds, micros = divmod(line.time + later, 1_000_000)
        numbers.insert(line.clock, f"{seconds}.{f'{micros:06}'[: line.digits].ljust(line.digits, '0')}")
    parts = [part for pair in zip(line.texts, numbers, strict=False) for part in pair]
    return "".join((*parts, line.texts[-1]))


def repeated(path: str, lines: int) -> Iterator[str]:
    """The recording in the file, told until it has at least that many lines. :raises FormatError: it cannot be."""
    source: list[str] = []
    with opened(path) as file:
        for line in file.lines():
            if line is not None:
                source.append(line.decode("utf-8", "replace").rstrip("\n"))
            if len(source) > MOST_SOURCE_LINES:
                raise FormatError(f"{path}: has more than {MOST_SOURCE_LINES:,} lines; it is long enough already.")
    whole = Repeated(source)
    return whole.lines(whole.copies(lines))


# -- an allocator -------------------------------------------------------------------------------------


PID = 4000
HEAP = 0x5555_5560_0000
TOP = 0x7FFF_F7DD_0000
"""Mappings are put below one another from here, as the kernel does."""
LARGE = 256
"""Large pieces that are alive at a time; the oldest one goes for a new one."""
FEW = 9
"""A piece of memory is written in fewer pages than this when it is new."""
PAGE = 4096


@define(eq=False)
class _Allocator:
    """One process whose malloc grows and trims its heap, and maps what is large (sizes and order by ``dice``)."""

    dice: Random = field(factory=lambda: Random(2004))
    heap: int = HEAP
    live: list[tuple[int, int]] = field(factory=list)
    low: int = TOP
    clock: int = 1_000_000
    free: dict[int, list[int]] = field(factory=dict)

    def line(self, event: str) -> str:
        """An event of the process, some microseconds after the one before."""
        self.clock += 7
        return f"       allocator {PID}/{PID}  {self.clock // 1_000_000}.{self.clock % 1_000_000:06}: {event}"

    def faults(self, address: int, pages: int) -> Iterator[str]:
        """Writes to pages that are not there yet."""
        for page in range(pages):
            at = address + page * PAGE
            yield self.line(
                f"exceptions:page_fault_user: address={at:#x} ip=0x555555555{page % 4096:03x} error_code=0x6"
            )

    def call(self, name: str, asked: str, result: int, between: str = "") -> Iterator[str]:
        """A system call; ``between``: what perf records of the mapping it made."""
        yield self.line(f"syscalls:sys_enter_{name}: {asked}")
        if between:
            yield self.line(f"PERF_RECORD_MMAP2 {PID}/{PID}: {between}")
        yield self.line(f"syscalls:sys_exit_{name}: {result:#x}")

    def begin(self) -> Iterator[str]:
        """The program is started: its text, its stack, and where its heap begins."""
        yield self.line(f"PERF_RECORD_COMM exec: allocator:{PID}/{PID}")
        for what in (
            "[0x7ffffffde000(0x21000) @ 0x7ffffffde000 00:00 0 0]: rw-p [stack]",
            "[0x555555554000(0x40000) @ 0 fe:00 1 0]: r-xp /allocator",
            "[0x555555594000(0x8000) @ 0x40000 fe:00 1 0]: rw-p /allocator",
        ):
            yield self.line(f"PERF_RECORD_MMAP2 {PID}/{PID}: {what}")
        yield self.line(f"sched:sched_process_exec: filename=/allocator pid={PID} old_pid={PID}")
        yield from self.faults(0x7FFFFFFFD000, 2)
        yield from self.call("brk", "brk: 0x00000000", self.heap)

    def grow(self) -> Iterator[str]:
        """The heap ends later, and its first new pages are used."""
        pages = self.dice.choice((33, 33, 66, 132))
        start, self.heap = self.heap, self.heap + pages * PAGE
        shown = f"[{HEAP:#x}({self.heap - HEAP:#x}) @ {HEAP:#x} 00:00 0 0]: rw-p [heap]"
        yield from self.call("brk", f"brk: {self.heap:#x}", self.heap, shown)
        yield from self.faults(start, self.dice.randrange(1, FEW))

    def trim(self) -> Iterator[str]:
        """Half of the heap goes back."""
        self.heap -= (self.heap - HEAP) // PAGE // 2 * PAGE
        yield from self.call("brk", f"brk: {self.heap:#x}", self.heap)

    def map(self) -> Iterator[str]:
        """A large piece: mapped, and written in part."""
        pages = self.dice.choice((33, 34, 40, 48, 65, 97, 130))
        holes = self.free.get(pages)
        if holes:
            start = holes.pop()
        else:
            self.low -= pages * PAGE
            start = self.low
        self.live.append((start, pages))
        asked = f"addr: 0x00000000, len: {pages * PAGE:#010x}, prot: 0x00000003, flags: 0x00000022, fd: 0xffffffff, off: 0x00000000"
        shown = f"[{start:#x}({pages * PAGE:#x}) @ {start:#x} 00:00 0 0]: rw-p //anon"
        yield from self.call("mmap", asked, start, shown)
        yield from self.faults(start, self.dice.randrange(1, FEW))

    def unmap(self) -> Iterator[str]:
        """One of the large pieces goes."""
        start, pages = self.live.pop(self.dice.randrange(len(self.live)))
        self.free.setdefault(pages, []).append(start)
        yield from self.call("munmap", f"addr: {start:#x}, len: {pages * PAGE:#010x}", 0)

    def purge(self) -> Iterator[str]:
        """A large piece stays mapped, its pages go (MADV_DONTNEED) and are written again in part."""
        start, pages = self.dice.choice(self.live)
        asked = f"start: {start:#x}, len_in: {pages * PAGE:#010x}, behavior: 0x00000004"
        yield from self.call("madvise", asked, 0)
        yield from self.faults(start, self.dice.randrange(1, FEW))

    def step(self) -> Iterator[str]:
        """What it does next."""
        if len(self.live) >= LARGE:
            return self.unmap()
        if self.heap - HEAP > 4000 * PAGE:
            return self.trim()
        deeds = (self.map, self.map, self.unmap, self.purge, self.grow) if self.live else (self.map, self.grow)
        return self.dice.choice(deeds)()


def allocator(lines: int) -> Iterator[str]:
    """So many lines of a program that allocates and frees; what was under way at the last line is told to its end."""
    process = _Allocator()
    done = 0
    for line in process.begin():
        done += 1
        yield line
    while done < lines:
        for line in process.step():
            done += 1
            yield line


# -- to a file ----------------------------------------------------------------------------------------


def pieces(lines: Iterable[str], packed: bool) -> Iterator[bytes]:
    """The lines as bytes for a file, gzip where ``packed``."""
    packer = zlib.compressobj(1, wbits=16 + zlib.MAX_WBITS) if packed else None
    held: list[str] = []

    def given(last: bool) -> bytes:
        text = "".join(f"{line}\n" for line in held).encode("utf-8", "replace")
        held.clear()
        if packer is None:
            return text
        return packer.compress(text) + (packer.flush() if last else b"")

    for line in lines:
        held.append(line)
        if len(held) == PIECE_LINES:
            yield given(last=False)
    yield given(last=True)
