"""The structures while a walk goes on: what was visited is marked, what was not is not, where it stands stands out."""

from __future__ import annotations

from attrs import evolve

from rmapexplorer.engine.frames import WalkDetail, WalkStep
from rmapexplorer.gui.structure_walk import walked
from tests.gui import frame_factory as ff

PICTURE = ff.letter_structure()
STEPS = (
    WalkStep(pid=1, comm="server", start=0xA10, end=0xA20, vpn=0xA1A, hit=True, nodes=1),
    WalkStep(pid=2, comm="worker", start=0xA10, end=0xA18, vpn=0xA1A, hit=False, nodes=2),
    WalkStep(pid=2, comm="worker", start=0xC40, end=0xC44, vpn=0xC42, hit=True, nodes=3),
)
WALK = WalkDetail(steps=STEPS, nodes=3, probes=3, hits=2, missed=0, find_vma=0, mapped=2)


def states(revealed: int) -> dict[str, str]:
    return {node.key: node.state for node in walked(PICTURE, WALK, revealed).nodes if node.rank == 2}


def test_before_and_after_the_walk_the_picture_is_whole() -> None:
    assert walked(PICTURE, WALK, 0) is PICTURE
    assert walked(PICTURE, WALK, 3) is PICTURE
    assert walked(PICTURE, None, 2) is PICTURE


def test_each_step_marks_one_candidate_more() -> None:
    assert states(1) == {"v1": "now hit", "v2": "", "v3": "", "v4": "", "v5": ""}
    assert states(2) == {"v1": "hit", "v2": "now miss", "v3": "", "v4": "", "v5": ""}


def test_links_and_tasks_wait_for_their_candidates() -> None:
    tasks = tuple(evolve(n, state="hit") if n.rank == 3 else n for n in PICTURE.nodes)
    shown = walked(evolve(PICTURE, nodes=tasks), WALK, 1)
    assert {n.key: n.state for n in shown.nodes if n.rank == 3} == {"t1": "hit", "t2": "", "t3": ""}
    links = {(link.source, link.target): link.state for link in shown.links}
    assert links["p", "a0"] == "hit"
    assert links["a0", "v1"] == "hit"
    assert links["a0", "v3"] == ""


def test_a_candidate_without_a_vma_is_known_by_its_page() -> None:
    steps = (evolve(STEPS[2], start=-1, end=-1), STEPS[0])
    shown = walked(PICTURE, evolve(WALK, steps=steps), 1)
    assert {n.key for n in shown.nodes if n.state == "now hit"} == {"v3"}
