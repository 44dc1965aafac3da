"""Visits that follow from the kernels' code or were published: chains, lists, trees and groups, at full size."""

from __future__ import annotations

import numpy as np
from attrs import evolve

from rmapexplorer.core.operations import Munmap, Touch
from rmapexplorer.core.radix import YOUNG
from rmapexplorer.core.table import Ints
from rmapexplorer.core.units import Span
from rmapexplorer.core.walk import Priced, price
from rmapexplorer.core.world import World
from rmapexplorer.figures.record import I386, Lab, Published, count_of, family, kept, mapped, page_of, walk
from rmapexplorer.workloads.calls import NONLINEAR
from rmapexplorer.workloads.families import THOUSAND
from rmapexplorer.workloads.shared_files import RMAP_TEST, TEST_MMAP3
from rmapexplorer.workloads.workload import HEAP

CHAIN_CODE = "closed form of page_add_rmap and page_remove_rmap, mm/rmap.c 2.6.5"
GROUP_CODE = "closed form of mm/rmap.c after rmap 10 (2004-05-22)"
LIST_CODE = "closed form of mm/rmap.c 2.6.7"
LIST, TREE = "objrmap", "anon_vma_chain:era=2.6.34"
"""A design that keeps the vmas of a file on a list, and one with the prio_tree."""

INGO = "test-mmap3.c of 20040309193338.GA15865@elte.hu; closed form of list_add_tail beside the parent's vma (dup_mmap, 2.6.6)"
AIM7 = "message of commit 5beb49305251 (2010)"
N = 1_000


# -- F1 to F6: one page, or one for each child --------------------------------------------------------


def _compared(lab: Lab, newest_first: bool) -> float:
    w = lab.family("pte_chain", N - 1, I386)
    order = range(N, 0, -1) if newest_first else range(1, N + 1)
    for pid in order:
        w.apply(Munmap(pid=pid, span=Span(0, 1)))
    return w.counters["slots_compared"]


def _private(lab: Lab, design: str) -> float:
    def make() -> World:
        each = (Touch(pid=2 + child, runs=((0, 1, "w"),)) for child in range(N))
        return lab.world(design, I386, [*family(N), *each], "a page for each child")

    w = lab.once(("private", design), make)
    return float(walk(w, (page_of(w, 2 + child) for child in range(N))).probes.sum())


def _left(lab: Lab, design: str, child: int) -> float:
    others = [Touch(pid=pid, runs=((0, 1, "w"),)) for pid in range(1, N + 2) if pid != 1 + child]
    w = lab.world(design, I386, [*family(N), *others], "a page left to one child")
    return float(walk(w, [page_of(w, 1 + child)]).probes[0])


def _shared(lab: Lab, design: str) -> Priced:
    w = lab.once(("shared", design), lambda: lab.family(design, N, I386))
    return walk(w, [page_of(w, 1)])


FAMILIES: tuple[Published, ...] = (
    Published(
        id="F1", what="blocks of a page with 1,000 mappings, 7 slots each", published=143, unit="blocks", source=CHAIN_CODE,
        compute=lambda lab: count_of(lab.family("pte_chain", N - 1, I386), "pte_chain"),
    ),
    Published(
        id="F2-oldest", what="slots compared to remove 1,000 mappings, oldest first", published=251_000, unit="slots",
        source=CHAIN_CODE, compute=lambda lab: _compared(lab, False),
    ),
    Published(
        id="F2-newest", what="slots compared to remove 1,000 mappings, newest first", published=1_000, unit="slots",
        source=CHAIN_CODE, compute=lambda lab: _compared(lab, True),
    ),
    *(
        Published(
            id=f"F3-{design}", what=f"{design}: 5 pages in each of 3 vmas, 20 forks", published=size, unit="bytes",
            source=source, compute=lambda lab, design=design: kept(lab.family(design, 20, I386, 5, 3)),  # type: ignore[misc]
        )
        for design, size, source in (
            ("pte_chain", 15 * 3 * 32, CHAIN_CODE), ("anonmm", 24 * 21, GROUP_CODE),
            ("anon_vma", 12 * 3 + 12 * 3 * 21, LIST_CODE),
        )
    ),
    *(
        Published(
            id=f"F4-{design}", what=f"{design}: ptes looked at for a page of each of 1,000 children", published=probes,
            unit="ptes", source=source, compute=lambda lab, design=design: _private(lab, design),  # type: ignore[misc]
        )
        for design, probes, source in (
            ("pte_chain", 1_000, CHAIN_CODE), ("anonmm", 1_000, GROUP_CODE), ("anon_vma", 500_500, LIST_CODE),
            ("anon_vma_chain", 1_000, AIM7),
        )
    ),
    *(
        Published(
            id=f"F5-{design}", what=f"{design}: ptes looked at for a page that 1,001 processes share", published=1_001,
            unit="ptes", source=source, compute=lambda lab, design=design: float(_shared(lab, design).probes[0]),  # type: ignore[misc]
        )
        for design, source in (("pte_chain", CHAIN_CODE), ("anonmm", GROUP_CODE), ("anon_vma", LIST_CODE))
    ),
    Published(
        id="F5-blocks", what="blocks visited for a page that 1,001 processes share", published=143, unit="blocks",
        source=CHAIN_CODE, compute=lambda lab: float(_shared(lab, "pte_chain").nodes[0]),
    ),
    *(
        Published(
            id=f"F6-{design}-{child}", what=f"{design}: the parent's page, left to child {child} of 1,000", published=probes,
            unit="ptes", source=source, compute=lambda lab, d=design, c=child: _left(lab, d, c),  # type: ignore[misc]
        )
        for design, child, probes, source in (
            ("pte_chain", 500, 1, CHAIN_CODE), ("anonmm", 1, 2, GROUP_CODE), ("anonmm", 500, 501, GROUP_CODE),
            ("anonmm", 1_000, 1_001, GROUP_CODE), ("anon_vma", 1, 1_000, LIST_CODE), ("anon_vma", 500, 501, LIST_CODE),
            ("anon_vma", 1_000, 1, LIST_CODE),
        )
    ),
)  # fmt: skip


# -- F7, F8, T6, W2: files ------------------------------------------------------------------------------


def _mmap3(lab: Lab, design: str) -> Priced:
    def make() -> Priced:
        w = lab.workload(TEST_MMAP3, design)
        return price(w, w.candidates(mapped(w))[0])

    return lab.once(("F7", design), make)  # type: ignore[no-any-return]


def _to_the_end(priced: Priced) -> Ints:
    # nodes of each page's walk that never stops early
    return priced.walk.total_nodes[priced.walk.group]


def _vmas(lab: Lab) -> float:
    w = lab.workload(TEST_MMAP3, LIST)
    return w.imap.size(0)


def _windows(lab: Lab, **sizes: int) -> Ints:
    w = lab.workload(RMAP_TEST, LIST, **{"touched": 1, "iterations": 1} | sizes)  # type: ignore[arg-type]
    return _to_the_end(price(w, w.candidates(mapped(w))[0]))


def _swept(lab: Lab, how: str) -> float:
    # one attempt to unmap one page, none of which was used lately; asking for references is another walk
    w = lab.workload(NONLINEAR, f"objrmap:nonlinear={how}", reclaim=0).copy()
    w.pt.flat[:] &= ~np.int64(YOUNG)
    before = w.counters["pte_probes"]
    w.design.pageout(mapped(w)[-1:])
    return w.counters["pte_probes"] - before


FILES: tuple[Published, ...] = (
    Published(
        id="F7-vmas", what="test-mmap3: vmas on the file, 32 processes", published=576_000, unit="vmas", source=INGO,
        compute=_vmas,
    ),
    Published(
        id="F7", what="test-mmap3: list, nodes visited until the last of a page's 32 ptes, mean", published=288_016, unit="nodes",
        source=INGO, compute=lambda lab: float(_mmap3(lab, LIST).nodes.mean()),
    ),
    Published(
        id="F7-all", what="test-mmap3: list, without early stop", published=576_000, unit="nodes", source=INGO,
        compute=lambda lab: float(_to_the_end(_mmap3(lab, LIST)).mean()),
    ),
    Published(
        id="F7-chain", what="test-mmap3: pte_chain, ptes looked at for a page", published=32, unit="ptes", source=CHAIN_CODE,
        compute=lambda lab: float(_mmap3(lab, "pte_chain").probes.mean()),
    ),
    Published(
        id="F7-tree", what="test-mmap3: prio_tree, nodes of the longest walk (at most)", published=96, unit="nodes",
        source="bound of lib/prio_tree.c 2.6.7: 2 x 32 levels, and the 32 vmas that are found",
        compute=lambda lab: float(_mmap3(lab, TREE).nodes.max()),
        reason="theirs is a bound; a tree for 20,000 pages is less than half as high as one for any file",
    ),
    Published(
        id="T6", what="1,000 processes with 1,000 vmas each on one file: nodes for a page", published=1_000_000, unit="nodes",
        source="7830000.1045798354@[10.10.2.4] (Andrew Morton, 2003)",
        compute=lambda lab: float(_windows(lab, vmas=N, tasks=N, pages=1, inherit=1, iterations=0).max()),
    ),
    *(
        Published(
            id=f"W2-T{number}", what=f"rmap-test {number}: list, nodes for a page", published=nodes, unit="nodes",
            source=f"{options} of 20030405232524.GD1828@holomorphy.com: vmas x tasks",
            compute=lambda lab, sizes=sizes: float(_windows(lab, **sizes).max()),  # type: ignore[misc]
        )
        for number, nodes, options, sizes in (
            (1, 10_000, "-l -i10 -n100 -s600 -t100", {"vmas": 100, "pages": 600, "tasks": 100}),
            (3, 10_000, "-l -i10 -n10000 -s7 -t1", {"vmas": 10_000, "pages": 7, "tasks": 1}),
            (4, 512, "-r -i1 -n1 -s65000 -t512", {"vmas": 1, "pages": 65_000, "tasks": 512}),
        )
    ),
    Published(
        id="F8-sweep", what="a nonlinear vma of 1,009 pages: ptes swept to unmap a page", published=1_009, unit="ptes",
        source="closed form of mm/objrmap.c, SUSE 9.1", compute=lambda lab: _swept(lab, "sweep"),
    ),
    Published(
        id="F8-cluster", what="the same in clusters: ptes of one step", published=32, unit="ptes",
        source="CLUSTER_SIZE, mm/rmap.c after rmap 8 (2004-05-22)", compute=lambda lab: _swept(lab, "cluster"),
    ),
)  # fmt: skip


# -- A1: a thousand children with a thousand pages ------------------------------------------------------


def _aim7(lab: Lab, design: str) -> tuple[World, Priced]:
    def make() -> tuple[World, Priced]:
        w = lab.workload(THOUSAND, design)
        mine = {page_of(w, 1, HEAP + at) for at in range(N)}
        pages = np.array([page for page in mapped(w).tolist() if page not in mine], np.int64)
        return w, price(w, evolve(w.candidates(pages)[0], early_stop=False))

    return lab.once(("A1", design), make)  # type: ignore[no-any-return]


def _on_one_list(lab: Lab) -> float:
    w, priced = _aim7(lab, "anon_vma")
    return float(np.bincount(w.page.mapping[priced.walk.pages]).max())


PAGES: tuple[Published, ...] = (
    Published(
        id="A1-pages", what="AIM7: pages of 1,000 children on one anon_vma", published=1_000_000, unit="pages", source=AIM7,
        compute=_on_one_list,
    ),
    Published(
        id="A1-visits", what="AIM7: visits to find each of them once, 2.6.33", published=1_001_000_000, unit="visits",
        source=f"{AIM7}: a page's walk visits all 1,001 vmas", compute=lambda lab: float(_aim7(lab, "anon_vma")[1].nodes.sum()),
    ),
    Published(
        id="A1-now", what="AIM7: visits to find each of them once, 2.6.34 on", published=1_000_000, unit="visits", source=AIM7,
        compute=lambda lab: float(_aim7(lab, "anon_vma_chain")[1].probes.sum()),
    ),
)  # fmt: skip
