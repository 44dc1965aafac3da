"""Random operations from a seed, run in several worlds at once: the quick form of properties/test_machine.py for one design.

Where an operation ends differently in two worlds it is checked there, then taken back in all.
"""

from __future__ import annotations

from random import Random

from oracles import check_world, last_exit, memory, new_world

from rmapexplorer.core import flags as vm
from rmapexplorer.core import operations as o
from rmapexplorer.core import radix
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.world import World

BASE = 512 * 8 - 24
PAGES = 48
FILES = {"f0": 12, "f1": 20}
ALWAYS_GOES = 5


def operation(r: Random, pids: list[int], birth: int) -> o.Operation:
    """One operation on the arena of 48 pages that lies across two page-table pages."""
    pid, at, length = r.choice(pids), r.randrange(PAGES), r.choice((1, 2, 3, 4, 4, 8, 12))
    span = Span(BASE + at, BASE + min(at + length, PAGES))
    kind = r.choice("mmffstttttttttuppvvvgdrrrrkkxexllhnno")
    if kind in "mfs":
        how = {"m": "anonymous", "f": r.choice(("file-private", "file-shared")), "s": "anon-shared"}[kind]
        named = {"kind": how, "file": r.choice(sorted(FILES)), "offset": r.randrange(12)} if kind == "f" else {}
        if kind == "s":
            named = {"kind": how}
        return o.Mmap(pid=pid, span=span, prot=r.choice(("rw", "rw", "r")), **named)  # type: ignore[arg-type]
    if kind == "t":
        return o.Touch(pid=pid, runs=((span.start, span.end, r.choice("rww")),))
    if kind == "v":
        return o.Mremap(
            pid=pid, span=span, new_pages=len(span), to=BASE + r.randrange(PAGES), dontunmap=r.random() < 0.3
        )
    if kind == "k" and len(pids) < ALWAYS_GOES:
        return o.Fork(pid=pid, child=birth)
    if kind in "xe" and len(pids) > 1:
        return o.Exit(pid=pid) if kind == "x" else o.Exec(pid=pid)
    simple: dict[str, o.Operation] = {
        "u": o.Munmap(pid=pid, span=span),
        "p": o.Mprotect(pid=pid, span=span, prot=r.choice(("rw", "r", ""))),
        "g": o.Mremap(pid=pid, span=span, new_pages=r.randrange(1, 10), to=None),
        "d": o.Madvise(pid=pid, span=span, advice=r.choice(("dontneed", "pageout", "wipeonfork", "dontfork"))),
        "l": r.choice((o.Mlock(pid=pid, span=span), o.Munlock(pid=pid, span=span))),
        "h": o.Punch(pid=pid, file=r.choice(sorted(FILES)), offset=r.randrange(12), pages=3),
        "n": o.RemapFilePages(pid=pid, span=span, offset=r.randrange(8)),
        "o": o.Swapoff() if r.random() < 0.05 else o.Reclaim(pages=1),
    }
    return simple.get(kind, o.Reclaim(pages=r.choice((None, 1, 8, 40))))


def seen(w: World) -> dict[tuple[int, int], tuple[object, ...]]:
    """What every process sees; a pte that holds a file offset stands for that page of the file."""
    out = memory(w)
    for task in w.tasks.values():
        if task.zombie or task.pid != task.leader:
            continue
        mm = w.mms[task.mm]
        for row in (row for row in mm.vmas if int(w.vma.flags[row]) & vm.NONLINEAR):
            file = w.files[int(w.vma.file[row])]
            for vpn in range(int(w.vma.start[row]), int(w.vma.end[row])):
                entry = w.pt.get(mm.tables, vpn)
                if entry & radix.OFFSET:
                    index = entry >> radix.ENTRY_SHIFT
                    cached = w.cache.get(file.cache, index)
                    token = w.swap.token if cached & radix.SWAP else w.page.token
                    kept = int(token[cached >> radix.ENTRY_SHIFT]) if cached else file.saved.get(index, 0)
                    beyond = file.size is not None and index >= file.size
                    out[task.pid, vpn] = (*out[task.pid, vpn][:-2], *(("beyond", 0) if beyond else ("data", kept)))
    return out


def run_random(keys: tuple[str, ...], seed: int, count: int = 120, **machine: object) -> dict[str, World]:
    """Run ``count`` operations in the worlds of ``keys``; all oracles after each, the last exit at the end."""
    r = Random(seed)
    profile = Machine(files=dict(FILES), **machine)  # type: ignore[arg-type]
    worlds = {key: new_world(key, profile) for key in keys}
    birth = 2
    for op in (o.Spawn(pid=1), o.Mmap(pid=1, span=Span(BASE, BASE + 40)), *[None] * count):
        if op is None:
            first = worlds[keys[0]]
            op = operation(r, [task.pid for task in first.tasks.values() if not task.zombie], birth)
        birth += isinstance(op, o.Fork)
        before = {key: w.copy() for key, w in worlds.items()}
        errors = {w.apply(op).error for w in worlds.values()}
        for key, w in worlds.items():
            check_world(w, key)
        if len(errors) > 1:
            worlds = before
        shown = [seen(w) for w in worlds.values()]
        assert all(other == shown[0] for other in shown[1:]), op
    for w in worlds.values():
        twin = w.copy()
        assert twin.digest() == w.digest()
        last_exit(w.copy())
        assert twin.digest() == w.digest()
    return worlds
