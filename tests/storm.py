"""Operations at random from a seed, for one design beside another: both must end alike and show the same memory.

Where the outcomes differ (a design may refuse or run out where the other does not) the operation is taken back in both.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from oracles import check_world, last_exit, memory, new_world

from rmapexplorer.core import operations as o
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.world import World

BASE = 512 * 8 - 24
PAGES = 48
FILES = {"f0": 12, "f1": 20}
ADVICE = ("dontneed", "dontfork", "dofork", "wipeonfork", "pageout", "guard_install", "guard_remove", "willneed")


def _span(dice: random.Random) -> Span:
    at = dice.choice([dice.randrange(PAGES), 4 * dice.randrange(PAGES // 4)])
    return Span(BASE + at, BASE + min(at + dice.choice([1, 2, 4, 4, 8, 12]), PAGES))


def _one(dice: random.Random, w: World, births: int) -> o.Operation:
    alive = [task.pid for task in w.tasks.values() if not task.zombie]
    pid, where = dice.choice(alive), _span(dice)
    kinds = ["touch"] * 8 + ["move"] * 5 + ["map"] * 2 + ["file", "unmap", "protect", "protect", "resize", "brk", "brk"]
    kinds += ["advise", "lock", "unlock", "reclaim", "reclaim", "fork", "fork", "exit", "exec", "shared"]
    kind = dice.choice(kinds)
    if kind == "fork" and len(alive) < 6:
        return o.Fork(pid=pid, child=births)
    if kind == "exit" and len(alive) > 1:
        return o.Exit(pid=pid)
    if kind == "exec" and dice.random() < 0.2:
        return o.Exec(pid=pid)
    to = BASE + dice.choice([dice.randrange(PAGES), 4 * dice.randrange(PAGES // 4)])
    simple = {
        "move": o.Mremap(pid=pid, span=where, new_pages=len(where), to=to, dontunmap=dice.random() < 0.3),
        "resize": o.Mremap(pid=pid, span=where, new_pages=dice.randrange(1, 12), to=dice.choice([None, to])),
        "map": o.Mmap(pid=pid, span=where, prot=dice.choice(["rw", "rw", "r"])),
        "file": o.Mmap(
            pid=pid, span=where, kind="file-private", file=dice.choice(sorted(FILES)), offset=dice.randrange(8)
        ),
        "shared": o.Mmap(pid=pid, span=where, kind="anon-shared"),
        "unmap": o.Munmap(pid=pid, span=where),
        "protect": o.Mprotect(pid=pid, span=where, prot=dice.choice(["rw", "r", "rw", ""])),
        "brk": o.Brk(pid=pid, start=BASE + PAGES, end=BASE + PAGES + dice.randrange(10)),
        "advise": o.Madvise(pid=pid, span=where, advice=dice.choice(ADVICE)),
        "lock": o.Mlock(pid=pid, span=where),
        "unlock": o.Munlock(pid=pid, span=where),
        "reclaim": o.Reclaim(pages=dice.choice([None, 1, 5, 40])),
    }
    return simple.get(kind) or o.Touch(pid=pid, runs=((where.start, where.end, dice.choice("rwww")),))


def storm(seed: int, count: int, keys: tuple[str, ...], ram: int | None = None) -> Iterator[tuple[World, ...]]:
    """Yield the worlds of ``keys`` after each operation that ended alike in all, memory compared and oracles held."""
    dice = random.Random(seed)
    machine = Machine(files=dict(FILES), ram_pages=ram, swap_pages=24 if ram else None)
    worlds = tuple(new_world(key, machine) for key in keys)
    for op in (o.Spawn(pid=1), o.Mmap(pid=1, span=Span(BASE, BASE + 44))):
        assert all(w.apply(op).ok for w in worlds)
    for births in range(2, count + 2):
        op = _one(dice, worlds[0], births)
        before = tuple(w.copy() for w in worlds)
        outcomes = [w.apply(op) for w in worlds]
        for key, w in zip(keys, worlds, strict=True):
            check_world(w, key)
        if len({outcome.error for outcome in outcomes}) > 1:
            worlds = before
            continue
        first, *others = (memory(w) for w in worlds)
        assert all(other == first for other in others), op
        yield worlds
    for w in worlds:
        twin, digest = w.copy(), w.digest()
        assert twin.digest() == digest
        last_exit(twin)
        assert w.digest() == digest
        last_exit(w)
