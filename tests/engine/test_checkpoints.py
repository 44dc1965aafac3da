"""Checkpoints: never beyond the budget, always usable, thinner further back."""

from __future__ import annotations

from rmapexplorer.core.operations import Reclaim
from rmapexplorer.engine.checkpoints import Checkpoint, Checkpoints
from rmapexplorer.engine.timeline import grown


def _filled(count: int, budget: int) -> Checkpoints[str]:
    points: Checkpoints[str] = Checkpoints(budget_bytes=budget)
    for node in range(count):
        points.keep(Checkpoint(node, float(node), 10, f"world {node}"))
    return points


def test_never_more_bytes_than_the_budget():
    points = _filled(500, 200)
    assert points.size_bytes <= 200
    assert len(points.kept) == 20


def test_thinned_geometrically():
    """Gaps grow with the distance from the latest: going back k operations replays at most about k more."""
    nodes = sorted(_filled(1000, 300).kept)
    assert nodes[-1] == 999
    gaps = [after - before for before, after in zip(nodes, nodes[1:], strict=False)]
    assert max(gaps[-5:]) <= 4
    assert gaps[0] > 20
    for before, after in zip(nodes, nodes[1:], strict=False):
        assert after - before <= max(4, 1.5 * (999 - before))


def test_nearest_is_the_last_on_the_path():
    line = grown([Reclaim() for _ in range(10)])
    points: Checkpoints[str] = Checkpoints()
    for node in (2, 5, 7):
        points.keep(Checkpoint(node, float(node), 1, "w"))
    assert points.nearest(line, 2) is None
    assert [points.nearest(line, k).node for k in (3, 6, 7, 8, 10)] == [2, 5, 5, 7, 7]


def test_nearest_ignores_other_branches():
    line = grown([Reclaim() for _ in range(10)])
    line.seek(4)
    new = line.append(Reclaim())
    points: Checkpoints[str] = Checkpoints()
    for node in (2, 5):
        points.keep(Checkpoint(node, float(node), 1, "w"))
    assert points.nearest(line, 5).node == 2
    points.keep(Checkpoint(new, 5.0, 1, "w"))
    assert points.nearest(line, 5).node == new


def test_a_copy_must_be_worth_its_price():
    points: Checkpoints[str] = Checkpoints(interval=0.1)
    assert not points.due(0.09)
    assert points.due(0.1)
    points.copy_seconds = 0.5
    assert not points.due(0.9)
    assert points.due(1.0)


def test_one_world_larger_than_the_budget_is_not_kept():
    points: Checkpoints[str] = Checkpoints(budget_bytes=5)
    points.keep(Checkpoint(0, 1.0, 10, "w"))
    assert not points.kept
