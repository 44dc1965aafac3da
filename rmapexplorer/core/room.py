"""How much memory this process may take: asked before much of it is, so that work ends with a sentence and not with the process.

The limit belongs to the process, whatever runs in it: worlds, copies of them, what is read from a file. Nobody sets one: there
is none. What a world makes of an operation never depends on it: work that finds no room stops, nothing comes out of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from rmapexplorer import workers

MEGABYTES = 500
"""That the process takes at most, unless the user allows more or opens a large file."""

VARIABLE = "RMAPEXPLORER_MEMORY"
"""Environment variable with the megabytes to allow instead."""

OURS = 100 << 20
"""Bytes that the program itself may have before it begins; more is held by what calls it: a notebook, the tests."""

NOTICED = 1 << 20
"""Bytes: less than this is taken without asking."""

SPARE = 40 << 20
"""Bytes that are left for what nobody asks for: results of vector statements, text."""

FREE_OF_CHARGE = 10 << 20
MORE_FOR_A_BYTE = 32
"""A file of more than FREE_OF_CHARGE bytes allows this many bytes of memory more for every byte beyond: it was not made to trick."""

_PAGE = os.sysconf("SC_PAGE_SIZE")


class OutOfRoom(MemoryError):
    """What was asked for does not fit into the memory allowed; one sentence."""


def sentence(trouble: MemoryError) -> str:
    """What a MemoryError is to the user, without full stop."""
    if isinstance(trouble, OutOfRoom):
        return str(trouble)
    return "there is not enough memory for that on this machine; run fewer designs or fewer and smaller operations"


class Room:
    """The memory of this process and those that work beside it: ``limit`` bytes in all, None for as much as there is."""

    def __init__(self) -> None:
        self.limit: int | None = None
        self._base = 0
        self._statm, self._pid = -1, 0

    def taken(self) -> int:
        """Bytes of memory this process has now (its resident set)."""
        if self._pid != (pid := os.getpid()):  # a process that was forked has a file of its own
            self._pid, self._statm = pid, os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        return int(os.pread(self._statm, 100, 0).split()[1]) * _PAGE

    def left(self) -> int:
        """Bytes that may still be taken; below 0 where it is too much already."""
        return (1 << 62) if self.limit is None else self.limit - SPARE - self.taken() - workers.others()

    def ask(self, more: int = NOTICED) -> None:
        """Before ``more`` bytes are taken. :raises OutOfRoom: they would be too many."""
        if self.limit is not None and more >= NOTICED and self.left() < more:
            allowed = self.limit >> 20
            raise OutOfRoom(
                f"that needs more memory than the {allowed:,} MB allowed; run fewer designs or fewer and smaller operations, "
                f"or allow more (environment variable {VARIABLE}, in MB)"
            )

    def allow(self, megabytes: int, held: int = 0) -> None:
        """From now on: so much in all, beside ``held`` bytes that are somebody else's."""
        self.limit = self._base = (megabytes << 20) + held

    @contextmanager
    def repairing(self) -> Iterator[None]:
        """Within it, what is spare may be used: what was there before must be made again."""
        before = self.limit
        self.limit = None if before is None else before + SPARE
        try:
            yield
        finally:
            self.limit = before

    def for_file(self, size: int) -> None:
        """From now on a file of ``size`` bytes is worked on."""
        if self.limit is not None:
            more = max(size - FREE_OF_CHARGE, 0) * MORE_FOR_A_BYTE
            self.limit = max(self._base, min(self._base + more, self.taken() + _available() * 3 // 4))


def _available() -> int:
    # bytes of memory that the machine can give without swapping
    with open("/proc/meminfo", "rb") as file:
        return next((int(line.split()[1]) << 10 for line in file if line.startswith(b"MemAvailable:")), 0)


ROOM = Room()
"""The one there is."""


def wanted_megabytes() -> int:
    """What the user allows: the environment variable, else MEGABYTES."""
    words = os.environ.get(VARIABLE, "")
    return int(words) if words.isdecimal() and 0 < len(words) < 9 else MEGABYTES


def begin() -> None:
    """From now on ROOM has the limit that the user allows, beside what a larger program holds already."""
    ROOM.allow(wanted_megabytes(), max(ROOM.taken() - OURS, 0))


@contextmanager
def bounded(megabytes: int | None = None) -> Iterator[Room]:
    """Within it, ROOM has a limit: so many megabytes, else what the user allows beside what a larger program holds already."""
    before = ROOM.limit, ROOM._base
    if megabytes is None:
        begin()
    else:
        ROOM.allow(megabytes)
    try:
        yield ROOM
    finally:
        ROOM.limit, ROOM._base = before
