"""Claims about mappings of files and about the index space of a family: C13 and C16."""

from __future__ import annotations

import numpy as np

from rmapexplorer.claims.look import vmas_at, walk_of
from rmapexplorer.claims.model import (
    HALF_TRUE,
    HOLDS,
    I386,
    ONLY_WHEN,
    REFUTED,
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
from rmapexplorer.claims.scene import ARENA, CHILD, HEAP, PARENT, Scene, span
from rmapexplorer.core.counters import copied_early
from rmapexplorer.core.operations import Fork
from rmapexplorer.core.units import PAGE_BYTES
from rmapexplorer.core.world import World
from rmapexplorer.formats.session import Session

# -- C13 ----------------------------------------------------------------------------------------------

WINDOW = span(HEAP, 48)
MOVED, REST = span(HEAP + 32, 16), span(HEAP, 32)
OTHER = span(ARENA, 16)


def _c13_scene() -> Session:
    s = Scene("C13: mremap of a file", I386)
    s.map_file(PARENT, WINDOW, "data")
    s.map_file(PARENT, OTHER, "data", 64)
    s.write(PARENT, WINDOW, OTHER)
    s.fork(PARENT, CHILD, 3, comm="worker")
    s.note("Three processes map a file, in two places.")
    s.move(CHILD, MOVED, OTHER.end)
    s.note("One moved sixteen pages of the first mapping behind the second, which ends at another offset.")
    s.move(CHILD, span(OTHER.end, 16), MOVED.start)
    s.note("And back, where the offsets continue.")
    s.reclaim()
    return s.session()


def _c13(r: Replay) -> Figures:
    r.until(0)
    move = r.until(1)
    w = r.world
    there = MOVED.moved(OTHER.end)
    walk = walk_of(w, (PARENT, WINDOW), (CHILD, there), (CHILD, REST))
    apart = len(set(vmas_at(w, CHILD, span(OTHER.end - 1, 2))))
    back = r.until(2)
    together = len(set(vmas_at(w, CHILD, span(MOVED.start - 1, 2))))
    r.until()
    return {
        "missed": walk.missed, "allocs": move["objs_alloc"] + back["objs_alloc"],
        "copied": copied_early(move) + copied_early(back),
        "nodes": walk.nodes_a_page, "probes": walk.probes_a_page, "vmas_apart": apart, "vmas_together": together,
    }  # fmt: skip


def _c13_rule(t: Table) -> Verdict:
    names = [name for name in t if not name.startswith("pte_chain")]
    ways = ("missed", "allocs", "copied")
    words = (
        f"ptes missed: {each(t, 'missed', names)}; objects allocated by the moves: {each(t, 'allocs', names)}; "
        f"pages copied: {each(t, 'copied', names)}"
    )
    rule = (
        f"what replaces the special case is the rule of merging: where offsets do not continue "
        f"{each(t, 'vmas_apart', names)} vmas stay, where they do "
        f"{each(t, 'vmas_together', names)}"
    )
    special = where(t, lambda f: any(f[way] for way in ways))
    clean = not any(t[name][way] for name in names for way in ways)
    if clean and all(t[name]["vmas_apart"] == 2 and t[name]["vmas_together"] == 1 for name in names):
        return Verdict(HOLDS, sentence(f"{words}; {rule}"))
    if clean:
        return Verdict(HALF_TRUE, f"Merging differs: {rule}; {words}.")
    return Verdict(REFUTED, f"{listed(special)} need something: {words}.")


C13 = Claim(
    id="C13", title="mremap of a file needs no special case",
    statement="Vmas of a file carry vm_pgoff, so that mremap needs nothing special for them: it is enough not to "
    "merge across offsets.",
    place=Place((16, 17), "where is the special case when part of a file's mapping is moved; vmas of files with "
    "other vm_pgoff do not merge"),
    columns=columns("objrmap", "anonmm", "shared_space", "anon_vma", "anon_vma_chain", "pte_chain"),
    figures=(
        Figure("missed", "ptes", "of the file's pages that walks miss after the move"),
        Figure("allocs", "objects", "allocated by two moves"),
        Figure("copied", "pages", "copied by them"),
        Figure("nodes", "nodes a page", "visited to unmap a page of the file"),
        Figure("probes", "ptes a page", "probed for it"),
        Figure("vmas_apart", "vmas", "at the seam where the offsets do not continue"),
        Figure("vmas_together", "vmas", "at the seam where they do"),
    ),
    make=_c13_scene, measure=_c13, rule=_c13_rule,
    rule_text="Asked of all designs that find pages of files by object. Holds where nothing is missed, allocated or "
    "copied and vmas merge just where offsets continue; half "
    "true where only the merging differs; refuted otherwise.",
)  # fmt: skip


# -- C16 ----------------------------------------------------------------------------------------------

FORKS = 4200
CLAIMED = 1 << 42
"""Bytes in one address_space of a 32-bit machine, as the letter quotes."""
INDEX_BITS, TASK_BITS = 32, 20
"""page->index of 32 bits counts pages; a process of 32 bits can map 2^20 pages."""


def _c16_scene() -> Session:
    s = Scene("C16: room for indexes", I386)
    area = span(HEAP, 4)
    s.area(PARENT, area)
    s.move(PARENT, area, ARENA)
    s.area(PARENT, area)
    s.note("Memory was moved away, and new memory mapped and written in its place.")
    for child in range(2, 2 + FORKS):
        s.fork(PARENT, child, comm="worker")
    s.note("4,200 workers were forked, all alive.")
    return s.session()


def _duplicates(w: World) -> int:
    # pages that share (owner, index) with another page
    pages = w.anonymous_pages()
    _, counts = np.unique(np.stack([w.page.mapping[pages], w.page.index[pages]]), axis=1, return_counts=True)
    return int(counts[counts > 1].sum())


def _c16(r: Replay) -> Figures:
    r.until(0)
    duplicates = _duplicates(r.world)
    first, forks = 0, 0
    for op, step in r.steps(1):
        if isinstance(op, Fork):
            forks += 1
            if not first and step["index_overflows"]:
                first = forks
    return {
        "duplicates": duplicates, "first_overflow": first, "overflows": r.world.counters["index_overflows"],
        "space": float((1 << INDEX_BITS) * PAGE_BYTES), "slices": float(1 << (INDEX_BITS - TASK_BITS)),
    }  # fmt: skip


def _c16_rule(t: Table) -> Verdict:
    room = next(iter(t.values()))["space"]
    slices = next(iter(t.values()))["slices"]
    words = (
        f"an index of {INDEX_BITS} bits reaches {number(room)} bytes, {number(room / CLAIMED)} times what is said, "
        f"or {number(slices)} processes with all their "
        f"addresses; slices run out at fork {each(t, 'first_overflow')} (0: never in {number(FORKS)}); pages that "
        f"share an index after one mremap: {each(t, 'duplicates')}"
    )
    never = where(t, lambda f: not f["overflows"])
    unique = [name for name in never if not t[name]["duplicates"]]
    if len(never) == len(t):
        return Verdict(HOLDS, f"No policy runs out: {words}.")
    if not never:
        return Verdict(REFUTED, f"Every policy runs out: {words}.")
    return Verdict(
        ONLY_WHEN, f"indexes are not handed out in slices: {words}. Unique and never short: {listed(unique)}."
    )


C16 = Claim(
    id="C16", title="one address_space has room enough for a family",
    statement="An address_space of a 32-bit machine holds far more than a parent and all its children can use, so "
    "they may share one.",
    place=Place((7,), "the page cache handles up to 2^42 bytes in one address_space, more than enough to share"),
    columns=columns("shared_space:policy=P1", "shared_space", "shared_space:policy=P2"),
    figures=(
        Figure("space", "bytes", "that an index of 32 bits reaches in pages of 4 KiB (computed)"),
        Figure("slices", "processes", "whose whole address space fits in (computed)"),
        Figure("first_overflow", "forks", "until no slice is left; 0: never"),
        Figure("overflows", "times", "there was no room"),
        Figure("duplicates", "pages", "that share their index with another page after memory was moved away and "
        "mapped again"),
    ),
    make=_c16_scene, measure=_c16, rule=_c16_rule,
    rule_text="Holds where no policy runs out of room in 4,200 forks; holds only when ..., where one does; refuted "
    "where all do.",
    remark="4,096 slices are used up by the parent and 4,095 children, so that fork 4,096 finds none; 4,097 would "
    "be right if the parent needed no slice. What the letter "
    "quotes is too small by two bits: 2^32 pages of 2^12 bytes are 2^44 bytes.",
)  # fmt: skip

CLAIMS = (C13, C16)
