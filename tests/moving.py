"""Families of processes that move memory about, from a seed: what makes designs that go by addresses lose pages, or not.

Unlike ``at_random`` nearly every mremap succeeds, and spans are aligned, so that pages meet their old places again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

from oracles import audit, finds, last_exit, memory, new_world, truth

from rmapexplorer.core import operations as o
from rmapexplorer.core.table import ANON
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.world import World

BASE = 512 * 8 - 32
BLOCK, BLOCKS = 4, 14
MOST_TASKS = 5


def _span(dice: random.Random, w: World, pid: int) -> Span:
    # a vma of the process, or part of it
    rows = w.mms[w.tasks[pid].mm].vmas
    if not rows:
        return Span(BASE, BASE + BLOCK)
    row = dice.choice(rows)
    start, end = int(w.vma.start[row]), int(w.vma.end[row])
    pages = min(dice.choice((2, BLOCK, 2 * BLOCK, 3 * BLOCK)), end - start)
    low = start + dice.randrange((end - start - pages) // 2 + 1) * 2
    return Span(low, low + pages)


def operation(dice: random.Random, w: World, births: int) -> o.Operation:
    """One operation of a random process."""
    pids = [task.pid for task in w.tasks.values()]
    pid = dice.choice(pids)
    where, to = _span(dice, w, pid), BASE + BLOCK * dice.randrange(BLOCKS)
    kind = dice.choice(
        ["move"] * 7 + ["touch"] * 7 + ["fork"] * 3 + ["map"] * 2 + ["exit", "unmap", "protect", "reclaim", "out"]
    )
    if kind == "fork" and len(pids) < MOST_TASKS:
        return o.Fork(pid=pid, child=births)
    if kind == "exit" and len(pids) > 1:
        return o.Exit(pid=pid)
    simple: dict[str, o.Operation] = {
        "move": o.Mremap(pid=pid, span=where, new_pages=len(where), to=to, dontunmap=dice.random() < 0.15),
        "map": o.Mmap(pid=pid, span=Span(to, to + BLOCK * dice.randrange(1, 4))),
        "unmap": o.Munmap(pid=pid, span=where),
        "protect": o.Mprotect(pid=pid, span=where, prot=dice.choice(("r", "rw"))),
        "reclaim": o.Reclaim(pages=dice.choice((None, 4))),
        "out": o.Reclaim(pages=None) if dice.random() < 0.5 else o.Exec(pid=pid),
    }
    return simple.get(kind) or o.Touch(pid=pid, runs=((where.start, where.end, dice.choice("rww")),))


def families(
    key: str, seed: int, steps: int = 70, look: Callable[[World, o.Operation], None] | None = None,
    machine: Machine | None = None,
) -> World:  # fmt: skip
    """Run a world of that key beside one of pte_chain with every oracle after each operation; returns it at the end."""
    dice = random.Random(seed)
    worlds = [new_world(name, machine or Machine()) for name in ("pte_chain", key)]
    first = (o.Spawn(pid=1), o.Mmap(pid=1, span=Span(BASE, BASE + 20)), o.Touch(pid=1, runs=((BASE, BASE + 20, "w"),)))
    for step in range(steps):
        op = first[step] if step < len(first) else operation(dice, worlds[0], step)
        outcomes = [w.apply(op) for w in worlds]
        assert outcomes[0].error == outcomes[1].error, op
        audit(worlds[1])
        finds(worlds[1])
        assert memory(worlds[0]) == memory(worlds[1]), (step, op)
        if look:
            look(worlds[1], op)
    w = worlds[1]
    twin, digest = w.copy(), w.digest()
    assert twin.digest() == digest
    last_exit(twin)
    assert w.digest() == digest
    return w


class Ledger:
    """Which ptes a design must lose that keeps one address a page: that where it was mapped first, or moved while alone.

    Kept from the page tables alone, operation by operation.
    """

    def __init__(self) -> None:
        self.index: dict[int, int] = {}
        self.before: dict[int, set[tuple[int, int]]] = {}
        self.lost = 0

    def __call__(self, w: World, op: o.Operation) -> None:
        """Take one operation down; ``lost`` is then the number of ptes that cannot be found."""
        anonymous = ((page, ptes) for page, ptes in truth(w).items() if w.page.state[page] & ANON)
        now = {page + (int(w.page.birth[page]) << 32): ptes for page, ptes in anonymous}
        for page, ptes in now.items():
            old = self.before.get(page)
            if old is None or (len(old) == 1 and old != ptes and isinstance(op, o.Mremap)):
                self.index[page] = next(iter(ptes))[1]
        self.before = now
        self.lost = sum(vpn != self.index[page] for page, ptes in now.items() for _, vpn in ptes)


def counted(worlds: Iterable[World], *names: str) -> list[int]:
    """Sums of counters over worlds."""
    worlds = list(worlds)
    return [sum(w.counters[name] for w in worlds) for name in names]
