"""The structures picture while a walk goes on: only what was visited so far is marked. A plain function of frames."""

from __future__ import annotations

from attrs import evolve

from rmapexplorer.engine.frames import Link, Node, Structure, WalkDetail, WalkStep

VMA, TASK = 2, 3
"""Ranks of the boxes a walk comes to."""


def walked(structure: Structure, walk: WalkDetail | None, revealed: int) -> Structure:
    """``structure`` after the first ``revealed`` steps of ``walk``.

    Before the first and after the last step it is the structure as it is: all hits and misses.
    """
    if walk is None or not 0 < revealed < len(walk.steps):
        return structure
    visited = walk.steps[:revealed]
    hits = {step.pid for step in visited if step.hit}
    states: dict[str, str] = {}
    for node in structure.nodes:
        if node.rank == VMA:
            states[node.key] = _state(node, visited)
        elif node.rank == TASK and node.state in ("hit", "miss"):
            states[node.key] = "hit" if node.target is not None and node.target[0] in hits else ""
    return evolve(
        structure,
        nodes=tuple(evolve(node, state=states.get(node.key, node.state)) for node in structure.nodes),
        links=tuple(_link(link, states) for link in structure.links),
    )


def _state(node: Node, visited: tuple[WalkStep, ...]) -> str:
    if node.state not in ("hit", "miss") or node.target is None:
        return node.state
    if _is_at(visited[-1], node.target):
        return "now hit" if visited[-1].hit else "now miss"
    found = [step for step in visited if _is_at(step, node.target)]
    return "" if not found else "hit" if any(step.hit for step in found) else "miss"


def _is_at(step: WalkStep, target: tuple[int, int]) -> bool:
    pid, vpn = target
    return step.pid == pid and (step.start <= vpn < step.end if step.start >= 0 else step.vpn == vpn)


def _link(link: Link, states: dict[str, str]) -> Link:
    """A link is as far as the box it leads to, or comes from, has been visited."""
    ends = [states[key] for key in (link.source, link.target) if key in states]
    return evolve(link, state="") if link.state in ("hit", "miss") and ends and not all(ends) else link
