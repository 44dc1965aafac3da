"""Layout of the structures picture: four fixed ranks from left to right; only the order within a rank is computed.

Plain Python, deterministic. Order comes from two barycentre sweeps; from frame to frame nodes keep their order and new
ones appear next to their parents. Heights follow the neighbours: each node goes where they are on average, as far as
room allows (isotonic regression by pooling adjacent violators).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import evolve, frozen

from rmapexplorer.engine.frames import Link, Node, Structure

RANKS = 4
MOST_NODES = 150
"""More boxes than this are not drawn (the focus, hits and what leads to them first)."""


@frozen
class Box:
    """Where a node is drawn; pixels at scale 1."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """Height of its centre."""
        return self.y + self.height / 2


@frozen(kw_only=True)
class Sizes:
    """What layout must know of the drawing: widths a rank, heights, gaps; pixels."""

    widths: tuple[float, float, float, float] = (130.0, 130.0, 170.0, 110.0)
    tall: float = 36.0
    """Height of a box with a subtitle."""
    short: float = 26.0
    across: float = 80.0
    """Gap between ranks, at least."""
    down: float = 8.0
    top: float = 26.0
    """Room for the headings."""


@frozen(kw_only=True)
class Layout:
    """Boxes by node key, the nodes and links that are drawn, and the size of it all."""

    boxes: dict[str, Box]
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    columns: tuple[float, float, float, float]
    """Left edge of each rank."""
    width: float
    height: float
    order: tuple[tuple[str, ...], ...] = ()
    """Keys from the top, a tuple a rank: what the next layout keeps to."""


MORE = "more"
"""State of a stub: a box that stands for what is left out of its rank."""

_PRECIOUS = {"focus": 0, "selected": 1, "hit": 2, "": 3, "miss": 4, "dead": 5}


_AHEAD = {"focus": 0, "selected": 0, "hit": 0, "now hit": 0, "": 1, "kernel": 1, "miss": 2, "now miss": 2, "dead": 2}
"""What stands further up in its column: what the walk is for before what it visits for nothing."""


def prominence(structure: Structure) -> dict[str, int]:
    """Of each node how far up it belongs in its column; an object through which a hit is found goes with the hit."""
    found = {node.key: _AHEAD.get(node.state, 1) for node in structure.nodes}
    plain = {node.key for node in structure.nodes if not node.state}
    for link in structure.links:
        if link.source in plain and found.get(link.target) == 0:
            found[link.source] = 0
    return found


def trim(structure: Structure, most: int = MOST_NODES) -> tuple[tuple[Node, ...], tuple[Link, ...]]:
    """At most ``most`` nodes, the precious and what leads to them first, in the order given; and the links between."""
    nodes = tuple({node.key: node for node in structure.nodes}.values())
    if len(nodes) > most:
        parent: dict[str, str] = {}
        for link in structure.links:
            parent.setdefault(link.target, link.source)
        keep: set[str] = set()
        for node in sorted(nodes, key=lambda n: (_PRECIOUS.get(n.state, 3), n.rank)):
            wanted = _upstream(parent, node.key) - keep
            if len(keep) + len(wanted) <= most:
                keep |= wanted
        nodes = tuple(node for node in nodes if node.key in keep)
    known = {node.key for node in nodes}
    return nodes, tuple(link for link in structure.links if link.source in known and link.target in known)


def stubbed(structure: Structure, most: int = MOST_NODES) -> Structure:
    """The structure with at most ``most`` nodes, and in each rank a stub for those that are left out."""
    counts = [0] * RANKS
    for node in {node.key: node for node in structure.nodes}.values():
        counts[_rank(node)] += 1
    ranks = sum(count > 0 for count in counts)
    nodes, links = trim(structure, most - ranks if len(structure.nodes) > most - ranks else most)
    for node in nodes:
        counts[_rank(node)] -= 1
    missing = [gone + more for gone, more in zip(counts, structure.left_out, strict=True)]
    stubs = tuple(
        Node(key=f"more {rank}", rank=rank, title=f"+{count:,} more", state=MORE)
        for rank, count in enumerate(missing)
        if count > 0
    )
    left_out = (missing[0], missing[1], missing[2], missing[3])
    return evolve(structure, nodes=nodes + stubs, links=links, left_out=left_out)


def _upstream(parent: Mapping[str, str], key: str) -> set[str]:
    chain = {key}
    while key in parent and parent[key] not in chain:
        key = parent[key]
        chain.add(key)
    return chain


def arrange(
    structure: Structure,
    sizes: Sizes = Sizes(),
    before: Layout | None = None,
    width: float = 0.0,
    most: int = MOST_NODES,
    ahead: Mapping[str, int] | None = None,
) -> Layout:
    """Lay out a structure.

    :param before: the layout of the frame before; nodes that were there keep their order.
    :param width: pixels to spread the ranks over; ranks never come closer than ``sizes.across``.
    :param ahead: ``prominence``, where the picture is taller than what shows of it: what matters comes to its top.
    """
    nodes, links = trim(structure, most)
    near = _neighbours(nodes, links)
    ranks = [[n.key for n in nodes if _rank(n) == r] for r in range(RANKS)]
    known = {key: i for rank in before.order for i, key in enumerate(rank)} if before is not None else {}
    if sum(key in known for rank in ranks for key in rank) * 2 >= len(nodes) > 0:
        ranks = _merged(ranks, near, known)
    else:
        ranks = _swept(ranks, near)
    stubs = {node.key for node in nodes if node.state == MORE}
    first = ahead or {}
    ranks = [sorted(rank, key=lambda key: (key in stubs, first.get(key, 1))) for rank in ranks]
    heights = {n.key: sizes.tall if n.subtitle else sizes.short for n in nodes}
    hits = {key for key, place in first.items() if place == 0}
    tops = _tops(ranks, _led_by(near, hits), heights, sizes)
    columns, total = _columns(ranks, sizes, width)
    boxes = {
        key: Box(columns[r], tops[key], sizes.widths[r], heights[key]) for r, rank in enumerate(ranks) for key in rank
    }
    bottom = max((b.y + b.height for b in boxes.values()), default=sizes.top)
    return Layout(
        boxes=boxes, nodes=nodes, links=links, columns=columns, width=total, height=bottom,
        order=tuple(tuple(rank) for rank in ranks),
    )  # fmt: skip


def _rank(node: Node) -> int:
    return min(max(node.rank, 0), RANKS - 1)


def _neighbours(nodes: Sequence[Node], links: Sequence[Link]) -> dict[str, list[str]]:
    near: dict[str, list[str]] = {node.key: [] for node in nodes}
    for link in links:
        near[link.source].append(link.target)
        near[link.target].append(link.source)
    return near


def _led_by(near: Mapping[str, list[str]], hits: set[str]) -> dict[str, list[str]]:
    """The neighbours that a node stands beside: those that are hits, where it has some."""
    return {key: [other for other in others if other in hits] or others for key, others in near.items()}


def _swept(ranks: list[list[str]], near: Mapping[str, list[str]]) -> list[list[str]]:
    """Two barycentre sweeps: each rank by the mean place of its neighbours to the left, then to the right."""
    place = {key: _relative(i, len(rank)) for rank in ranks for i, key in enumerate(rank)}
    side = {key: r for r, rank in enumerate(ranks) for key in rank}
    ranks = [list(rank) for rank in ranks]
    for order, step in ((range(1, RANKS), -1), (range(RANKS - 2, -1, -1), 1)):
        for r in order:
            means = {}
            for key in ranks[r]:
                beside = [place[other] for other in near[key] if (side[other] - r) * step > 0]
                means[key] = sum(beside) / len(beside) if beside else place[key]
            ranks[r].sort(key=lambda key, means=means: (means[key], place[key]))
            place.update({key: _relative(i, len(ranks[r])) for i, key in enumerate(ranks[r])})
    return ranks


def _relative(i: int, count: int) -> float:
    return (i + 0.5) / count


def _merged(ranks: list[list[str]], near: Mapping[str, list[str]], known: Mapping[str, int]) -> list[list[str]]:
    """Known nodes in their order; a new one right after the sibling before it that shares a parent, else at the end."""
    result = []
    for rank in ranks:
        order = sorted((key for key in rank if key in known), key=lambda key: known[key])
        for key in (key for key in rank if key not in known):
            kin = [i for i, other in enumerate(order) if not set(near[key]).isdisjoint(near[other])]
            order.insert(kin[-1] + 1 if kin else len(order), key)
        result.append(order)
    return result


def _tops(
    ranks: Sequence[Sequence[str]], near: Mapping[str, list[str]], heights: Mapping[str, float], sizes: Sizes
) -> dict[str, float]:
    """Top of every box: the fullest rank is packed, the others follow it outwards."""
    full = [sum(heights[key] + sizes.down for key in rank) for rank in ranks]
    widest = max(range(RANKS), key=lambda r: (full[r], -r))
    middles: dict[str, float] = {}
    y = sizes.top
    for key in ranks[widest]:
        middles[key] = y + heights[key] / 2
        y += heights[key] + sizes.down
    for r in [*range(widest - 1, -1, -1), *range(widest + 1, RANKS)]:
        wish = []
        for i, key in enumerate(ranks[r]):
            beside = [middles[other] for other in near[key] if other in middles and other not in ranks[r]]
            even = sizes.top + (max(full) - sizes.down) * _relative(i, len(ranks[r]))
            wish.append(sum(beside) / len(beside) if beside else even)
        gaps = [(heights[a] + heights[b]) / 2 + sizes.down for a, b in zip(ranks[r], ranks[r][1:], strict=False)]
        middles.update(zip(ranks[r], spread(wish, gaps), strict=True))
    top = min((middles[key] - heights[key] / 2 for key in middles), default=sizes.top)
    return {key: middle - heights[key] / 2 - top + sizes.top for key, middle in middles.items()}


def spread(wish: Sequence[float], gaps: Sequence[float]) -> list[float]:
    """Places in order, ``gaps[i]`` or more between i and i + 1, with the least sum of squared distances to ``wish``."""
    if not wish:
        return []
    offsets = [0.0]
    for gap in gaps:
        offsets.append(offsets[-1] + gap)
    blocks: list[list[float]] = []
    for want, offset in zip(wish, offsets, strict=True):
        blocks.append([want - offset, 1.0])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, weight = blocks.pop()
            blocks[-1][0] = (blocks[-1][0] * blocks[-1][1] + mean * weight) / (blocks[-1][1] + weight)
            blocks[-1][1] += weight
    flat = [mean for mean, weight in blocks for _ in range(int(weight))]
    return [at + offset for at, offset in zip(flat, offsets, strict=True)]


def _columns(
    ranks: Sequence[Sequence[str]], sizes: Sizes, width: float
) -> tuple[tuple[float, float, float, float], float]:
    """Left edges of the ranks and the width of the picture; empty ranks take no room."""
    used = [r for r in range(RANKS) if ranks[r]]
    solid = sum(sizes.widths[r] for r in used)
    gap = max(sizes.across, (width - solid) / (len(used) - 1)) if len(used) > 1 else 0.0
    gap = min(gap, sizes.across * 2.2)
    x, edges = 0.0, [0.0] * RANKS
    for r in range(RANKS):
        edges[r] = x
        if r in used:
            x += sizes.widths[r] + gap
    return (edges[0], edges[1], edges[2], edges[3]), max(x - gap, 0.0)
