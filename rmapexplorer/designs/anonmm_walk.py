"""Walks over a group of mms: each mm that is alive and maps something is looked into, beginning at the page's own.

What differs from variant to variant is at which addresses: the same ones in every mm (``address_walk``), or what each
mm says of itself (``turn_walk``). Kernel: page_referenced_anon, try_to_unmap_anon of the anobjrmap patches.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from attrs import frozen

from rmapexplorer.core.long_walks import bound
from rmapexplorer.core.pages import is_page
from rmapexplorer.core.radix import ENTRY_SHIFT
from rmapexplorer.core.table import NONE, Bools, Ints
from rmapexplorer.core.units import TASK_SIZE_PAGES
from rmapexplorer.core.walk import Priced, Walk, ranges, turns_of
from rmapexplorer.core.world import World

FEW, LISTED = 64, 1 << 18
"""More pages than FEW whose walks go through more ptes than LISTED: only those that are hit are listed."""


@frozen(kw_only=True, eq=False)
class Members:
    """The anonmms of one group: ``mm`` of those that can be walked, the nodes ``reach``ed with each; ``total`` of all."""

    mm: Ints
    reach: Ints
    total: int


@frozen(kw_only=True, eq=False)
class Starts:
    """Where the walk of each page begins: at its own anonmm, with so many ``nodes`` before it, ``walkable`` ones among them."""

    nodes: Ints
    walkable: Ints


@frozen(kw_only=True, eq=False)
class Grouping:
    """Pages of the same head and index (and third key, where there is one) form a group; groups are in that order."""

    group: Ints
    """Group of each page."""
    sample: Ints
    """Position of a page of each group."""
    head: Ints
    index: Ints


def grouping(heads: Ints, index: Ints, third: Ints | None = None) -> Grouping:
    """Group pages by the anonmm that heads them, then by index, then by ``third``."""
    keys = (index, heads) if third is None else (third, index, heads)
    order = np.lexsort(keys)
    fresh = np.zeros(len(order), np.bool_)
    fresh[:1] = True
    for key in keys:
        fresh[1:] |= np.diff(key[order]) != 0
    group = np.empty(len(order), np.int64)
    group[order] = np.cumsum(fresh) - 1
    sample = order[fresh]
    return Grouping(group=group, sample=sample, head=heads[sample], index=index[sample])


@frozen(kw_only=True, eq=False)
class Addresses:
    """Addresses of group g are vpn[first[g]:first[g + 1]]; ``cost``: nodes of one mm's turn up to each, the anonmm aside.

    ``whole``: nodes of a turn that finds nothing, for each group.
    """

    first: Ints
    vpn: Ints
    cost: Ints
    whole: Ints


def _heads(g: Grouping) -> list[tuple[int, int, int]]:
    # (head, first group, last group + 1)
    heads, first = np.unique(g.head, return_index=True)
    return list(zip(heads.tolist(), first.tolist(), [*first[1:].tolist(), len(g.head)], strict=True))


def address_walk(pages: Ints, g: Grouping, own: Starts, members: dict[int, Members], addresses: Addresses) -> Walk:
    """Every mm of the group is probed at the same addresses."""
    count, whole = np.diff(addresses.first), addresses.whole
    turns, total = np.zeros(len(count), np.int64), np.zeros(len(count), np.int64)
    mm, vpn, nodes = [], [], []
    bound(sum(len(members[head].mm) * int(count[low:high].sum()) for head, low, high in _heads(g)), len(count))
    for head, low, high in _heads(g):
        m = members[head]
        of = np.repeat(np.arange(low, high), len(m.mm))
        who = np.tile(np.arange(len(m.mm)), high - low)
        turn = np.repeat(np.arange(len(of)), count[of])
        at = ranges(addresses.first[of], addresses.first[of + 1])
        mm.append(m.mm[who[turn]])
        vpn.append(addresses.vpn[at])
        nodes.append((m.reach[who] + who * whole[of])[turn] + addresses.cost[at])
        turns[low:high] = len(m.mm)
        total[low:high] = m.total + len(m.mm) * whole[low:high]
    flat = _joined(mm)
    return Walk(
        pages=pages, group=g.group, start=own.walkable % np.maximum(turns, 1)[g.group] * count[g.group],
        first=np.r_[0, np.cumsum(turns * count)], mm=flat, vma=np.full(len(flat), -1, np.int64), vpn=_joined(vpn),
        nodes=_joined(nodes), rejects=np.zeros(len(flat), np.int64), total_nodes=total,
        total_rejects=np.zeros(len(total), np.int64), before=own.nodes + own.walkable * whole[g.group],
        find_vma_per_hit=True,
    )  # fmt: skip


@frozen(kw_only=True, eq=False)
class Met:
    """Ptes that map pages of groups: their ``group``, the member in whose turn each is probed (``who``) and at which ``rank``."""

    group: Ints
    who: Ints
    rank: Ints
    mm: Ints
    vpn: Ints


def met_walk(
    pages: Ints, g: Grouping, own: Starts, members: dict[int, Members], met: Met, count: Ints, whole: Ints
) -> Walk:
    """``address_walk`` of ``count`` addresses a group, but only what is hit is listed: for walks too long to write down.

    Behind the first address, which costs nothing, the nodes of a turn are those of the ``whole`` turn.
    """
    turns, total = np.zeros(len(count), np.int64), np.zeros(len(count), np.int64)
    reach = np.empty(len(met.group), np.int64)
    group_heads = g.head[met.group]
    for head, low, high in _heads(g):
        m = members[head]
        turns[low:high] = len(m.mm)
        total[low:high] = m.total + len(m.mm) * whole[low:high]
        reach[group_heads == head] = m.reach[met.who[group_heads == head]]
    place = met.who * count[met.group] + met.rank
    nodes = reach + (met.who + (met.rank > 0)) * whole[met.group]
    order = np.lexsort((place, met.group))
    none = np.full(len(order), -1, np.int64)
    return Walk(
        pages=pages, group=g.group, start=own.walkable % np.maximum(turns, 1)[g.group] * count[g.group],
        first=np.searchsorted(met.group[order], np.arange(len(count) + 1)), mm=met.mm[order], vma=none,
        vpn=met.vpn[order], nodes=nodes[order], rejects=0 * none, total_nodes=total, total_rejects=0 * total,
        before=own.nodes + own.walkable * whole[g.group], find_vma_per_hit=True, place=place[order],
        lengths=turns * count,
    )  # fmt: skip


def is_long(pages: Ints, g: Grouping, members: dict[int, Members]) -> bool:
    """Whether it is cheaper to read the page tables of all mms than to list every mm of every group."""
    return len(pages) > FEW and sum(len(members[head].mm) * (high - low) for head, low, high in _heads(g)) > LISTED


def index_walk(w: World, pages: Ints, g: Grouping, own: Starts, members: dict[int, Members]) -> Walk:
    """``address_walk`` at the index alone, of which only what is hit is listed."""
    ones = np.ones(len(g.head), np.int64)
    return met_walk(pages, g, own, members, _met_at_index(w, pages, g, members), ones, 0 * ones)


def _met_at_index(w: World, pages: Ints, g: Grouping, members: dict[int, Members]) -> Met:
    local = np.full(w.page.capacity, -1, np.int64)
    local[pages] = g.group
    groups, members_met, mms, vpns = [NONE], [NONE], [NONE], [NONE]
    for head, m in members.items():
        for who, mm in enumerate(m.mm.tolist()):
            found, slots = w.pt.span(w.mms[mm].tables, 0, TASK_SIZE_PAGES)
            entries = w.pt.flat[slots]
            group = np.where(is_page(entries), local[np.where(is_page(entries), entries >> ENTRY_SHIFT, 0)], -1)
            keep = (group >= 0) & (g.head[group] == head) & (g.index[group] == found)
            groups.append(group[keep])
            members_met.append(np.full(len(groups[-1]), who))
            mms.append(np.full(len(groups[-1]), mm))
            vpns.append(found[keep])
    met, rank = np.concatenate(groups), np.zeros(sum(map(len, groups)), np.int64)
    return Met(group=met, who=np.concatenate(members_met), rank=rank, mm=np.concatenate(mms), vpn=np.concatenate(vpns))


@frozen(kw_only=True, eq=False)
class Turn:
    """What one mm answers to ascending indexes: candidates with the position of their index (``key``).

    ``within``: nodes of this turn up to the candidate, of the ``whole`` that the turn costs every walk; ``extra``: nodes
    that only walks with this candidate pay. Candidates of one key are in visiting order.
    """

    key: Ints
    vpn: Ints
    vma: Ints
    within: Ints
    extra: Ints
    whole: int


def turn_walk(
    pages: Ints, g: Grouping, own: Starts, members: dict[int, Members], ask: Callable[[int, Ints], Turn], rejects: bool
) -> Walk:
    """Every mm is asked where it may map each index. ``rejects``: what a turn visits without a candidate is a vma rejected."""
    groups = len(g.head)
    total, refused = np.zeros(groups, np.int64), np.zeros(groups, np.int64)
    start, before = np.zeros(len(pages), np.int64), own.nodes.copy()
    sizes = np.zeros(groups, np.int64)
    by_group = np.argsort(g.group, kind="stable")
    in_order = g.group[by_group]
    columns: list[tuple[Ints, ...]] = []
    bound(sum(len(members[head].mm) * (high - low) for head, low, high in _heads(g)), groups)
    for head, low, high in _heads(g):
        m = members[head]
        turns = [ask(mm, g.index[low:high]) for mm in m.mm.tolist()]
        whole = np.array([turn.whole for turn in turns], np.int64)
        key = _joined([turn.key for turn in turns])
        who = np.repeat(np.arange(len(turns)), np.array([len(turn.key) for turn in turns], np.int64))
        order = np.lexsort((who, key))  # stable: candidates of one turn stay in order
        key, who = key[order], who[order]
        first = np.searchsorted(key, np.arange(high - low + 1))
        paid = np.r_[0, np.cumsum(_joined([turn.extra for turn in turns])[order])]
        visited = (np.cumsum(whole) - whole)[who] + _joined([turn.within for turn in turns])[order]
        rank = np.arange(len(key)) - first[key] + 1
        columns.append((
            m.mm[who], _joined([turn.vpn for turn in turns])[order], _joined([turn.vma for turn in turns])[order],
            m.reach[who] + visited + paid[1:] - paid[first[key]], visited - rank if rejects else np.zeros(len(key), np.int64),
        ))  # fmt: skip
        sizes[low:high] = np.diff(first)
        total[low:high] = m.total + whole.sum() + np.diff(paid[first])
        refused[low:high] = whole.sum() - np.diff(first) if rejects else 0
        mine = by_group[np.searchsorted(in_order, low) : np.searchsorted(in_order, high)]
        wanted = (g.group[mine] - low) * (len(turns) + 1)
        begins = np.searchsorted(key * (len(turns) + 1) + who, wanted + own.walkable[mine])
        begun = first[g.group[mine] - low]
        start[mine] = begins - begun
        before[mine] += np.r_[0, np.cumsum(whole)][own.walkable[mine]] + paid[begins] - paid[begun]
    mm, vpn, vma, nodes, passed = (_joined(list(column)) for column in zip(*columns, strict=True))
    return Walk(
        pages=pages, group=g.group, start=start % np.maximum(sizes, 1)[g.group], first=np.r_[0, np.cumsum(sizes)],
        mm=mm, vma=vma, vpn=vpn, nodes=nodes, rejects=passed, total_nodes=total, total_rejects=refused,
        before=before, find_vma_per_hit=not rejects,
    )  # fmt: skip


def with_direct(pages: Ints, direct: Bools, mms: Ints, vpns: Ints, rest: Walk) -> Walk:
    """``rest`` and pages whose walk ends at its first step, which is a group of one candidate for each of them.

    :param direct: which of ``pages`` those are; ``rest`` walks the others, in their order. ``mms``, ``vpns``: of all.
    """
    one = np.ones(int(direct.sum()), np.int64)
    count, zero = len(rest.first) - 1 if len(rest.pages) else 0, 0 * one
    group, start, before = (np.zeros(len(pages), np.int64) for _ in range(3))
    group[direct] = count + np.arange(len(one))
    group[~direct], start[~direct], before[~direct] = rest.group, rest.start, 0 if rest.before is None else rest.before
    place, lengths = None, None
    if rest.place is not None and rest.lengths is not None:
        place, lengths = np.r_[rest.place, 0 * one], np.r_[rest.lengths, one]
    return Walk(
        pages=pages, group=group, start=start, first=np.r_[rest.first[: count + 1], rest.first[count] + np.cumsum(one)],
        mm=np.r_[rest.mm, mms[direct]], vma=np.r_[rest.vma, -one], vpn=np.r_[rest.vpn, vpns[direct]],
        nodes=np.r_[rest.nodes, one], rejects=np.r_[rest.rejects, zero], total_nodes=np.r_[rest.total_nodes[:count], one],
        total_rejects=np.r_[rest.total_rejects[:count], zero], before=before, find_vma_per_hit=True,
        place=place, lengths=lengths,
    )  # fmt: skip


def first_mms(priced: Priced) -> Ints:
    """The mm in which the walk of each page finds it first; every page must be found."""
    walk = priced.walk
    at = np.flatnonzero(priced.hit)
    page = priced.hit_page[at]
    turn = turns_of(walk, at, page)
    order = np.lexsort((turn, page))
    first = np.searchsorted(page[order], np.arange(len(walk.pages)))
    mms: Ints = walk.mm[at[order][first]]
    return mms


def _joined(parts: list[Ints]) -> Ints:
    return np.concatenate(parts) if parts else NONE
