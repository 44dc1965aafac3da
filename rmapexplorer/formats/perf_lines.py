"""The lines that `perf script` prints, taken apart: who, when, which event, and what the event says.

``comm  pid/tid  [cpu]  seconds: event: values``. The values of a system call are read by their place, since perf
versions print them with or without names.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_COMM = 200

HEAD = re.compile(r"(?<!\S)(-?\d{1,7})(?:/(-?\d{1,7}))?[ \t]{1,64}(?:\[\d{1,5}\][ \t]{1,64})?(\d{1,12}[.,]\d{1,9}): +")
"""What precedes the event; bounded everywhere, so that no line can make it slow. Pids are below 2^22."""

_TRACEPOINT = re.compile(r"(?:[\w-]{1,64}:)?(\w{1,64}):?(?:\s+|$)")
_RECORD = re.compile(r"PERF_RECORD_(\w{1,32}( exec)?)(?::?\s*|$)")
_VALUE = re.compile(r"(?:^|[,(]\s*)(?:\w{1,32}[:=]\s*)?(0x[0-9a-fA-F]{1,16}|-?\d{1,20})(?=\s*[,)]|\s|$)")
_FAULT = re.compile(r"address[:=]\s?(\S{1,64})[, ].{0,200}?error_code[:=]\s?(0x[0-9a-fA-F]{1,8}|\d{1,8})")
_MMAP2 = re.compile(
    r"(-?\d{1,7})/(-?\d{1,7}): \[(0x[0-9a-f]{1,16}|0)\((0x[0-9a-f]{1,16}|0)\) @ (0x[0-9a-f]{1,16}|0)"
    r"([^\]]{0,200})\]: ([r-][w-][x-][ps]) (.*)"
)
_PAIR = re.compile(r"\((-?\d{1,7}):(-?\d{1,7})\)(?::\((-?\d{1,7}):(-?\d{1,7})\))?")
_COMM = re.compile(r"(.{0,200}):(-?\d{1,7})/(-?\d{1,7})\s*$")
_WORD = re.compile(r"\b(comm|pid|child_pid|clone_flags|filename)=(\S+)")


class Line(NamedTuple):
    """One event. ``pid`` is -1 where the line names only the thread; ``time`` is the text before the colon."""

    pid: int
    tid: int
    time: str
    event: str
    """Name without its group: "sys_enter_mmap", "page_fault_user"; for perf's own records "MMAP2", "COMM exec"."""
    rest: str
    comm: str

    @property
    def synthesised(self) -> bool:
        """True where perf describes what was there before the recording began."""
        return not self.time.strip("0.,")


class Mapping(NamedTuple):
    """PERF_RECORD_MMAP2: addresses and lengths in bytes; ``identity`` is device, inode and generation as printed."""

    pid: int
    tid: int
    start: int
    length: int
    offset: int
    identity: str
    perms: str
    name: str


def split(text: str) -> Line | None:
    """The line taken apart; None where it is no event line."""
    head = HEAD.search(text)
    if head is None:
        return None
    rest = text[head.end() :].rstrip()
    record = _RECORD.match(rest)
    event = record or _TRACEPOINT.match(rest)
    if event is None:
        return None
    first, second, time = head.groups()
    pid, tid = (-1, int(first)) if second is None else (int(first), int(second))
    return Line(pid, tid, time, event[1], rest[event.end() :], text[: head.start()].strip()[-MAX_COMM:])


def numbers(rest: str) -> list[int]:
    """The values of a tracepoint in the order printed."""
    return [int(value, 16) if value.startswith("0x") else int(value) for value in _VALUE.findall(rest)]


def result(rest: str) -> int | None:
    """What a system call returned, negative for -errno; None where the line does not say."""
    values = numbers(rest)
    if not values:
        return None
    value = values[0]
    return value - (1 << 64) if value >= (1 << 64) - 4096 else value


def fault(rest: str) -> tuple[int, int] | None:
    """(address in bytes, error code); the address is -1 where perf printed a kernel symbol."""
    match = _FAULT.search(rest)
    if match is None:
        return None
    try:
        return int(match[1].rstrip(","), 16) if match[1].startswith("0x") else -1, int(match[2], 0)
    except ValueError:
        return None


def mapping(rest: str) -> Mapping | None:
    """The values of PERF_RECORD_MMAP2."""
    match = _MMAP2.match(rest)
    if match is None:
        return None
    pid, tid, start, length, offset, identity, perms, name = match.groups()
    return Mapping(
        int(pid), int(tid), int(start, 16), int(length, 16), int(offset, 16), identity.strip(), perms, name.strip()
    )


def pair(rest: str) -> tuple[int, int, int, int] | None:
    """(pid, tid, parent's pid, parent's tid) of PERF_RECORD_FORK and PERF_RECORD_EXIT."""
    match = _PAIR.match(rest)
    if match is None:
        return None
    pid, tid, ppid, ptid = (int(value) if value else 0 for value in match.groups())
    return pid, tid, ppid, ptid


def comm(rest: str) -> tuple[str, int, int] | None:
    """(name, pid, tid) of PERF_RECORD_COMM."""
    match = _COMM.match(rest)
    return None if match is None else (match[1].strip(), int(match[2]), int(match[3]))


def task(text: str) -> int:
    """A pid or tid as a number, 0 where it is none."""
    return int(text) if text.isdecimal() and len(text) <= 7 else 0


def words(rest: str) -> dict[str, str]:
    """The ``name=value`` pairs of a task or sched event."""
    return dict(_WORD.findall(rest))
