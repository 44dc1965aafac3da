"""How many ptes the forms that lose some by design must lose now (Design.LOSES), each told without asking a walk.

The numbers are read from page tables and from what pages and vmas keep: so the walks can be held to them.
"""

from __future__ import annotations

import numpy as np

from rmapexplorer.core.audit import entries_of
from rmapexplorer.core.design import Loss
from rmapexplorer.core.pages import is_page
from rmapexplorer.core.radix import ENTRY_SHIFT
from rmapexplorer.core.table import ANON, Ints
from rmapexplorer.core.world import World


def anonymous_ptes(w: World) -> tuple[Ints, Ints, Ints]:
    """(pages, vmas, page numbers) of every pte that maps an anonymous page."""
    parts = [np.empty((3, 0), np.int64)]
    for mm in w.mms.values():
        vpns, entries, vmas = entries_of(w, mm)
        mapped = is_page(entries)
        parts.append(np.stack([entries[mapped] >> ENTRY_SHIFT, vmas[mapped], vpns[mapped]]))
    pages, vmas, vpns = np.concatenate(parts, axis=1)
    anonymous = (w.page.state[pages] & ANON) != 0
    return pages[anonymous], vmas[anonymous], vpns[anonymous]


def moved_while_shared(w: World) -> int:
    """One address a page: ptes that lie at another one than the page remembers."""
    pages, _, vpns = anonymous_ptes(w)
    return int((w.page.index[pages] != vpns).sum())


def of_another_vma(w: World) -> int:
    """Direct pages that nobody fixed up: the pte lies in another vma than the one the page points at."""
    pages, vmas, _ = anonymous_ptes(w)
    mapping = w.page.mapping[pages]
    return int(((mapping <= -2) & (w.vma.birth[vmas] != -2 - mapping)).sum())


def out_of_line(w: World) -> int:
    """Merges that ignored pgoff: the page's index is not what its place in the vma says."""
    pages, vmas, vpns = anonymous_ptes(w)
    return int((w.page.index[pages] != w.vma.pgoff[vmas] + vpns - w.vma.start[vmas]).sum())


def not_linked(w: World) -> int:
    """A merge kept a vma without a link to the page's owner."""
    pages, vmas, _ = anonymous_ptes(w)
    linked = w.design.incidence()
    links = set(zip(linked.vmas.tolist(), linked.owners.tolist(), strict=True))
    return sum(pair not in links for pair in zip(vmas.tolist(), w.page.mapping[pages].tolist(), strict=True))


ONE_ADDRESS = tuple(
    Loss(option="variant", value=value, lost=moved_while_shared,
         words="pages that mremap moves while processes share them are found at one address only")
    for value in ("4a", "4c")
)  # fmt: skip
"""Of anonmm."""
NAIVE = (
    Loss(option="direct", value="naive", lost=of_another_vma,
         words="pages that were never shared are lost where their vma was split, merged or moved"),
)  # fmt: skip
"""Of anon_vma."""
UNCHECKED = (
    Loss(option="pgoff_check", value="off", lost=out_of_line,
         words="pages are lost in vmas that merged although their indexes do not continue each other"),
)  # fmt: skip
"""Of shared_space."""
DOUBLE_REUSE = (
    Loss(option="era", value="4.0", lost=not_linked,
         words="a merge can keep a vma without a link to the anon_vma of pages it takes in, where one was reused twice"),
)  # fmt: skip
"""Of anon_vma_chain; repaired by 2555283eb40d, the rule of 6.0."""
