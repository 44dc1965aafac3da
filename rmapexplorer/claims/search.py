"""Claims about searching: C6, C7, C12 and C18."""

from __future__ import annotations

from typing import cast

import numpy as np

from rmapexplorer.claims.look import Cost, cost, kept, pages_of, walk_of
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
from rmapexplorer.core.index.prio_tree import PrioTreeIndex
from rmapexplorer.core.table import Ints, VmaTable
from rmapexplorer.core.units import Span
from rmapexplorer.core.world import World
from rmapexplorer.formats.session import Session

CHILDREN = range(2, 102)
HEAP_SPAN = span(HEAP, 16)
WRITTEN = span(HEAP, 4)
FRESH = span(ARENA, 4)
RFC2 = "anon_vma:direct=naive,adopt=none,alloc=fork"


# -- C6, C18 ------------------------------------------------------------------------------------------


def _fork_server(title: str) -> Scene:
    s = Scene(title, I386)
    s.area(PARENT, HEAP_SPAN)
    s.fork(PARENT, *CHILDREN, comm="worker")
    s.note("A hundred workers inherit the server's heap.")
    for child in CHILDREN:
        s.write(child, WRITTEN)
        s.area(child, FRESH)
    s.note("Each wrote to four pages of the heap, which became its own, and to four of new memory.")
    return s


def _c6_scene() -> Session:
    return _fork_server("C6: the list against the tree").session()


def _own_pages(r: Replay) -> tuple[Cost, Cost]:
    r.until(1)
    w = r.world
    fresh = walk_of(w, *((child, FRESH) for child in CHILDREN))
    return fresh, walk_of(w, *((child, WRITTEN) for child in CHILDREN))


def _c6(r: Replay) -> Figures:
    fresh, inherited = _own_pages(r)
    return {
        "nodes_fresh": fresh.nodes_a_page, "probes_fresh": fresh.probes_a_page,
        "nodes_inherited": inherited.nodes_a_page,
        "probes_inherited": inherited.probes_a_page,
    }  # fmt: skip


TREE = "shared_space"
BEATS = 0.9
"""Of the tree's nodes: what is visited at most where the list is said to beat the tree."""


def _c6_rule(t: Table) -> Verdict:
    mine, tree = t["anon_vma"], t[TREE]
    fresh = mine["nodes_fresh"] <= BEATS * tree["nodes_fresh"]
    inherited = mine["nodes_inherited"] <= BEATS * tree["nodes_inherited"]
    names = ["anon_vma", TREE, "anonmm", "anon_vma_chain"]
    words = (
        f"nodes a page in vmas made after the fork: {each(t, 'nodes_fresh', names)}; in the inherited heap: "
        f"{each(t, 'nodes_inherited', names)}; ptes "
        f"probed there: {each(t, 'probes_inherited', names)}"
    )
    if fresh and inherited:
        return Verdict(HOLDS, f"anon_vma visits less in both: {words}.")
    if fresh:
        return Verdict(ONLY_WHEN, f"pages lie in vmas made after the fork: {words}.")
    if inherited:
        return Verdict(ONLY_WHEN, f"pages lie in inherited vmas: {words}.")
    return Verdict(REFUTED, f"anon_vma visits no less: {words}.")


C6 = Claim(
    id="C6", title="the list beats the tree in all common cases",
    statement="Looking through an anon_vma's list costs less than a search in a tree of all vmas of the family.",
    place=Place((12,), "in all common cases the design beats the performance of the tree"),
    columns=columns("anon_vma", "shared_space", "shared_space:index=list", "anonmm", "pte_chain", "anon_vma_chain"),
    figures=(
        Figure("nodes_fresh", "nodes a page", "visited for a child's page in a vma it made itself"),
        Figure("probes_fresh", "ptes a page", "probed for it"),
        Figure("nodes_inherited", "nodes a page", "visited for a child's own page in the heap it inherited"),
        Figure("probes_inherited", "ptes a page", "probed for it"),
    ),
    make=_c6_scene, measure=_c6, rule=_c6_rule,
    rule_text="The list beats the tree where anon_vma visits at most nine tenths of the nodes that the tree of "
    "shared_space does. Holds where it does in vmas made "
    "after the fork and in inherited ones; holds only when ..., where it does in one of them; refuted where in "
    "neither.",
    remark="A hundred children, and the tree reports all their vmas that cover the index; the walk ends at the pte "
    "that is found, half way in the mean. The first child's "
    "page in the heap takes a hundred nodes, the last one's a single one.",
)  # fmt: skip


def _c18_scene() -> Session:
    return _fork_server("C18: all address spaces for one page").session()


def _c18(r: Replay) -> Figures:
    fresh, inherited = _own_pages(r)
    w = r.world
    newest = walk_of(w, (CHILDREN[-1], WRITTEN)).probes_a_page
    oldest = walk_of(w, (CHILDREN[0], WRITTEN)).probes_a_page
    return {
        "mms": len(w.mms), "probes_fresh": fresh.probes_a_page, "probes_inherited": inherited.probes_a_page,
        "probes_oldest": oldest, "probes_newest": newest,
    }  # fmt: skip


def _share(f: Figures, figure: str) -> bool:
    # a share of the family, not a number of its own
    return f[figure] >= f["mms"] / 4


def _c18_rule(t: Table) -> Verdict:
    everywhere = where(t, lambda f: _share(f, "probes_fresh") and _share(f, "probes_inherited"))
    inherited = [name for name in where(t, lambda f: _share(f, "probes_inherited")) if name not in everywhere]
    never = where(t, lambda f: f["probes_fresh"] == f["probes_inherited"] == 1)
    words = (
        f"probes a page among {number(t['anonmm']['mms'])} mms, in new vmas: {each(t, 'probes_fresh')}; in "
        f"inherited ones: {each(t, 'probes_inherited')}"
    )
    if "anonmm" in everywhere and "anon_vma" in never:
        return Verdict(HOLDS, f"anonmm searches the family, anon_vma does not: {words}.")
    if not everywhere:
        return Verdict(REFUTED, f"No design searches the family for every such page: {words}.")
    return Verdict(
        ONLY_WHEN,
        f"the page names the family and no mm: so it is under {listed(everywhere)}, in inherited vmas also under "
        f"{listed(inherited)}; {listed(never)} look at "
        f"one pte. {sentence(words)}",
    )


C18 = Claim(
    id="C18", title="a page of one process alone may cost a search of all of them",
    statement="With one object for a whole family, finding a page that one process alone maps means looking into "
    "every address space.",
    place=Place((), "a global object makes you scan all address spaces for a direct page",
                "20040312174429.GE30940@dualathlon.random and 20040313173348.GI30940@dualathlon.random"),
    columns=columns("anonmm:group=none", "anonmm", "shared_space", "anon_vma", "anon_vma_chain", "pte_chain"),
    figures=(
        Figure("mms", "mms", "address spaces of the family"),
        Figure("probes_fresh", "ptes a page", "probed for a child's page in a vma it made itself, in the mean"),
        Figure("probes_inherited", "ptes a page", "probed for a child's own page in the heap it inherited, in the "
        "mean"),
        Figure("probes_oldest", "ptes a page", "the same for the first child"),
        Figure("probes_newest", "ptes a page", "the same for the last child"),
    ),
    make=_c18_scene, measure=_c18, rule=_c18_rule,
    rule_text="A design searches the family where both kinds of pages take probes of at least a quarter of its mms. "
    "Holds where anonmm as merged does and "
    "anon_vma never needs more than one; holds only when ..., where another does; refuted where none does.",
    remark="The claim is about the simplest form, where a page names its group; Hugh Dickins' page names the mm "
    "that mapped it first.",
)  # fmt: skip


# -- C7 -----------------------------------------------------------------------------------------------

AREAS = tuple(span(HEAP + number * 0x100, 16) for number in range(6))


def _c7_scene() -> Session:
    s = Scene("C7: direct pages", I386)
    for area in AREAS:
        s.map(PARENT, area)
    s.note("Six areas, nothing touched yet.")
    s.write(PARENT, *AREAS)
    s.note("All pages written, each is mapped once.")
    s.fork(PARENT, CHILD, comm="worker")
    s.note("After a fork.")
    return s.session()


def _c7(r: Replay) -> Figures:
    r.until(0)
    before = kept(r.world)
    faults = r.until(1)
    walk = walk_of(r.world, *((PARENT, area) for area in AREAS))
    bytes_then = kept(r.world) - before
    fork = r.until(2)
    return {
        "fault_objects": faults["objs_alloc"], "fault_allocs": faults["sleeping_allocs"] + faults["atomic_allocs"],
        "bytes": bytes_then,
        "probes": walk.probes_a_page, "nodes": walk.nodes_a_page, "fork_objects": fork["objs_alloc"],
        "bytes_forked": kept(r.world) - before,
    }  # fmt: skip


def _c7_rule(t: Table) -> Verdict:
    direct, other = t[RFC2], t["anonmm"]
    names = [RFC2, "anonmm", "anon_vma"]
    words = (
        f"allocations in faults: {each(t, 'fault_allocs', names)}; ptes probed for a page mapped once: "
        f"{each(t, 'probes', names)}; nodes visited: "
        f"{each(t, 'nodes', names)}; bytes kept for it: {each(t, 'bytes', names)}"
    )
    ways = ("fault_allocs", "probes", "nodes", "bytes")
    better = [way for way in ways if direct[way] < other[way]]
    worse = [way for way in ways if direct[way] > other[way]]
    if worse and not better:
        return Verdict(REFUTED, f"Direct pages cost more than anonmm: {words}.")
    if "probes" in better and not worse:
        return Verdict(HOLDS, f"Direct pages save probes over anonmm: {words}.")
    than = f"anonmm is beaten in {listed(better)} only" if better else "anonmm is not beaten in any of them"
    return Verdict(HALF_TRUE, f"Direct pages cost next to nothing, but {than}: {words}.")


C7 = Claim(
    id="C7", title="direct pages are extremely efficient",
    statement="A page that names its vma, with an anon_vma made at fork at the earliest, costs far less than anonmm.",
    place=Place((12,), "deferring the anon_vma and direct pages are extremely efficient next to anonmm"),
    columns=columns(RFC2, "anonmm", "anon_vma", "pte_chain"),
    figures=(
        Figure("fault_objects", "objects", "allocated by the first write faults"),
        Figure("fault_allocs", "times", "allocations they asked for"),
        Figure("bytes", "bytes", "kept for the pages written"),
        Figure("probes", "ptes a page", "probed to unmap a page mapped once"),
        Figure("nodes", "nodes a page", "visited on the way"),
        Figure("fork_objects", "objects", "allocated by the first fork"),
        Figure("bytes_forked", "bytes", "kept after it"),
    ),
    make=_c7_scene, measure=_c7, rule=_c7_rule,
    rule_text="Compared are allocations in faults, probes, nodes and bytes. Holds where direct pages need fewer "
    "probes than anonmm and no more of the rest; "
    "refuted where they need more of something and less of nothing; half true between.",
)  # fmt: skip


# -- C12 ----------------------------------------------------------------------------------------------

NEIGHBOURS = 12
AREA_PAGES = 8


def _places() -> list[Span]:
    return [span(HEAP + number * 0x20, AREA_PAGES) for number in range(NEIGHBOURS)]


def _c12_scene() -> Session:
    s = Scene("C12: a tree and mremap", I386)
    for area in _places():
        s.area(PARENT, area)
    s.fork(PARENT, *range(2, 10), comm="worker")
    s.note("Nine processes share twelve areas.")
    for child in range(2, 6):
        s.move(child, _places()[child], ARENA + child * 0x100)
    s.note("Four of them moved one each.")
    s.reclaim()
    return s.session()


class _Addresses:
    """What an index reads of vmas, with the addresses in the place of vm_pgoff and all vmas in one file."""

    def __init__(self, vma: VmaTable) -> None:
        self.file = np.zeros(vma.capacity, np.int64)
        self.start, self.end, self.flags = vma.start, vma.end, vma.flags
        self.pgoff = vma.start


def _by_address(w: World, pages: Ints) -> tuple[int, int]:
    # nodes that a prio_tree of all vmas by address looks at, and the ptes of the pages at what it reports
    vmas = w.vma.live()
    tree = PrioTreeIndex(cast(VmaTable, _Addresses(w.vma)))
    for row in vmas.tolist():
        tree.insert(row)
    nodes = found = 0
    for page, stab in zip(pages.tolist(), tree.stab(0, w.page.index[pages]), strict=True):
        vpn = np.full(len(stab.vmas), w.page.index[page])
        slots = w.pt.locate(w.vma.mm[stab.vmas], vpn)
        nodes += stab.total
        found += int((w.pt.flat[slots[slots >= 0]] >> 12 == page).sum())
    return nodes, found


def _c12(r: Replay) -> Figures:
    r.until(1)
    w = r.world
    pages = pages_of(w, *((PARENT, area) for area in _places()))
    walk = cost(w, pages)
    figures = {"nodes": walk.nodes_a_page, "missed": float(walk.missed)}
    if not w.design.ANON_PGOFF:
        nodes, found = _by_address(w, pages)
        figures |= {
            "nodes_vmas": float(len(w.vma)), "nodes_tree": nodes / len(pages),
            "missed_tree": float(int(w.page.mapcount[pages].sum()) - found),
        }  # fmt: skip
    return figures | {"unswappable": float(r.until()["pages_unswappable"])}


def _c12_rule(t: Table) -> Verdict:
    names = where(t, lambda f: "nodes_tree" in f)
    faster = all(t[name]["nodes_tree"] < t[name]["nodes_vmas"] for name in names)
    same = all(t[name]["missed_tree"] == t[name]["missed"] > 0 for name in names)
    words = (
        f"a search of all vmas visits {each(t, 'nodes_vmas', names)}, a tree ordered by address "
        f"{each(t, 'nodes_tree', names)} nodes a page; "
        f"missed without the tree: {each(t, 'missed', names)} ptes, with it: {each(t, 'missed_tree', names)}"
    )
    if faster and same:
        offset = where(t, lambda f: f["missed"] == 0)
        return Verdict(
            HOLDS,
            f"{sentence(words)} Where vmas say their offset nothing is missed, with a list or a tree: "
            f"{listed(offset)}.",
        )
    if all(t[name]["missed_tree"] < t[name]["missed"] for name in names):
        return Verdict(REFUTED, f"The tree finds what was missed: {words}.")
    return Verdict(HALF_TRUE, sentence(words))


C12 = Claim(
    id="C12", title="a tree makes the search fast, it does not solve mremap",
    statement="Rajesh Venkatasubramanian's tree finds vmas faster; it cannot find a page whose address no longer "
    "holds.",
    place=Place((15,), "that code can only boost the search in an anonmm, it has nothing to do with mremap"),
    columns=columns("anonmm:variant=4c", "anonmm:variant=4a", "shared_space", "shared_space:index=list", "anon_vma"),
    figures=(
        Figure("nodes", "nodes a page", "visited by the design's own walk"),
        Figure("missed", "ptes", "missed by it after four processes moved an area"),
        Figure("nodes_vmas", "nodes a page", "visited where every vma of the family is looked at"),
        Figure("nodes_tree", "nodes a page", "visited in a prio_tree of these vmas by address"),
        Figure("missed_tree", "ptes", "missed with the tree"),
        Figure("unswappable", "pages", "that reclaim could not unmap"),
    ),
    make=_c12_scene, measure=_c12, rule=_c12_rule,
    rule_text="Holds where the tree visits fewer nodes than a search of all vmas and misses as many ptes as the "
    "walk without it, more than none; refuted where "
    "it misses fewer.",
    remark="anonmm as posted asks one address in each mm and needs no search of vmas at all: its own walk visits mms.",
)  # fmt: skip

CLAIMS = (C6, C7, C12, C18)
