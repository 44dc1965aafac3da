"""Lines of `perf script` in the form that most of them have, read at once as bytes: faults, system calls and what they map.

What is found is what perf_lines finds, which reads every form but takes some times longer. A line that is not found
here says nothing: it goes there.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rmapexplorer.formats.perf_lines import MAX_COMM, Line, Mapping

_HEX = rb"0x[0-9a-f]{1,16}"
_BYTES = rb"(?:" + _HEX + rb"|0)"
_VALUE = rb"[a-z_]{1,32}: " + _HEX

USUAL = re.compile(
    rb"([ -9;-~]{0,64}?)(?<![!-~])(\d{1,7}/\d{1,7}) {1,64}(?:\[\d{1,5}\] {1,64})?(\d{1,12}[.,]\d{1,9}): {1,64}(?:"
    rb"exceptions:page_fault_(user|kernel): {1,64}address=(" + _HEX + rb") ip=[\w.+/-]{1,64} error_code=(0x[0-9a-f]{1,8})"
    rb"|syscalls:sys_enter_(\w{1,48}): {1,64}(" + _VALUE + rb"(?:, " + _VALUE + rb"){0,5})"
    rb"|syscalls:sys_exit_(\w{1,48}): {1,64}(" + _HEX + rb")"
    rb"|PERF_RECORD_MMAP2 (\d{1,7}/\d{1,7}): \[(" + _BYTES + rb")\((" + _BYTES + rb")\) @ (" + _BYTES + rb")"
    rb" ([0-9a-f: ]{1,80})\]: ([r-][w-][x-][ps]) ([!-~][ -~]{0,4096})"
    rb")\s*"
).fullmatch  # fmt: skip
"""Takes a line. No colon stands before that of the time, so that perf_lines.HEAD cannot find another one.

Its groups: 1 comm, 2 ``pid/tid``, 3 time; of a fault 4 "user" or "kernel", 5 address, 6 error code; 7 name and 8 values of
a system call; 9 name and 10 result of one; 11 on the values of PERF_RECORD_MMAP2. ``lastindex`` says which it is.
"""

FAULT, ENTER, LEAVE = 6, 8, 10
"""``lastindex`` of a fault and of the two ends of a system call; that of a mapping is none of them."""


def task(who: bytes) -> tuple[int, int]:
    """``pid/tid`` as numbers."""
    pid, _, tid = who.partition(b"/")
    return int(pid), int(tid)


@lru_cache(1024)
def whose(comm: bytes, who: bytes) -> tuple[int, int, str]:
    """pid, tid and comm as perf_lines.split gives them; a recording says the same again and again."""
    return *task(who), comm.decode().strip()[-MAX_COMM:]


def line(found: re.Match[bytes], event: str) -> Line:
    """Who and when; the rest is empty."""
    comm, who, when = found.group(1, 2, 3)
    pid, tid, name = whose(comm, who)
    return Line(pid, tid, when.decode(), event, "", name)


def values(found: re.Match[bytes]) -> list[int]:
    """The values of the system call that begins there."""
    return [int(value.rpartition(b" ")[2], 16) for value in found[ENTER].split(b", ")]


def result(found: re.Match[bytes]) -> int:
    """What it returned, negative for -errno."""
    value = int(found[LEAVE], 16)
    return value - (1 << 64) if value >= (1 << 64) - 4096 else value


def mapping(found: re.Match[bytes]) -> Mapping:
    """What PERF_RECORD_MMAP2 says."""
    who, start, length, offset, identity, perms, path = found.group(11, 12, 13, 14, 15, 16, 17)
    return Mapping(
        *task(who), int(start, 16), int(length, 16), int(offset, 16), identity.decode().strip(), perms.decode(),
        path.decode().strip(),
    )  # fmt: skip
