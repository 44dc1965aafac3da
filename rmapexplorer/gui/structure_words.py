"""The sentences of the structures panel: what can be done, why not everything is drawn, why nothing is; tips of its boxes."""

from __future__ import annotations

from rmapexplorer.core.design import Design
from rmapexplorer.engine.frames import Frame, Node
from rmapexplorer.engine.incidence import Chart
from rmapexplorer.gui.structure_layout import MORE

EMPTY = "Select a page or a vma to see how the design finds it"

NOTHING = "Nothing is mapped yet, so there is no page to find. An mmap gives the process memory."

FOOTERS = {
    "Neighbourhood": "Click a box to select it · wheel zooms, drag pans, 0 fits",
    "Forest": "Bars: vmas, links, pages · click selects, or unfolds what is folded · wheel zooms, drag pans, 0 fits",
    "Matrix": "Click selects the vma · Shift-drag or Space shows links as boxes · wheel zooms, Shift+wheel only across, 0 fits",
    "Chains": "Click a pte to select its page · the design keeps such a list for every page",
    "Groups": "Click a member to select its first vma, an exception to select the page",
}

WHY = {
    "Neighbourhood": "Only what is around the selected page or vma is drawn, at most 150 boxes: of more, lines cannot be "
    "told apart. The broken pills say how many are left out of each column; click one for more.",
    "Forest": "Large subtrees are folded into one glyph with the number of objects below (+37), many siblings into one "
    "pill. Click to unfold; the minimap shows where you are.",
    "Matrix": "A screen has fewer points than there are links. From afar a cell stands for many vmas and objects, shaded "
    "by the logarithm of its links. Zoom in until a cell is one vma and one object.",
    "Chains": "All chains are counted by length on the left; only that of the selected page is drawn.",
    "Groups": "The largest groups are drawn, of each the first 64 members and 8 exceptions.",
}


def nothing_here(frame: Frame | None) -> str:
    """Why the neighbourhood is empty where no page or vma is selected."""
    return NOTHING if frame is not None and len(frame.tasks.pid) and not len(frame.vmas.start) else EMPTY


def no_objects(kind: type[Design], chart: Chart) -> str:
    """Why forest and matrix are empty."""
    keeps_none = kind.vma_owner is Design.vma_owner and kind.incidence is Design.incidence
    if keeps_none and kind.page_chains is not Design.page_chains:
        return f"{kind.title} keeps lists for pages, not objects that vmas hang on: see Chains"
    if keeps_none:
        return f"{kind.title} keeps no objects that vmas hang on: {kind.story}"
    return f"No vma hangs on an object of {kind.title} yet: write to anonymous memory first"


STATES = {
    "focus": "the page under discussion",
    "hit": "hit: the page is mapped here",
    "miss": "miss: visited for nothing",
    "now hit": "hit: the walk stands here",
    "now miss": "miss: the walk stands here",
    "dead": "gone",
    "selected": "selected",
    "kernel": "only the recorded kernel has it",
    MORE: "left out: click for more",
}
"""What the frame of a box says, by the state of its node."""


def box_tip(node: Node) -> str:
    """The whole text of a box, what its frame means, and what a recorded kernel has instead; a line each."""
    kernel = f"Linux 6.18 recorded: {node.kernel}" if node.kernel else ""
    return "\n".join(w for w in (node.title, node.subtitle, STATES.get(node.state, ""), *kernel.split("; ")) if w)
