"""What designs share: walks over lists and trees in bulk, and the box of a vma."""

from __future__ import annotations

import numpy as np
from attrs import frozen

from rmapexplorer.core import radix
from rmapexplorer.core.design import StructNode
from rmapexplorer.core.index.files import FileIndex, Stab, nodes_of_tree
from rmapexplorer.core.long_walks import bound
from rmapexplorer.core.table import Ints
from rmapexplorer.core.walk import Walk, ranges
from rmapexplorer.core.world import World


@frozen(eq=False)
class _Join:
    """Pages grouped by (owner, index), and the owners' members that cover the index."""

    group: Ints
    """Group of each page."""
    length: Ints
    """Members of each group's owner."""
    first: Ints
    """[groups + 1]: covering members of group g are first[g]:first[g + 1]."""
    key: Ints
    """Group of each covering member."""
    place: Ints
    """Its position on the owner's list, 0 is the first."""
    vma: Ints
    vpn: Ints


def _grouped(w: World, pages: Ints) -> tuple[Ints, Ints]:
    # the group of each page, those of equal owner and index, by rank; and one page's place for each group
    mapping, index = w.page.mapping[pages], w.page.index[pages]
    order = np.lexsort((index, mapping))
    fresh = np.r_[True, (np.diff(mapping[order]) != 0) | (np.diff(index[order]) != 0)]
    group = np.empty(len(pages), np.int64)
    group[order] = np.cumsum(fresh) - 1
    return group, order[fresh]


def _join(w: World, pages: Ints, owners: Ints, first: Ints, vmas: Ints) -> _Join:
    """Who covers what, from sorted positions: costs pages + members + answers, never members times pages.

    Groups ascend by owner and index, so that those a member covers are a run of them, found by bisection.
    """
    mapping, index = w.page.mapping[pages], w.page.index[pages]
    group, keys = _grouped(w, pages)
    at, wanted = np.searchsorted(owners, mapping[keys]), index[keys]
    values = np.sort(wanted)  # ranks of indexes instead of indexes: owner and rank fit one number
    base, low = len(values) + 1, np.repeat(np.arange(len(owners)), np.diff(first)) * (len(values) + 1)
    pgoff = w.vma.pgoff[vmas]
    ranked = at * base + np.searchsorted(values, wanted)
    high = np.searchsorted(ranked, low + np.searchsorted(values, pgoff + w.vma.end[vmas] - w.vma.start[vmas]))
    low = np.searchsorted(ranked, low + np.searchsorted(values, pgoff))
    bound(int((high - low).sum()), len(keys))
    key = ranges(low, high)
    order = np.argsort(key, kind="stable")  # members ascend by their place: so they do within a group
    key, at_member = key[order], np.repeat(np.arange(len(vmas)), high - low)[order]
    member = vmas[at_member]
    return _Join(
        group=group, length=first[at + 1] - first[at], first=np.searchsorted(key, np.arange(len(keys) + 1)), key=key,
        place=at_member - first[at[key]], vma=member, vpn=w.vma.start[member] + wanted[key] - w.vma.pgoff[member],
    )  # fmt: skip


def grouped_list_walk(w: World, pages: Ints, owners: Ints, first: Ints, vmas: Ints) -> Walk:
    """Walks over lists: every member is a node visited; those that do not cover the page's index are rejected cheaply.

    ``vmas[first[i]:first[i + 1]]`` is the list of ``owners[i]`` in order; owners ascend.
    """
    j = _join(w, pages, owners, first, vmas)
    sizes = np.diff(j.first)
    rank = np.arange(len(j.vma)) - j.first[j.key] + 1
    return Walk(
        pages=pages, group=j.group, start=np.zeros(len(pages), np.int64), first=j.first, mm=w.vma.mm[j.vma],
        vma=j.vma, vpn=j.vpn, nodes=j.place + 1, rejects=j.place + 1 - rank, total_nodes=j.length,
        total_rejects=j.length - sizes,
    )  # fmt: skip


def grouped_tree_walk(w: World, pages: Ints, owners: Ints, first: Ints, vmas: Ints) -> Walk:
    """Walks over interval trees, whose members come in tree order: the descent by formula, then one node a report."""
    j = _join(w, pages, owners, first, vmas)
    kinds, which = np.unique(j.length, return_inverse=True)
    descent = np.array([nodes_of_tree(size, 0) for size in kinds.tolist()], np.int64)[which.reshape(-1)]
    rank = np.arange(len(j.vma)) - j.first[j.key] + 1
    none = np.zeros(len(j.vma), np.int64)
    return Walk(
        pages=pages, group=j.group, start=np.zeros(len(pages), np.int64), first=j.first, mm=w.vma.mm[j.vma],
        vma=j.vma, vpn=j.vpn, nodes=descent[j.key] + rank, rejects=none, total_nodes=descent + np.diff(j.first),
        total_rejects=np.zeros(len(j.length), np.int64),
    )  # fmt: skip


def indexed_walk(w: World, pages: Ints, index: FileIndex) -> Walk:
    """Walks through an index that holds the vmas of every owner: what a stabbing query finds, at its price."""
    group, keys = _grouped(w, pages)
    owners, at = w.page.mapping[pages[keys]], w.page.index[pages[keys]]
    found: list[Stab] = []
    for owner in np.unique(owners).tolist():
        low, high = np.searchsorted(owners, [owner, owner + 1])
        found += index.stab(owner, at[low:high])
        bound(sum(len(stab.vmas) for stab in found), len(keys))
    counts = [len(stab.vmas) for stab in found]
    vma = np.concatenate([stab.vmas for stab in found])
    return Walk(
        pages=pages, group=group, start=np.zeros(len(pages), np.int64), first=np.cumsum([0, *counts]),
        mm=w.vma.mm[vma], vma=vma, vpn=w.vma.start[vma] + np.repeat(at, counts) - w.vma.pgoff[vma],
        nodes=np.concatenate([stab.nodes for stab in found]),
        rejects=np.concatenate([stab.rejects for stab in found]),
        total_nodes=np.array([stab.total for stab in found], np.int64),
        total_rejects=np.array([stab.total_rejects for stab in found], np.int64),
    )  # fmt: skip


def joined(one: Walk, other: Walk) -> Walk:
    """Two walks of different pages as one; both begin with their groups' first candidate."""
    if not len(one.pages) or not len(other.pages):
        return one if len(one.pages) else other

    def both(name: str) -> Ints:
        column: Ints = np.concatenate([getattr(one, name), getattr(other, name)])
        return column

    return Walk(
        pages=both("pages"), group=np.concatenate([one.group, other.group + len(one.first) - 1]), start=both("start"),
        first=np.concatenate([one.first, other.first[1:] + one.first[-1]]), mm=both("mm"), vma=both("vma"),
        vpn=both("vpn"), nodes=both("nodes"), rejects=both("rejects"), total_nodes=both("total_nodes"),
        total_rejects=both("total_rejects"),
    )  # fmt: skip


def vma_node(w: World, row: int, family: int) -> StructNode:
    """The box of a vma."""
    v = w.vma
    return StructNode(key=f"v{row}", rank=2, title=f"{int(v.start[row]):x}-{int(v.end[row]):x}",
                      subtitle=f"pgoff {int(v.pgoff[row]):x}", family=family, vma=row, mm=int(v.mm[row]))  # fmt: skip


def foremost(w: World, page: int, vmas: Ints, limit: int) -> list[int]:
    """``limit`` of the vmas that a walk of ``page`` (-1: none) may visit, in their order; those that map it are among them."""
    if page < 0 or len(vmas) <= limit:
        return [int(row) for row in vmas[:limit]]
    v = w.vma
    vpns = v.start[vmas] + w.page.index[page] - v.pgoff[vmas]
    there = (vpns >= v.start[vmas]) & (vpns < v.end[vmas])
    slots = np.where(there, w.pt.locate(v.mm[vmas], np.where(there, vpns, v.start[vmas])), -1)
    entries = np.where(slots >= 0, w.pt.flat[slots], 0)
    mapped = ((entries & (radix.PRESENT | radix.PROTNONE)) != 0) & ((entries & radix.ZERO) == 0)
    hit = mapped & (entries >> radix.ENTRY_SHIFT == page)
    chosen = np.argsort(~hit, kind="stable")[:limit]
    return [int(row) for row in vmas[np.sort(chosen)]]


def counted(number: int, noun: str, several: str = "") -> str:
    """``1 vma``, ``2,000 vmas``; :param several: the plural where it is not made with an s."""
    return f"{number:,} {noun if number == 1 else several or noun + 's'}"


REACHED_NAMED = 6
"""Processes named in a line of the inspector; of more only the number is given."""


def reach_field(w: World, vmas: Ints) -> tuple[str, str, str]:
    """Whom a walk from an object that lists these vmas may visit, as a line of the inspector."""
    mms = np.unique(w.vma.mm[vmas])
    plural = counted(len(vmas), "vma")
    pids = sorted(task.pid for task in w.tasks.values() if task.mm in mms and task.pid == task.leader)
    named = ", ".join(str(pid) for pid in pids[:REACHED_NAMED])
    more = f" and {len(pids) - REACHED_NAMED} more" if len(pids) > REACHED_NAMED else ""
    value = f"{plural} of pid {named}{more}" if pids else "nobody"
    return "reaches", value, "whom a walk of one of its pages may have to visit, hit or miss"
