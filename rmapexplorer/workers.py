"""Pieces of work that share nothing, in processes of their own while cores are free. What comes out is what one process gives.

A process is forked for each piece: it has all that was read before without a copy, and sends back what its piece came to.
None outlives its parent, and none prints.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import mmap
import os
import pickle
import select
import signal
import struct
import time
import traceback
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from itertools import chain, islice
from typing import Any, BinaryIO, Generic, NoReturn, TypeVar

from attrs import define, field

T = TypeVar("T")

Told = Callable[[int], None]
"""Takes how much of a piece is done, in whatever it counts."""

Piece = Callable[[Told], T]

BETWEEN_SECONDS = 0.05
"""Progress of a process is told no more often."""

LEAST_OPERATIONS = 200
"""Of all worlds together: fewer are done sooner than a process is made for them (5 ms, about 40 operations of one world)."""

SHORT_OPERATIONS = 100_000
"""Of all worlds together: their memory is small."""

TOLD, DONE, FAILED = range(3)
"""Kinds of messages of a process: how far it is, what its piece came to, and what it raised."""

_LENGTH = struct.Struct("=Q")
_PR_SET_PDEATHSIG = 1
_FIELD = 8


class Lost(Exception):
    """A process ended before its piece was done; one sentence."""


def declare(parser: argparse.ArgumentParser, what: str) -> None:
    """The option of commands that can work in several processes."""
    parser.add_argument(
        "--jobs", metavar="N", type=_jobs,
        help=f"run {what} in N processes at a time (1: in none but this one); by default in as many as there are cores, "
        "in twice as many if they are short. "
        "The results are the same",
    )  # fmt: skip


def _jobs(words: str) -> int:
    if not (words.isdecimal() and 0 < len(words) < 4 and int(words)):
        raise argparse.ArgumentTypeError(f"must be a number from 1 to 999, not {words!r}")
    return int(words)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def jobs_for(asked: int | None, operations: int, pieces: int) -> int:
    """How many processes to use: those asked for, else as many as pay for so many operations in so many pieces.

    Few short pieces all begin at once: in turns they end together, where one after the other the last would have a core alone.
    """
    if asked or operations < LEAST_OPERATIONS:
        return asked or 1
    return pieces if operations <= SHORT_OPERATIONS and pieces <= 2 * cores() else cores()


def done_in_order(pieces: Iterable[Piece[T]], jobs: int, told: Callable[[int, int], None]) -> Generator[T]:
    """What each piece comes to, in their order, each as soon as it and those before it are done.

    Pieces are taken when one can begin, so that they may be made on the way. One that finds no memory beside others is
    done again alone.

    :param jobs: at most so many at a time; with 1 all is done in this process.
    :param told: told (number of the piece, what it told).
    :raises Lost: a process was killed. What a piece raises is raised here, that of the first piece that did.
    """
    rest = iter(pieces)
    first = list(islice(rest, 2))
    if jobs > 1 and len(first) > 1:
        yield from _Crew(chain(first, rest), jobs, told).work()
        return
    for number, piece in enumerate(chain(first, rest)):
        yield piece(lambda done, number=number: told(number, done))  # type: ignore[misc]


# -- memory -------------------------------------------------------------------------------------------


class Ledger:
    """Bytes that each of the processes has for itself, written by each and read by all."""

    def __init__(self, places: int) -> None:
        self._shared = mmap.mmap(-1, places * _FIELD)
        self.mine = 0

    def at(self, place: int) -> None:
        """From now on this process writes there."""
        self.mine = place

    def write(self, taken: int, place: int | None = None) -> int:
        """What is taken at a place, that of this process if none is named; returns what is taken at the other places."""
        at = self.mine if place is None else place
        struct.pack_into("=q", self._shared, at * _FIELD, taken)
        return self._sum() - taken

    def others(self) -> int:
        """What is taken at all places but that of this process."""
        return self._sum() - int(struct.unpack_from("=q", self._shared, self.mine * _FIELD)[0])

    def _sum(self) -> int:
        return sum(value for (value,) in struct.iter_unpack("=q", self._shared[:]))


LEDGER: Ledger | None = None
"""That of the processes at work now; None where there is but one."""


def apart() -> bool:
    """This process was made for a piece of work."""
    return LEDGER is not None and LEDGER.mine > 0


def taken_by_others(mine: int) -> int:
    """Tell the others how many bytes this process has taken since it began; how many they have."""
    return LEDGER.write(mine) if LEDGER is not None else 0


def others() -> int:
    """Bytes that the other processes at work have taken since they began, as they told last."""
    return LEDGER.others() if LEDGER is not None else 0


def own_bytes() -> int:
    """Bytes of memory that this process would give back if it ended: what it shares with others is not among them."""
    with open("/proc/self/smaps_rollup", "rb") as file:
        return sum(int(line.split()[1]) << 10 for line in file if line.startswith(b"Private_"))


# -- processes ----------------------------------------------------------------------------------------


@define(eq=False)
class _Worker:
    number: int
    place: int
    pid: int
    stream: BinaryIO
    alone: bool
    piece: Piece[Any] = field(repr=False)

    def receive(self) -> tuple[int, Any]:
        """Its next message: its kind and the value. :raises Lost: it was killed."""
        head = self.stream.read(_LENGTH.size)
        data = self.stream.read(_LENGTH.unpack(head)[0]) if len(head) == _LENGTH.size else b""
        if data:
            with suppress(EOFError, pickle.UnpicklingError):
                kind, value = pickle.loads(data)
                return kind, _as_raised(*value) if kind == FAILED else value
        raise Lost(
            f"one of the processes at work was ended from outside ({self._end()}), perhaps since memory ran out; run it "
            "again with --jobs 1, or with fewer designs"
        )

    def _end(self) -> str:
        code = self.leave()
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def leave(self) -> int:
        """It is done or has to be: end it, wait for it; its exit code."""
        if not self.pid:
            return 0
        os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        self.stream.close()
        return os.waitstatus_to_exitcode(status)


class _Crew(Generic[T]):
    """Pieces at work, and what the finished ones came to."""

    def __init__(self, pieces: Iterable[Piece[T]], jobs: int, told: Callable[[int, int], None]) -> None:
        self._waiting = enumerate(pieces)
        self._jobs = jobs
        self._told = told
        self._workers: dict[int, _Worker] = {}
        self._again: list[tuple[int, Piece[T]]] = []
        self._results: dict[int, tuple[int, Any]] = {}

    def work(self) -> Iterator[T]:
        """The results, in order."""
        global LEDGER
        before, LEDGER = LEDGER, Ledger(self._jobs + 1)
        number = 0
        try:
            while True:
                self._fill()
                while number in self._results:
                    kind, value = self._results.pop(number)
                    if kind == FAILED:
                        raise value
                    number += 1
                    yield value
                if not self._workers and not self._again:
                    return
                self._listen()
        finally:
            for worker in self._workers.values():
                worker.leave()
            LEDGER = before

    def _fill(self) -> None:
        while len(self._workers) < self._jobs and not any(worker.alone for worker in self._workers.values()):
            number, piece = next(self._waiting, (-1, None))
            if piece is None:
                break
            self._start(number, piece, alone=False)
        if not self._workers and self._again:
            self._start(*self._again.pop(0), alone=True)

    def _start(self, number: int, piece: Piece[T], alone: bool) -> None:
        place = min(set(range(1, self._jobs + 1)) - {worker.place for worker in self._workers.values()})
        assert LEDGER is not None
        LEDGER.write(0, place)
        reading, writing = os.pipe()
        parent = os.getpid()
        before = signal.pthread_sigmask(
            signal.SIG_BLOCK, (signal.SIGINT,)
        )  # until the child is known here and is itself
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # other threads: the child takes no lock of theirs
            pid = os.fork()
        if not pid:
            LEDGER.at(place)
            _serve(writing, piece, parent)
        os.close(writing)
        self._workers[reading] = _Worker(number, place, pid, os.fdopen(reading, "rb"), alone, piece)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _listen(self) -> None:
        poll = select.poll()
        for reading in self._workers:
            poll.register(reading, select.POLLIN)
        for reading, _ in poll.poll():
            worker = self._workers[reading]
            kind, value = worker.receive()
            if kind == TOLD:
                self._told(worker.number, value)
                continue
            worker.leave()
            del self._workers[reading]
            assert LEDGER is not None
            LEDGER.write(0, worker.place)
            if kind == FAILED and isinstance(value, MemoryError) and not worker.alone:
                self._again.append((worker.number, worker.piece))
            else:
                self._results[worker.number] = kind, value


def _serve(writing: int, piece: Piece[Any], parent: int) -> NoReturn:
    # in the new process; it never comes back to what its parent was doing
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its processes itself
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
        if os.getppid() != parent:
            os._exit(1)
        gc.freeze()  # what was there before is not looked through for garbage, which would copy it
        _put(writing, _result(writing, piece))
        os._exit(0)
    finally:
        os._exit(1)


def _result(writing: int, piece: Piece[Any]) -> bytes:
    last = 0.0

    def told(done: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= BETWEEN_SECONDS:
            last = now
            _put(writing, pickle.dumps((TOLD, done)))

    try:
        return pickle.dumps((DONE, piece(told)), 5)
    except Exception as error:
        return _failed(error)


def _failed(error: Exception) -> bytes:
    # what the error is made of; a note says where it was raised, since the frames stay here
    last = traceback.extract_tb(error.__traceback__)[-1]
    error.add_note(f"{os.path.basename(last.filename)}, line {last.lineno}")
    try:
        return pickle.dumps((FAILED, (type(error), error.args, error.__dict__)))
    except Exception:  # of what cannot be sent
        words = f"{type(error).__name__}: {error}"
        return pickle.dumps((FAILED, (RuntimeError, (words,), {"__notes__": error.__notes__})))


def _as_raised(kind: type[Exception], args: tuple[Any, ...], rest: dict[str, Any]) -> Exception:
    error = kind.__new__(kind, *args)
    error.__dict__.update(rest)
    return error


def _put(writing: int, data: bytes) -> None:
    view = memoryview(_LENGTH.pack(len(data)) + data)
    while view:
        view = view[os.write(writing, view) :]
