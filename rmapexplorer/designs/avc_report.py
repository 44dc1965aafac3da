"""anon_vma_chain in words and pictures, and its invariants: what the design tells, apart from what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rmapexplorer.core.design import Incidence, Picture, StructNode
from rmapexplorer.core.table import ANON, NONE
from rmapexplorer.core.units import Corruption
from rmapexplorer.designs.common import counted, foremost, reach_field, vma_node

if TYPE_CHECKING:
    from rmapexplorer.designs.anon_vma_chain import AnonVmaChain


def check(d: AnonVmaChain) -> None:
    """Counters against a recount: active, children, refs; the chain's last link is the root's."""
    v = d.w.vma.live()
    own = d.own[v] if len(v) else NONE
    active = np.bincount(own[own >= 0], minlength=d.av.capacity)
    avs = d.av.live()
    if not np.array_equal(active[avs], d.av.active[avs]):
        raise Corruption("num_active_vmas differs from the number of vmas whose anon_vma it is")
    inner = avs[d.av.root[avs] != avs]
    refs = 1 + np.bincount(d.av.root[inner], minlength=d.av.capacity)
    for av in avs.tolist():
        held = refs[av] if d.trees.size(av) or d.av.root[av] != av else refs[av] - 1
        if d.av.refs[av] != held:
            raise Corruption(f"refcount of {d.owner_name(av)} is {d.av.refs[av]}, {held} are held")
    for vma in v[own >= 0].tolist():
        avcs = d.links(vma)
        if len(set(d.av.root[d.avc.anon_vma[avcs]].tolist())) != 1:
            raise Corruption("the anon_vmas of one vma have different roots")


def owner_fields(d: AnonVmaChain, page: int, vma: int) -> tuple[str, list[tuple[str, str, str]]]:
    """Fields of the anon_vma behind the page, or of the vma's own."""
    d._reach()
    av = int(d.w.page.mapping[page]) if page >= 0 and d.w.page.state[page] & ANON else -1
    av = av if av >= 0 else int(d.own[vma]) if vma >= 0 else -1
    if av < 0:
        return "", []
    a, root = d.av, int(d.av.root[av])
    return f"anon_vma {d.owner_name(av)}", [
        ("root", d.owner_name(root), "of the family: the anon_vma that was not made by a fork"),
        _lock(d, av, root),
        ("parent", d.owner_name(int(a.parent[av])), "the anon_vma it was forked from"),
        ("refcount", str(a.refs[av]), "one for itself; a root one more for each descendant"),
        ("num_children", str(a.children[av]), "anon_vmas forked from it; a root counts itself"),
        ("num_active_vmas", str(a.active[av]), "vmas whose own anon_vma it is"),
        ("rb_root", f"{d.trees.size(av)} links", "avcs in its interval tree: whom a walk may visit"),
        reach_field(d.w, d.avc.vma[d.trees.members(av)]),
    ]


def _lock(d: AnonVmaChain, av: int, root: int) -> tuple[str, str, str]:
    kind = d.rules.lock
    if not d.rules.root_lock:
        return kind, "its own", "each anon_vma of a fork family has a lock of its own before 2.6.36"
    avs = d.av.live()
    others = int(np.count_nonzero(d.av.root[avs] == root)) - 1
    shared = f"shared with {others} more" if others else "nobody else's"
    where = "its own" if root == av else f"of {d.owner_name(root)}"
    return (
        kind,
        f"{where}, {shared}",
        "only the root's is taken: faults, forks and walks of the whole family meet there",
    )


def incidence(d: AnonVmaChain) -> Incidence:
    """Every avc as a link between its vma and its anon_vma; a root has no parent."""
    avcs, avs = d.avc.live(), d.av.live()
    parents = d.av.parent[avs]
    return Incidence(
        vmas=d.avc.vma[avcs].astype(np.int64), owners=d.avc.anon_vma[avcs].astype(np.int64), objects=avs,
        parents=np.where(parents == avs, -1, parents),
        link="anon_vma_chain",
    )  # fmt: skip


def picture(d: AnonVmaChain, page: int, vma: int, limit: int) -> Picture:
    """The anon_vmas of the vma's chain (or the page's) and every vma on the page's or the own tree."""
    d._reach()
    w = d.w
    focus = int(w.page.mapping[page]) if page >= 0 and w.page.state[page] & ANON else -1
    chain = [int(d.avc.anon_vma[avc]) for avc in d.links(vma)] if vma >= 0 else []
    avs = list(dict.fromkeys(([focus] if focus >= 0 else []) + chain))
    left_out, avs = max(0, len(avs) - limit), avs[:limit]
    nodes = [StructNode(key=f"A{av}", rank=1, title=f"{d.owner_name(av)}{'  root' if d.av.root[av] == av else ''}",
                        subtitle=_offspring(d, av), family=av)
             for av in avs]  # fmt: skip
    links: list[tuple[str, str]] = [("page", f"A{focus}")] if focus >= 0 else []
    trees = [d.avc.vma[d.tree(av)] for av in avs]
    rows = np.array(list(dict.fromkeys(np.concatenate(trees).tolist())) if trees else [], np.int64)
    shown = foremost(w, page if focus >= 0 else -1, rows, limit)
    nodes += [vma_node(w, row, int(d.own[row])) for row in shown]
    for av, tree in zip(avs, trees, strict=True):
        links += [(f"A{av}", f"v{row}") for row in tree[np.isin(tree, shown)].tolist()]
    total = len(rows)
    return Picture(
        nodes=tuple(nodes), links=tuple(links), total=total, headings=("page", "anon_vma", "avc → vma", "task"),
        left_out=(0, left_out, total - len(shown), 0),
    )  # fmt: skip


def _offspring(d: AnonVmaChain, av: int) -> str:
    # num_children of a root counts the root itself, as in the kernel; what one counts in a picture are the others
    children = int(d.av.children[av]) - int(d.av.root[av] == av)
    return f"{counted(children, 'child', 'children')} · {counted(int(d.av.active[av]), 'vma')}"
