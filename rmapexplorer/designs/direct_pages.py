"""Direct pages (anon_vma RFC2, March 2004): until a fork shares it a page points at its vma, without an anon_vma between.

``page.mapping`` is then -2 - birth of the vma: births are never used twice, so a pointer to a vma that is gone finds
nothing, where the kernel would have followed it into freed memory. Pages of a vma that was split, merged or moved point
at the wrong one until somebody touches them.
"""

from __future__ import annotations

import numpy as np

from rmapexplorer.core.pages import is_page
from rmapexplorer.core.radix import ENTRY_SHIFT, SWAP
from rmapexplorer.core.table import ANON, Bools, Ints
from rmapexplorer.core.units import Corruption
from rmapexplorer.core.walk import Walk
from rmapexplorer.core.world import World


def tokens(w: World, vmas: Ints) -> Ints:
    """What page.mapping is of pages that point at these vmas."""
    out: Ints = -2 - w.vma.birth[vmas]
    return out


def is_direct(mapping: Ints) -> Bools:
    """Mask: these pages point at a vma."""
    mask: Bools = mapping <= -2
    return mask


def rows_of(w: World, mapping: Ints) -> Ints:
    """The vmas that direct pages point at; -1 where they are gone."""
    live = w.vma.live()
    if not len(live):
        return np.full(len(mapping), -1, np.int64)
    live = live[np.argsort(w.vma.birth[live])]
    births = -2 - mapping
    at = np.minimum(np.searchsorted(w.vma.birth[live], births), len(live) - 1)
    return np.where(w.vma.birth[live[at]] == births, live[at], -1)


def _aims(w: World, pages: Ints) -> tuple[Ints, Ints, Bools]:
    # vma and page number each direct page's pointer leads to, and whether that vma is there and covers its index
    rows = rows_of(w, w.page.mapping[pages])
    offset = w.page.index[pages] - w.vma.pgoff[rows]
    covers = (rows >= 0) & (offset >= 0) & (offset < w.vma.end[rows] - w.vma.start[rows])
    return rows, w.vma.start[rows] + offset, covers


def direct_walk(w: World, pages: Ints) -> Walk:
    """One vma to look at for each page; a wrong one is rejected, and the page is lost."""
    rows, vpns, covers = _aims(w, pages)
    found = int(covers.sum())
    return Walk(
        pages=pages, group=np.arange(len(pages)), start=np.zeros(len(pages), np.int64),
        first=np.r_[0, np.cumsum(covers)], mm=w.vma.mm[rows[covers]], vma=rows[covers], vpn=vpns[covers],
        nodes=np.ones(found, np.int64), rejects=np.zeros(found, np.int64),
        total_nodes=np.ones(len(pages), np.int64), total_rejects=(~covers).astype(np.int64),
    )  # fmt: skip


def tie(w: World, pages: Ints, vma: int) -> None:
    """Let the direct ones among ``pages`` point at ``vma``; those that did not are touched and counted."""
    token = -2 - int(w.vma.birth[vma])
    mapping = w.page.mapping[pages]
    wrong = pages[((w.page.state[pages] & ANON) != 0) & is_direct(mapping) & (mapping != token)]
    w.page.mapping[wrong] = token
    w.counters["pages_touched_for_fixup"] += len(wrong)


def tie_span(w: World, vma: int, start: int, end: int) -> None:
    """``tie`` what the vma's mm maps at [start, end)."""
    if end > start:
        _, slots = w.pt.span(w.mms[int(w.vma.mm[vma])].tables, start, end)
        entries = w.pt.flat[slots]
        tie(w, entries[is_page(entries)] >> ENTRY_SHIFT, vma)


def holds_anonymous(w: World, vma: int) -> bool:
    """The vma has an anonymous page, or one that is on swap."""
    start, end = int(w.vma.start[vma]), int(w.vma.end[vma])
    _, slots = w.pt.span(w.mms[int(w.vma.mm[vma])].tables, start, end)
    entries = w.pt.flat[slots]
    pages = entries[is_page(entries)] >> ENTRY_SHIFT
    return bool(((entries & SWAP) != 0).any() or (w.page.state[pages] & ANON).any())


def check(w: World) -> None:
    """:raises Corruption: where a mapped direct page does not point at a vma that covers it (never so with fix-ups)."""
    pages = w.anonymous_pages()
    pages = pages[is_direct(w.page.mapping[pages])]
    if not _aims(w, pages)[2].all():
        raise Corruption("a direct page points at a vma that does not hold it, although all were fixed up")
