"""A world of three lines, a clock that worlds move, and everything the engine needs to run them."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Any

import numpy as np

from rmapexplorer.core.metrics import KEYS
from rmapexplorer.core.operations import Operation, Reclaim
from rmapexplorer.core.outcome import Outcome
from rmapexplorer.core.units import Corruption, Machine
from rmapexplorer.engine.conductor import Conductor
from rmapexplorer.engine.files import Files
from rmapexplorer.engine.frames import Detail, FootprintRow, TaskRows, VmaRows
from rmapexplorer.engine.lens import Columns, Kind, Lens, UnknownDesign
from rmapexplorer.engine.outbox import Outbox
from rmapexplorer.formats.errors import Cancelled, FormatError
from rmapexplorer.formats.session import Session

REFUSED, BROKEN, ODD, GATED = 13, 666, 17, 9_999_999
"""Reclaim of so many pages: refused by all; breaks the design "a"; refused by "b" alone; waits for the gate."""

NONE = np.empty(0, np.int64)


class Clock:
    """Time in seconds that passes only when someone says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Gate(threading.Event):
    """An event that an operation waits for; ``entered`` says that it does."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()


class FakeWorld:
    """Its state is the hash of the operations it did; each takes ``cost`` seconds."""

    def __init__(self, design: str, clock: Clock, cost: float, gate: Gate) -> None:
        self.design, self.clock, self.cost, self.gate = design, clock, cost, gate
        self.state = hashlib.sha256(design.encode()).hexdigest()
        self.counters = {"done": 0}

    def apply(self, op: Operation) -> Outcome:
        self.clock.now += self.cost
        assert isinstance(op, Reclaim)
        self.state = hashlib.sha256(f"{self.state} {op.pages}".encode()).hexdigest()
        if op.pages == BROKEN and self.design == "a":
            self.state = "broken"
            raise Corruption("a planted one")
        if op.pages == GATED:
            self.gate.entered.set()
            self.gate.wait(10)
        self.counters = {"done": self.counters["done"] + 1}
        if op.pages == REFUSED or (op.pages == ODD and self.design == "b"):
            return Outcome(error="EINVAL", rule="an unlucky number", field="pages")
        return Outcome(done=op.pages or 0)

    def copy(self) -> FakeWorld:
        other = FakeWorld(self.design, self.clock, self.cost, self.gate)
        other.state, other.counters = self.state, dict(self.counters)
        return other

    def cost_bytes(self) -> int:
        return 1000

    def digest(self) -> str:
        return self.state


def state_after(design: str, numbers: list[int]) -> str:
    """Digest of a world that did these."""
    world = FakeWorld(design, Clock(), 0, Gate())
    for number in numbers:
        world.apply(Reclaim(pages=number))
    return world.digest()


def _columns(world: Any, before: Columns | None) -> Columns:
    tasks = TaskRows(pid=NONE, ppid=NONE, mm=NONE, birth=NONE, vmas=NONE, anon_pages=NONE, file_pages=NONE,
                     swap_pages=NONE, threads=NONE, comm=(world.digest(),))  # fmt: skip
    vmas = VmaRows(first=NONE, birth=NONE, start=NONE, end=NONE, pgoff=NONE, flags=NONE, file=NONE, label=NONE,
                   anon=NONE, links=NONE, anon_pages=NONE, file_pages=NONE, swap_pages=NONE)  # fmt: skip
    return Columns(tasks=tasks, vmas=vmas, files=(), labels=())


def _detail(worlds: Any, key: str, pid: int, vpn: int) -> Detail:
    if pid == 13:
        raise Corruption("the detail broke")
    return Detail(pid=pid, vpn=vpn, title=worlds[key].digest())


def _measure(world: Any) -> np.ndarray:
    row = np.zeros(len(KEYS))
    row[KEYS.index("objects")] = world.counters["done"]
    row[KEYS.index("probe_nodes")] = np.nan
    return row


def _footprint(world: Any) -> tuple[FootprintRow, ...]:
    return (FootprintRow(kind="thing", objects=1, bytes=8, size=8, slab_pages=1, source="none"),)


def fake_lens(probe_cost: float, clock: Clock) -> Lens:
    """Reads fake worlds; a probe takes ``probe_cost`` seconds."""

    def probe(world: Any, row: np.ndarray) -> Iterator[None]:
        for _ in range(4):
            clock.now += probe_cost / 4
            yield
        row[KEYS.index("probe_nodes")] = 2 * world.counters["done"]

    return Lens(columns=_columns, detail=_detail, footprint=_footprint, measure=_measure, probe=probe,
                vmas=lambda world: 1, resolve=lambda op, worlds: op, undecided=lambda op: False)  # fmt: skip


class Bench:
    """Kinds, lens and files for fake worlds, and a conductor to drive by hand."""

    def __init__(self, cost: float = 0.03, probe_cost: float = 0.001, budget: int = 100_000) -> None:
        self.clock, self.cost = Clock(), cost
        self.gate = Gate()
        self.lens = fake_lens(probe_cost, self.clock)
        self.stored: dict[str, Session] = {}
        self.files = Files(read=self._read, write=self._write)
        self.outbox = Outbox()
        self.conductor = Conductor(self.outbox, self.kinds, self.lens, self.files, self.clock, budget)
        self.number = 0
        self.told: list[Any] = []

    def kinds(self, designs: Any, machine: Machine) -> list[Kind]:
        made = []
        for key, options in designs:
            if key not in "abcd":
                raise UnknownDesign(f"There is no design {key!r}.")
            made.append(Kind(key=key, title=key.upper(), options=options, make=self._maker(key)))
        return made

    def _maker(self, key: str) -> Callable[[], FakeWorld]:
        return lambda: FakeWorld(key, self.clock, self.cost, self.gate)

    def _read(self, path: str, progress: Any, cancelled: Any) -> Session:
        if cancelled():
            raise Cancelled
        if path not in self.stored:
            raise FormatError(f"{path}: is damaged.")
        return self.stored[path]

    def _write(self, session: Session, path: str) -> Generator[None, None, None]:
        if path == "full":
            raise OSError(28, "No space left on device")
        yield
        self.stored[path] = session

    # -- by hand ------------------------------------------------------------------------------------

    def give(self, name: str, *args: Any) -> int:
        """A command; those that start a job get a number."""
        self.number += 1
        numbered = name in ("new", "submit", "seek", "branch", "set_designs", "save")
        getattr(self.conductor, name)(*args, *((self.number,) if numbered else ()))
        return self.number

    def do(self, *numbers: int) -> None:
        """Submit reclaims of so many pages, and run."""
        self.give("submit", [Reclaim(pages=number) for number in numbers], "")
        self.run()

    def turn(self) -> None:
        """One turn as the engine's thread takes it."""
        try:
            self.conductor.turn(0.008)
        except Exception:
            self.conductor.broken()
        self.told += self.outbox.take()

    def run(self) -> None:
        """Turns until nothing is left to do."""
        for _ in range(10_000):
            if self.conductor.idle:
                self.told += self.outbox.take()
                return
            self.turn()
        raise AssertionError("never idle")

    def digests(self) -> dict[str, str]:
        """Of all worlds."""
        assert self.conductor.stage is not None
        return {key: world.digest() for key, world in self.conductor.stage.worlds.items()}

    def of(self, kind: type) -> list[Any]:
        """Messages of one kind told so far."""
        return [message for message in self.told if isinstance(message, kind)]


def session_of_numbers(*numbers: int, designs: str = "ab", position: int = 0, **more: Any) -> Session:
    """A session of reclaims."""
    return Session(
        title="numbers",
        designs=tuple((key, {}) for key in designs),
        operations=tuple(Reclaim(pages=number) for number in numbers),
        position=position,
        **more,
    )
