"""Walks of many pages, priced within bounded memory: what is too long to list is walked in parts.

A walk lists every candidate of every group. Where a fork server's thousands of mms meet a hundred thousand pages that is
more than memory holds, although what the walks find, at most a pte each, is not. So the listing is bounded, the pages are
taken in parts, and of each part only what its walks hit is kept. Prices are those of the whole list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from attrs import evolve

from rmapexplorer.core.table import Bools, Ints
from rmapexplorer.core.walk import Priced, Walk, group_sizes, price

if TYPE_CHECKING:
    from rmapexplorer.core.world import World

LISTED = 1 << 20
"""Candidates listed at once, at most, but for the walk of one page: about 100 bytes each while they are priced."""

Propose = Callable[[Ints], Walk]


class TooLong(Exception):
    """The walks of these pages together have more candidates than are listed at once: ask for fewer pages."""


def bound(candidates: int, groups: int) -> None:
    """Called before so many candidates of so many groups are listed. :raises TooLong:"""
    if candidates > LISTED and groups > 1:
        raise TooLong


def priced_walks(w: World, pages: Ints, change: Callable[[Walk], Walk] = lambda walk: walk) -> Iterator[Priced]:
    """``price`` of the walks of anonymous pages, then of those of files; both are proposed before the first is returned.

    :param change: what the purpose of the walk makes of it.
    """
    proposed: list[tuple[Ints, Propose, Walk | None]] = []
    for mine, propose in w.proposals(pages):
        try:
            proposed.append((mine, propose, change(propose(mine))))
        except TooLong:
            proposed.append((mine, propose, None))
    for mine, propose, walk in proposed:
        yield price(w, walk) if walk is not None else _in_parts(w, mine, _changed(propose, change))


def _changed(propose: Propose, change: Callable[[Walk], Walk]) -> Propose:
    return lambda pages: change(propose(pages))


def price_all(w: World, pages: Ints, propose: Propose) -> Priced:
    """``price`` of what is proposed for these pages."""
    try:
        return price(w, propose(pages))
    except TooLong:
        return _in_parts(w, pages, propose)


def _in_parts(w: World, pages: Ints, propose: Propose) -> Priced:
    order = np.lexsort((w.page.index[pages], w.page.mapping[pages]))
    parts = [_hits_only(part) for part in _parts(w, pages[order], propose)]
    return _together(parts, pages, order)


def _parts(w: World, pages: Ints, propose: Propose) -> Iterator[Priced]:
    # pages of one owner and index are neighbours and stay in one part, where there is another cut
    try:
        walk = propose(pages)
    except TooLong:
        cut = _cut(w, pages)
        yield from _parts(w, pages[:cut], propose)
        yield from _parts(w, pages[cut:], propose)
    else:
        yield price(w, walk)


def _cut(w: World, pages: Ints) -> int:
    middle = len(pages) // 2
    fresh = np.flatnonzero((np.diff(w.page.mapping[pages]) != 0) | (np.diff(w.page.index[pages]) != 0)) + 1
    return int(fresh[np.argmin(np.abs(fresh - middle))]) if len(fresh) else middle


def _hits_only(priced: Priced) -> Priced:
    # the same prices, but only what was hit is listed
    walk, at = priced.walk, np.flatnonzero(priced.hit)
    group = walk.group[priced.hit_page[at]]
    place = at - walk.first[group] if walk.place is None else walk.place[at]
    listed = evolve(
        walk, first=np.searchsorted(group, np.arange(len(walk.first))), mm=walk.mm[at], vma=walk.vma[at],
        vpn=walk.vpn[at], nodes=walk.nodes[at], rejects=walk.rejects[at], place=place, lengths=group_sizes(walk),
    )  # fmt: skip
    return evolve(priced, walk=listed, hit=priced.hit[at], hit_page=priced.hit_page[at], slots=priced.slots[at])


def _together(parts: list[Priced], pages: Ints, order: Ints) -> Priced:
    # the parts hold pages[order] one after another
    walks = [part.walk for part in parts]
    groups = np.cumsum([0, *(len(walk.first) - 1 for walk in walks)])
    hits = np.cumsum([0, *(len(walk.mm) for walk in walks)])
    begins = np.cumsum([0, *(len(walk.pages) for walk in walks)])

    def listed(name: str) -> Ints:
        column: Ints = np.concatenate([getattr(walk, name) for walk in walks])
        return column

    def by_page(columns: list[Ints]) -> Ints:
        joined = np.concatenate(columns)
        out = np.empty_like(joined)
        out[order] = joined
        return out

    def each(value: bool | Bools, walk: Walk) -> Ints:
        return np.broadcast_to(np.int64(value), walk.pages.shape)

    before = [walk.before for walk in walks if walk.before is not None]
    walk = Walk(
        pages=pages, group=by_page([walk.group + base for walk, base in zip(walks, groups, strict=False)]),
        start=by_page([walk.start for walk in walks]),
        first=np.concatenate([walk.first[:-1] + base for walk, base in zip(walks, hits, strict=False)] + [hits[-1:]]),
        mm=listed("mm"), vma=listed("vma"), vpn=listed("vpn"), nodes=listed("nodes"), rejects=listed("rejects"),
        total_nodes=listed("total_nodes"), total_rejects=listed("total_rejects"),
        before=by_page(before) if len(before) == len(walks) else None, early_stop=walks[0].early_stop,
        find_vma_per_hit=by_page([each(walk.find_vma_per_hit, walk) for walk in walks]) != 0,
        place=listed("place"), lengths=listed("lengths"), partial=walks[0].partial,
    )  # fmt: skip
    return Priced(
        walk=walk, nodes=by_page([part.nodes for part in parts]), rejects=by_page([part.rejects for part in parts]),
        probes=by_page([part.probes for part in parts]), hits=by_page([part.hits for part in parts]),
        missed=by_page([part.missed for part in parts]), hit=np.ones(int(hits[-1]), np.bool_),
        hit_page=order[np.concatenate([part.hit_page + base for part, base in zip(parts, begins, strict=False)])],
        slots=np.concatenate([part.slots for part in parts]),
    )  # fmt: skip
