"""Random operations from a seed, in several worlds at once, with every oracle after each: for tests of one design.

Half of the memory is as busy as possible: few pages, few processes, so that splits, merges, moves and forks meet.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

from oracles import audit, finds, last_exit, memory, new_world

from rmapexplorer.core import operations as o
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.world import World

BASE = 512 * 8 - 24
"""The arena lies across two page-table pages."""
PAGES = 40
MOST_TASKS = 5
BEGIN = (o.Spawn(pid=1), o.Mmap(pid=1, span=Span(BASE, BASE + PAGES)))
FILES = {"f": 16}

WEIGHTS = {"mmap": 3, "mmap_file": 1, "munmap": 2, "mprotect": 4, "mremap": 4, "grow": 2, "touch": 9, "fork": 3, "exit": 1,
           "exec": 0.3, "reclaim": 2, "dontneed": 1, "brk": 1}  # fmt: skip


def operation(rng: random.Random, pids: list[int], births: int) -> o.Operation:
    """One operation of a random kind by one of ``pids``; a child gets the pid ``births``."""
    kind = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    pid, at, length = rng.choice(pids), rng.randrange(PAGES), rng.choice((1, 2, 3, 4, 6, 12))
    span = Span(BASE + at, BASE + min(at + length, PAGES))
    if kind == "fork" and len(pids) >= MOST_TASKS:
        kind = "exit"
    if kind == "exit" and len(pids) < 2:
        kind = "touch"
    makers: dict[str, Callable[[], o.Operation]] = {
        "mmap": lambda: o.Mmap(pid=pid, span=span, prot=rng.choice(("rw", "rw", "r"))),
        "mmap_file": lambda: o.Mmap(pid=pid, span=span, kind="file-private", file="f", offset=rng.randrange(8)),
        "munmap": lambda: o.Munmap(pid=pid, span=span),
        "mprotect": lambda: o.Mprotect(pid=pid, span=span, prot=rng.choice(("rw", "rw", "r", ""))),
        "mremap": lambda: o.Mremap(pid=pid, span=span, new_pages=len(span), to=BASE + rng.randrange(PAGES),
                                   dontunmap=rng.random() < 0.2),
        "grow": lambda: o.Mremap(pid=pid, span=span, new_pages=len(span) + rng.randrange(4),
                                 to=rng.choice((None, BASE + rng.randrange(PAGES)))),
        "touch": lambda: o.Touch(pid=pid, runs=((span.start, span.end, rng.choice("rwww")),)),
        "fork": lambda: o.Fork(pid=pid, child=births),
        "exit": lambda: o.Exit(pid=pid),
        "exec": lambda: o.Exec(pid=pid),
        "reclaim": lambda: o.Reclaim(pages=rng.choice((None, 3, 20))),
        "dontneed": lambda: o.Madvise(pid=pid, span=span, advice=rng.choice(("dontneed", "pageout", "dontfork", "wipeonfork"))),
        "brk": lambda: o.Brk(pid=pid, start=BASE + PAGES, end=BASE + PAGES + rng.randrange(8)),
    }  # fmt: skip
    return makers[kind]()


def run_at_random(
    keys: Iterable[str], seed: int, steps: int = 120, lossy: Iterable[str] = (),
    look: Callable[[dict[str, World]], None] = lambda worlds: None, machine: Machine | None = None,
) -> dict[str, World]:  # fmt: skip
    """Run ``steps`` operations in worlds of these keys beside pte_chain; all must show the same memory.

    Where an operation ends differently it is taken back everywhere. ``look`` is called after each that stays. Ends with a
    copy in which every process exits and nothing is left.
    """
    rng, lossy = random.Random(seed), set(lossy)
    machine = machine or Machine(files=dict(FILES))
    worlds = {key: new_world(key, machine) for key in dict.fromkeys(("pte_chain", *keys))}
    births = 2
    for step in range(steps):
        pids = [task.pid for task in worlds["pte_chain"].tasks.values()]
        op = operation(rng, pids, births) if step >= len(BEGIN) else BEGIN[step]
        births += isinstance(op, o.Fork)
        before = {key: w.copy() for key, w in worlds.items()}
        outcomes = {key: w.apply(op) for key, w in worlds.items()}
        if len({outcome.error for outcome in outcomes.values()}) > 1:
            worlds = before
            continue
        for key, w in worlds.items():
            audit(w)
            finds(w, key in lossy)
        expected = memory(worlds["pte_chain"])
        for key, w in worlds.items():
            assert memory(w) == expected, (key, step, op)
        look(worlds)
    for key, w in worlds.items():
        digest = w.digest()
        twin = w.copy()
        assert twin.digest() == digest
        last_exit(twin)
        assert w.digest() == digest, key
    return worlds
