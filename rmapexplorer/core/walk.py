"""Walks: what a design proposes for pages, in visiting order with its cost, and what the page tables say to it.

A design gives candidates in *groups*: pages with the same owner and index share one list, so a million
pages of one anon_vma cost one list of candidates. The world says hit or miss by looking at the ptes; the
price of each page (with the early stop at its mapcount) follows without visiting anything twice.
Kernel: rmap_walk, page_referenced_one and try_to_unmap_one of mm/rmap.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from attrs import frozen

from rmapexplorer.core import radix
from rmapexplorer.core.table import NONE, Bools, Ints

if TYPE_CHECKING:
    from rmapexplorer.core.world import World


@frozen(kw_only=True, eq=False)
class Walk:
    """Candidates for ``pages`` in compressed rows.

    Group g has the candidates first[g]:first[g + 1]; page p walks group[p], beginning at candidate start[p] of it
    and going round (anonmm begins at the page's own member; 0 elsewhere). ``nodes`` and ``rejects`` are cumulative within
    the group, the candidate included; ``total_nodes`` and ``total_rejects`` count the whole group, what lies behind
    the last candidate included.
    """

    pages: Ints
    group: Ints
    start: Ints
    first: Ints
    mm: Ints
    vma: Ints
    """-1 where the design knows no vma."""
    vpn: Ints
    nodes: Ints
    rejects: Ints
    total_nodes: Ints
    total_rejects: Ints
    before: Ints | None = None
    """Per page, where a walk begins between candidates: nodes of the group that lie before its beginning."""
    early_stop: bool = True
    """The walk ends as soon as mapcount ptes were found."""
    find_vma_per_hit: bool | Bools = False
    """Whether every hit costs a find_vma; one for all pages, or one for each."""
    place: Ints | None = None
    """Where not every candidate is listed, but all that hit: position of each in the whole group; None: all are listed."""
    lengths: Ints | None = None
    """Per group, with ``place``: candidates there would be if all were listed."""
    partial: bool = False
    """What the walk does not find is found by other means (Design.unmap_rest), not lost."""


@frozen(kw_only=True, eq=False)
class Priced:
    """What a walk costs, per page of ``walk.pages``; and where it hits."""

    walk: Walk
    nodes: Ints
    rejects: Ints
    probes: Ints
    hits: Ints
    missed: Ints
    hit: Bools
    """Per candidate."""
    hit_page: Ints
    """Per candidate: position in walk.pages of the page it hits, -1."""
    slots: Ints
    """Per candidate: slot of the pte looked at, -1 where there is no table."""

    @property
    def find_vma(self) -> int:
        """find_vma calls of the walks together."""
        return int((self.hits * self.walk.find_vma_per_hit).sum())


def no_walk(pages: Ints) -> Walk:
    """A walk that proposes nothing for any page."""
    n = len(pages)
    return Walk(
        pages=pages, group=np.zeros(n, np.int64), start=np.zeros(n, np.int64), first=np.zeros(2, np.int64),
        mm=NONE, vma=NONE, vpn=NONE, nodes=NONE, rejects=NONE,
        total_nodes=np.zeros(1, np.int64), total_rejects=np.zeros(1, np.int64),
    )  # fmt: skip


def ranges(first: Ints, last: Ints) -> Ints:
    """Concatenation of arange(first[i], last[i])."""
    lengths = last - first
    total = int(lengths.sum())
    if not total:
        return NONE
    offsets = np.repeat(first - np.r_[0, np.cumsum(lengths)[:-1]], lengths)
    return offsets + np.arange(total)


def price(w: World, walk: Walk) -> Priced:
    """Look at every candidate's pte and count what each page's walk would visit. Changes nothing."""
    mapcount = w.page.mapcount[walk.pages]
    slots = w.pt.locate(walk.mm, walk.vpn)
    entries = np.where(slots >= 0, w.pt.flat[slots], 0)
    mapped = ((entries & (radix.PRESENT | radix.PROTNONE)) != 0) & ((entries & radix.ZERO) == 0)
    found = np.where(mapped, entries >> radix.ENTRY_SHIFT, -1)

    local = np.full(w.page.capacity + 1, -1, np.int64)
    local[walk.pages] = np.arange(len(walk.pages))
    hit_page = local[found]
    group_of = np.repeat(np.arange(len(walk.first) - 1), np.diff(walk.first))
    hit = (hit_page >= 0) & (walk.group[hit_page] == group_of)
    hit_page = np.where(hit, hit_page, -1)

    size = group_sizes(walk)[walk.group]
    at = np.flatnonzero(hit)
    page = hit_page[at]
    turn = turns_of(walk, at, page)
    hits = np.bincount(page, minlength=len(walk.pages))
    last, ends = np.full(len(walk.pages), -1, np.int64), np.zeros(len(walk.pages), np.int64)
    np.maximum.at(last, page, turn)
    ends[page[turn == last[page]]] = at[turn == last[page]]

    stops = (hits >= mapcount) & (hits > 0) & np.bool_(walk.early_stop)
    steps = np.where(stops, last + 1, size)
    wrapped = walk.start + last >= size
    nodes = _travelled(walk, walk.nodes, walk.total_nodes, ends, stops, wrapped, walk.before)
    rejects = _travelled(walk, walk.rejects, walk.total_rejects, ends, stops, wrapped, None)
    return Priced(
        walk=walk, nodes=nodes, rejects=rejects, probes=steps, hits=hits, missed=mapcount - hits,
        hit=hit, hit_page=hit_page, slots=slots,
    )  # fmt: skip


def group_sizes(walk: Walk) -> Ints:
    """Candidates of each group, those that are not listed too."""
    return np.diff(walk.first) if walk.lengths is None else walk.lengths


def turns_of(walk: Walk, at: Ints, page: Ints) -> Ints:
    """How many candidates the walk of each page visits before candidate ``at``; ``page``: position in walk.pages."""
    group = walk.group[page]
    place = at - walk.first[group] if walk.place is None else walk.place[at]
    turns: Ints = (place - walk.start[page]) % np.maximum(group_sizes(walk)[group], 1)
    return turns


def _travelled(
    walk: Walk, cumulative: Ints, total: Ints, ends: Ints, stops: Bools, wrapped: Bools, skipped: Ints | None
) -> Ints:
    # what lies between the start and the last candidate visited, round the end of the group where need be
    whole = total[walk.group]
    if not len(cumulative):
        return whole
    if skipped is not None:
        passed = cumulative[ends] - skipped
        return np.where(stops, np.where(passed > 0, passed, passed + whole), whole)
    if walk.place is not None:
        return np.where(stops, cumulative[ends] + np.where(wrapped, whole, 0), whole)
    base = walk.first[walk.group]
    before = np.where(walk.start > 0, cumulative[np.maximum(base + walk.start - 1, 0)], 0)
    partial = cumulative[ends] - before + np.where(wrapped, whole, 0)
    return np.where(stops, partial, whole)


@frozen(kw_only=True)
class Step:
    """One candidate of the walk of one page, as the inspector shows it."""

    mm: int
    vma: int
    vpn: int
    hit: bool
    nodes: int


def steps_of(w: World, page: int) -> tuple[list[Step], Priced]:
    """The walk of one page in visiting order, ended where the design stops; candidates the walk does not list are left out."""
    priced = price(w, w.candidates(np.array([page], np.int64))[0])
    walk = priced.walk
    group, start = walk.group[0], int(walk.start[0])
    size, base = int(group_sizes(walk)[group]), int(walk.first[group])
    listed = np.arange(base, walk.first[group + 1])
    turns = turns_of(walk, listed, np.zeros(len(listed), np.int64))
    seen: list[Step] = []
    for listed_at in np.argsort(turns).tolist():
        turn, at = int(turns[listed_at]), base + listed_at
        if turn >= priced.probes[0]:
            break
        if walk.before is None:
            nodes = int(walk.nodes[at]) - (int(walk.nodes[base + start - 1]) if start else 0)
            around = start + turn >= size
        else:
            nodes = int(walk.nodes[at]) - int(walk.before[0])
            around = nodes <= 0
        nodes += int(walk.total_nodes[group]) if around else 0
        step = Step(
            mm=int(walk.mm[at]), vma=int(walk.vma[at]), vpn=int(walk.vpn[at]), hit=bool(priced.hit[at]), nodes=nodes
        )
        seen.append(step)
    return seen, priced


@frozen(kw_only=True)
class Probe:
    """What try_to_unmap of every resident anonymous page would cost now, in sum."""

    pages: int
    nodes: int
    ptes: int
    hits: int
    missed: int
