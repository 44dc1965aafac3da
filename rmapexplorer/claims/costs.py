"""Claims about memory and allocations: C5, C14 and C15."""

from __future__ import annotations

import random

from rmapexplorer.claims.look import VMA_BYTES, cost, kept
from rmapexplorer.claims.model import (
    HALF_TRUE,
    HOLDS,
    I386,
    ONLY_WHEN,
    REFUTED,
    X86_64,
    Claim,
    Figure,
    Figures,
    Place,
    Table,
    Verdict,
    columns,
    each,
    listed,
    number,
    sentence,
    where,
)  # fmt: skip
from rmapexplorer.claims.replay import Replay
from rmapexplorer.claims.scene import ARENA, HEAP, PARENT, Scene, span
from rmapexplorer.core.counters import copied_early
from rmapexplorer.core.operations import Mremap
from rmapexplorer.formats.session import Session

# -- C5 -----------------------------------------------------------------------------------------------

CHUNK, CHUNKS, WORKERS, MOVES = 4, 24, 6, 10
OBJECT = "anon_vma"


def _c5_scene() -> Session:
    s = Scene("C5: metadata of ranges", I386)
    s.area(PARENT, span(HEAP, CHUNK * CHUNKS))
    s.fork(PARENT, *range(2, 2 + WORKERS), comm="worker")
    s.note("Six workers share one area of 96 pages.")
    draw = random.Random(20040312)
    for worker in range(2, 2 + WORKERS):
        pieces = draw.sample(range(CHUNKS), MOVES)
        places = draw.sample(range(CHUNKS), MOVES)
        for piece, place in zip(pieces, places, strict=True):
            s.move(worker, span(HEAP + piece * CHUNK, CHUNK), ARENA + place * CHUNK)
    s.note("Each moved ten pieces of four pages to random places, often beside one another.")
    s.fork(2, 2 + WORKERS, comm="worker")
    s.note("One of them forked.")
    return s.session()


def _c5(r: Replay) -> Figures:
    r.until(0)
    before, vmas = kept(r.world), len(r.world.vma)
    moves = r.until(1)
    w = r.world
    walk = cost(w, w.anonymous_pages())
    added, vmas_added = kept(w) - before, len(w.vma) - vmas
    fork = r.until(2)
    return {
        "bytes": added, "vmas": vmas_added, "vma_bytes": vmas_added * VMA_BYTES[w.machine.arch],
        "total": added + vmas_added * VMA_BYTES[w.machine.arch],
        "atomic": moves["atomic_allocs"] + fork["atomic_allocs"],
        "nodes": walk.nodes_a_page, "probes": walk.probes_a_page, "copied": copied_early(moves),
        "missed": walk.missed,
    }  # fmt: skip


def _c5_rule(t: Table) -> Verdict:
    forms = where(t, lambda f: True, "anonmm_ranges")
    mine = t[OBJECT]
    lighter = [name for name in forms if t[name]["total"] < mine["total"]]
    faster = [name for name in forms if t[name]["probes"] < mine["probes"] and t[name]["nodes"] < mine["nodes"]]
    names = [*forms, OBJECT]
    words = (
        f"bytes more after the moves, with the vmas they made: {each(t, 'total', names)}; nodes a page: "
        f"{each(t, 'nodes', names)}; ptes probed a page: "
        f"{each(t, 'probes', names)}; GFP_ATOMIC tried: {each(t, 'atomic', names)}"
    )
    both = [name for name in lighter if name in faster and t[name]["atomic"] == 0]
    if both:
        return Verdict(REFUTED, f"{listed(both)} need less memory and shorter walks than anon_vma: {words}.")
    if lighter or faster:
        return Verdict(
            HALF_TRUE,
            f"Less memory than anon_vma: {listed(lighter)}; shorter walks: {listed(faster)}; both, without "
            f"GFP_ATOMIC: none. {words}.",
        )
    return Verdict(HOLDS, f"No form needs less memory or shorter walks: {words}.")


C5 = Claim(
    id="C5", title="metadata about ranges would not be obviously more efficient",
    statement="anonmm with a note of each range that mremap moved would be a mess, and not clearly cheaper than "
    "anon_vma.",
    place=Place((12, 13), "anything better than pte_chains, such as metadata tracking a range, still is a mess and "
    "not more efficient"),
    columns=columns(
        "anonmm_ranges", "anonmm_ranges:alloc=preallocated", "anonmm_ranges:form=tree",
        "anonmm_ranges:form=exhaustive", "anon_vma", "anonmm", "pte_chain",
    ),
    figures=(
        Figure("bytes", "bytes", "reverse-mapping objects more after the moves"),
        Figure("vmas", "vmas", "more after the moves"),
        Figure("vma_bytes", "bytes", "of these vmas, 64 each on i386 before a design adds to them"),
        Figure("total", "bytes", "both"),
        Figure("atomic", "times", "GFP_ATOMIC tried by the moves and the fork after them"),
        Figure("nodes", "nodes a page", "visited to unmap a page"),
        Figure("probes", "ptes a page", "probed to unmap a page"),
        Figure("copied", "pages", "copied by the moves"),
        Figure("missed", "ptes", "missed"),
    ),
    make=_c5_scene, measure=_c5, rule=_c5_rule,
    rule_text="Refuted where a form with ranges keeps less memory than anon_vma, visits and probes less, and needs "
    "no GFP_ATOMIC; half true where one keeps less or "
    "walks shorter; holds where none does either.",
)  # fmt: skip


# -- C14 ----------------------------------------------------------------------------------------------

SIZES = (1, 2, 3, 4, 5, 6, 7, 8)
FEW, MANY = 1, 40
LONE = 64


def _c14_scene() -> Session:
    s = Scene("C14: memory for reverse mapping", I386)
    s.area(PARENT, span(HEAP, LONE))
    s.note("A process that never forked, with 64 pages in one vma.")
    pid = 1000
    for forks in (FEW, MANY):
        for size in SIZES:
            s.spawn(pid, f"{size} pages")
            s.area(pid, span(HEAP, size))
            s.fork(pid, *range(pid + 1, pid + 1 + forks))
            s.note(f"A vma of {size} pages, shared after {forks} fork{'s' if forks > 1 else ''}.")
            pid += 100
    return s.session()


def _c14(r: Replay) -> Figures:
    start = kept(r.world)
    r.until(0)
    figures: dict[str, float] = {"lone": kept(r.world) - start}
    note = 1
    for forks in (FEW, MANY):
        for size in SIZES:
            before = kept(r.world)
            r.until(note)
            figures[f"forks{forks}_pages{size}"] = kept(r.world) - before
            note += 1
    return figures


def _break_even(t: Table, arch: str, forks: int) -> int:
    # pages of a vma from which on anon_vma keeps less than pte_chain; 0 for never
    cheaper = [
        size
        for size in SIZES
        if t[OBJECT + arch][f"forks{forks}_pages{size}"] < t["pte_chain" + arch][f"forks{forks}_pages{size}"]
    ]
    return min((size for size in cheaper if all(other in cheaper for other in SIZES if other >= size)), default=0)


def _c14_rule(t: Table) -> Verdict:
    arches = [name.removeprefix(OBJECT) for name in t if name == OBJECT or name.startswith(OBJECT + " ")]
    points = {(arch, forks): _break_even(t, arch, forks) for arch in arches for forks in (FEW, MANY)}
    lone = {arch: (t[OBJECT + arch]["lone"], t["pte_chain" + arch]["lone"]) for arch in arches}
    words = "; ".join(
        f"{'i386' if not arch else 'x86_64'}: from {number(points[arch, FEW])} shared pages a vma with {FEW} fork, "
        f"from {number(points[arch, MANY])} with {MANY} on; "
        f"a process that never forked keeps {number(lone[arch][0])} bytes a vma against {number(lone[arch][1])}"
        for arch in arches
    )
    if not all(points.values()):
        return Verdict(REFUTED, f"anon_vma does not keep less, up to {SIZES[-1]} pages a vma: {words}.")
    if all(point == 1 for point in points.values()) and all(mine < theirs for mine, theirs in lone.values()):
        return Verdict(HOLDS, f"It always keeps less: {words}.")
    return Verdict(ONLY_WHEN, f"a few pages of a vma are shared: {words}.")


C14 = Claim(
    id="C14", title="one object for a range of pages saves a load of memory",
    statement="Metadata for each vma takes far less memory than pte_chains, which are paid page by page, on 32 and "
    "64 bits.",
    place=Place((17,), "a single metadata object serving a range is far more efficient than pte_chains, and saves "
    "ram on 64 and 32 bit"),
    columns=columns("pte_chain", "anon_vma", "anonmm", also=X86_64),
    figures=(
        Figure("lone", "bytes", "kept for 64 pages in one vma of a process that never forked"),
        *(
            Figure(f"forks{forks}_pages{size}", "bytes", f"kept for a vma of {size} page{'s' if size > 1 else ''} "
            f"after {forks} fork{'s' if forks > 1 else ''}")
            for forks in (FEW, MANY) for size in SIZES
        ),
    ),
    make=_c14_scene, measure=_c14, rule=_c14_rule,
    rule_text="The break-even is the number of pages from which on anon_vma keeps less than pte_chain. Holds where "
    "that is one page everywhere and a process that never "
    "forked gains too; holds only when ..., where it is more; refuted where there is none up to eight pages.",
)  # fmt: skip


# -- C15 ----------------------------------------------------------------------------------------------

AREAS = tuple(span(HEAP + number * 0x100, 20) for number in range(3))


def _c15_scene() -> Session:
    s = Scene("C15: GFP_ATOMIC", I386)
    for area in AREAS:
        s.area(PARENT, area)
    s.note("60 pages in three vmas.")
    s.fork(PARENT, 2)
    s.note("The first fork: every page is mapped twice now.")
    s.fork(PARENT, 3)
    s.note("The second fork.")
    s.add(Mremap(pid=2, span=AREAS[0], new_pages=AREAS[0].pages, to=ARENA))
    s.note("mremap of the first area by a child.")
    return s.session()


def _c15(r: Replay) -> Figures:
    faults = r.until(0)
    w = r.world
    pages = w.anonymous_pages()
    alone = w.page.mapcount[pages] == 1
    vmas = len(w.vma)
    first = r.until(1)
    doubled = int((w.page.mapcount[pages[alone]] == 2).sum())
    second, move = r.until(2), r.until(3)
    return {
        "faults": faults["atomic_allocs"], "first": first["atomic_allocs"], "doubled": doubled, "vmas": vmas,
        "second": second["atomic_allocs"],
        "move": move["atomic_allocs"], "failures": w.counters["atomic_failures"],
    }  # fmt: skip


def _c15_rule(t: Table) -> Verdict:
    chains = where(t, lambda f: True, "pte_chain")
    others = [name for name in t if name not in chains and not name.startswith("anonmm_ranges")]
    exact = [name for name in chains if t[name]["first"] == t[name]["doubled"] + t[name]["vmas"]]
    base = t["pte_chain"]
    failing = [name for name in chains if t[name]["failures"]]
    words = (
        f"the first fork tries GFP_ATOMIC {each(t, 'first')} times; {listed(exact)}: once for each of "
        f"{number(base['doubled'])} pages then mapped twice and each of "
        f"{number(base['vmas'])} vmas. A second fork: {each(t, 'second', chains)} times; first write faults: "
        f"{each(t, 'faults', chains)}. Where they fail, locks are dropped and "
        f"GFP_KERNEL is tried: {each(t, 'failures', failing)} times"
    )
    if not any(t[name]["first"] for name in chains):
        return Verdict(REFUTED, f"pte_chains do without: {words}.")
    ours = sum(t[name][when] for name in others for when in ("faults", "first", "second", "move"))
    if ours:
        return Verdict(HALF_TRUE, f"Others need it too ({each(t, 'move', others)} in a move): {words}.")
    return Verdict(HOLDS, f"{sentence(words)} {listed(others)} never try it.")


C15 = Claim(
    id="C15", title="pte_chains abuse GFP_ATOMIC",
    statement="pte_chains are allocated under spinlocks, from reserves meant for interrupts; the other designs need "
    "nothing of the kind.",
    place=Place((22,), "even the GFP_ATOMIC abuses of the pte_chains were nasty"),
    columns=columns(
        "pte_chain", "pte_chain:fail_atomic=every-10th", "pte_chain:fail_atomic=every-2nd", "anonmm",
        "anonmm_ranges", "shared_space", "anon_vma", "anon_vma_chain",
    ),
    figures=(
        Figure("faults", "times", "GFP_ATOMIC tried by the first write faults"),
        Figure("first", "times", "by the first fork"),
        Figure("doubled", "pages", "mapped once before it and twice after it"),
        Figure("vmas", "vmas", "that it copies"),
        Figure("second", "times", "by the second fork"),
        Figure("move", "times", "by mremap of an area that is shared"),
        Figure("failures", "times", "it failed and GFP_KERNEL was tried"),
    ),
    make=_c15_scene, measure=_c15, rule=_c15_rule,
    rule_text="Holds where pte_chain tries GFP_ATOMIC in a fork and no design that was merged or proposed against "
    "it ever does; half true where another does too; refuted "
    "where pte_chain does not.",
    remark="anonmm_ranges is what the letter warns of, notes of moved ranges allocated under a lock: its column "
    "stands beside, the rule leaves it out.",
)  # fmt: skip

CLAIMS = (C5, C14, C15)
