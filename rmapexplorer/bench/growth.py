"""Work that is measured in a process of its own: what must grow no faster than its size, walks, and a frame.

Times are processor time, in seconds but where a function says otherwise.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from rmapexplorer.bench.calls import FIRST, USUAL, do, every_second_page, filled, timed_all, world_of, write
from rmapexplorer.core.long_walks import price_all
from rmapexplorer.core.operations import Fork, Madvise, Mmap, Operation, Punch, Reclaim, Spawn, Touch
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.engine.engine import Engine
from rmapexplorer.engine.real import REAL_LENS
from rmapexplorer.formats.session import Session

MB = 1_000_000
WINDOW = 64
"""Pages of a file from one hole to the next."""


def storm(children: int, vmas: int) -> dict[str, Any]:
    """Forks of a process with touched vmas; "columns": MB of the world at the end."""
    w = world_of()
    filled(w, vmas, 1)
    taken = timed_all(w, [Fork(pid=1, child=pid) for pid in range(2, 2 + children)])
    return {"time": [taken / 1e6], "columns": [w.cost_bytes() / MB]}


def explosion(calls: int, forks: int = 0) -> list[Operation]:
    """One mapping, every page written, every second page read-only; children behind it."""
    span = Span(FIRST, FIRST + 2 * calls)
    ops: list[Operation] = [Spawn(pid=1, comm="collector"), Mmap(pid=1, span=span), write(FIRST, 2 * calls)]
    return [*ops, *every_second_page(calls), *(Fork(pid=1, child=pid) for pid in range(2, 2 + forks))]


def walk(design: str, calls: int, repeats: int) -> dict[str, Any]:
    """After the explosion: the walk of one page and the probe of all, in milliseconds."""
    w = world_of(design)
    for op in explosion(calls)[1:]:
        do(w, op)
    pages = w.anonymous_pages()
    ones, probes = [], []
    for page in np.linspace(0, len(pages) - 1, 5 * repeats).astype(np.int64).tolist():
        before = time.thread_time()
        price_all(w, pages[page : page + 1], w.design.anon_candidates)
        ones.append(1e3 * (time.thread_time() - before))
    for _ in range(repeats):
        before = time.thread_time()
        w.probe()
        probes.append(1e3 * (time.thread_time() - before))
    return {"walk": ones, "probe": probes}


def forks(children: int) -> dict[str, Any]:
    """Forks with pids that the kernel chooses, given to the engine at once as the window does."""
    engine = Engine()
    engine.start()
    try:
        begin = (Spawn(pid=1, comm="bench"), Mmap(pid=1, span=Span(FIRST, FIRST + 4)), write(FIRST, 4))
        engine.new(Session(title="forks", machine=Machine(), designs=((USUAL, {}),), operations=begin, position=3))
        _rest(engine)
        before = time.process_time()
        engine.submit([Fork(pid=1, child=0)] * children)
        _rest(engine)
        return {"time": [time.process_time() - before]}
    finally:
        engine.stop()


def _rest(engine: Engine) -> None:
    while not engine.wait_idle(0.05):
        engine.take()
    engine.take()


def holes(count: int) -> dict[str, Any]:
    """Holes punched into a mapped file; behind each, pages are read that nobody read before."""
    w = world_of()
    do(w, Mmap(pid=1, span=Span(FIRST, FIRST + WINDOW * count), kind="file-shared", file="data"))
    ops: list[Operation] = []
    for page in range(0, WINDOW * count, WINDOW):
        ops.append(Punch(pid=1, file="data", offset=page, pages=1))
        ops.append(Touch(pid=1, runs=((FIRST + page, FIRST + page + WINDOW, "r"),)))
    return {"time": [timed_all(w, ops) / 1e6]}


def freed(pages: int) -> dict[str, Any]:
    """Reclaim of pages that MADV_FREE gave up."""
    w = world_of()
    filled(w, 1, pages)
    do(w, Madvise(pid=1, span=Span(FIRST, FIRST + pages), advice="free"))
    return {"time": [timed_all(w, [Reclaim()]) / 1e6]}


def top_down(count: int) -> dict[str, Any]:
    """Mappings each below the one before, as the kernel places them; rights alternate, so that none merges."""
    w = world_of()
    places = range(FIRST, FIRST - 2 * count, -2)
    ops = [Mmap(pid=1, span=Span(at, at + 2), prot="rw" if at % 4 else "r") for at in places]
    return {"time": [timed_all(w, ops) / 1e6]}


def frame(pages: int, repeats: int) -> dict[str, Any]:
    """What a frame shows after one write, beside two processes with so many ptes each, in milliseconds."""
    w = world_of()
    filled(w, 1, pages)
    do(w, Fork(pid=1, child=2))
    columns, taken = REAL_LENS.columns(w, None), []
    for repeat in range(repeats + 1):
        do(w, write(FIRST + pages // 2 + repeat, 1))
        before = time.thread_time()
        columns = REAL_LENS.columns(w, columns)
        taken.append(1e3 * (time.thread_time() - before))
    return {"time": taken[1:]}  # the first one may find nothing that it could keep


WORK: dict[str, Callable[..., dict[str, Any]]] = {
    "storm": storm, "walk": walk, "forks": forks, "holes": holes, "freed": freed, "top_down": top_down, "frame": frame,
}  # fmt: skip
