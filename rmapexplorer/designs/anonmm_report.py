"""anonmm in words and pictures: what the design tells, apart from what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rmapexplorer.core.design import Picture, StructNode
from rmapexplorer.core.table import ANON
from rmapexplorer.designs.anonmm_chain import block_of
from rmapexplorer.designs.common import vma_node

if TYPE_CHECKING:
    from rmapexplorer.designs.anonmm import AnonMm


def owner_fields(d: AnonMm, page: int, vma: int) -> tuple[str, list[tuple[str, str, str]]]:
    """Fields of the anonmm behind the page, or of the vma's mm."""
    row = -1
    if page >= 0 and d.w.page.state[page] & ANON:
        row = int(d.w.page.mapping[page])
    elif vma >= 0:
        row = d.of_mm[int(d.w.vma.mm[vma])]
    if row < 0:
        return "", []
    head = int(d.anonmm.head[row])
    alive = d.anonmm.mm[row] >= 0
    fields = [
        ("mm", "alive" if alive else "NULL", "" if alive else "an orphan: it exited, pages still point here"),
        ("head", d.owner_name(head), f"of a group of {d.groups.size(head)} that one exec began"),
        ("count", str(d.anonmm.count[row]), "references: the mm, its pages; a head also its members"),
    ]
    if d.chains and page >= 0:
        place = d.chains.count(np.array([page], np.int64))
        blocks = int(block_of(place - 1)[0]) if place[0] else 0
        fields.append(("addresses", str(1 + place[0]), f"page->index, the others in {blocks} rmap_chain blocks"))
    return f"anonmm {d.owner_name(row)}", fields


def picture(d: AnonMm, page: int, limit: int) -> Picture | None:
    """The group of the page, and the vmas where walks look for it in each mm; None for a page that has none."""
    row = int(d.w.page.mapping[page]) if page >= 0 and d.w.page.state[page] & ANON else -1
    if row < 0:
        return None
    members = d.groups.members(int(d.anonmm.head[row]))
    turn = int(np.flatnonzero(members == row)[0])
    walk = d.around(np.array([page], np.int64))
    nodes, links, seen = [], [("page", f"M{row}")], set()
    for at, member in enumerate(np.roll(members, -turn)[:limit].tolist()):
        mm = int(d.anonmm.mm[member])
        words = ("own, " if member == row else "") + ("alive" if mm >= 0 else "orphan")
        nodes.append(StructNode(key=f"M{member}", rank=1, title=d.owner_name(member), subtitle=words,
                                family=member, mm=mm, state="" if mm >= 0 else "dead"))  # fmt: skip
        if at:
            links.append((f"M{row}", f"M{member}"))
        for vpn in walk.vpn[walk.mm == mm].tolist():
            found = d.w.vma_at(d.w.mms[mm], vpn)
            if found >= 0 and found not in seen:
                seen.add(found)
                nodes.append(vma_node(d.w, found, member))
                links.append((f"M{member}", f"v{found}"))
    headings = ("page", "anonmm", "vmas at its addresses", "task")
    return Picture(nodes=tuple(nodes), links=tuple(links), total=len(members), headings=headings)
