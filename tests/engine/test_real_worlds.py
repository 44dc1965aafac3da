"""The engine on the real designs: however a position is reached, it is the same state, bit by bit."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from at_random import random_log

from rmapexplorer.core.metrics import KEYS
from rmapexplorer.core.operations import Fork, Mmap, Operation, Touch
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import USUAL, design_named
from rmapexplorer.engine.conductor import Conductor
from rmapexplorer.engine.engine import Engine
from rmapexplorer.engine.frames import Frame, Notice
from rmapexplorer.engine.lens import UnknownDesign
from rmapexplorer.engine.outbox import Outbox
from rmapexplorer.engine.real import REAL_FILES, REAL_LENS, real_kinds
from rmapexplorer.formats.session import Session

from .fake_world import Clock
from .listener import Listener
from .worlds import letter

RECORDINGS = Path(__file__).parents[1] / "data" / "recordings"
LOG = random_log(5, 200)


class Ticking(Clock):
    """Every look at it is a millisecond later, so that checkpoints are due often and at the same places."""

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


class Driver:
    """A conductor on real worlds, driven by hand."""

    def __init__(self, log: Sequence[Operation], position: int = 0, budget: int = 1 << 30, designs=()) -> None:
        self.outbox = Outbox()
        self.conductor = Conductor(self.outbox, real_kinds, REAL_LENS, REAL_FILES, Ticking(), budget)
        self.messages: list[object] = []
        session = Session(title="log", operations=tuple(log), position=position, designs=designs)
        self.conductor.new(session, 1)
        self.run()

    def run(self) -> None:
        while not self.conductor.idle:
            self.conductor.turn(0.008)
        self.messages += self.outbox.take()

    def seek(self, position: int) -> None:
        self.conductor.seek(position, False, 2)
        self.run()

    def digests(self) -> dict[str, str]:
        return {key: world.digest() for key, world in self.conductor.stage.worlds.items()}


@pytest.fixture(scope="module")
def stops() -> list[dict[str, str]]:
    """Digests of worlds that simply stopped after k operations."""
    worlds = {design.key: World(design(), Machine()) for design in USUAL}
    out = [{key: world.digest() for key, world in worlds.items()}]
    for op in LOG:
        for world in worlds.values():
            world.apply(op)
        out.append({key: world.digest() for key, world in worlds.items()})
    return out


def test_two_hundred_random_seeks_are_states_that_stopped_there(stops):
    driver = Driver(LOG)
    dice = random.Random(3)
    assert any(lane.checkpoints.kept for lane in driver.conductor.stage.lanes)
    for _ in range(250):
        position = dice.randrange(len(LOG) + 1)
        driver.seek(position)
        assert driver.digests() == stops[position], f"position {position}"


def test_every_checkpoint_is_a_state_that_stopped_there(stops):
    """What follows a copy must not reach back into it."""
    driver = Driver(LOG)
    stage = driver.conductor.stage
    count = 0
    for lane in stage.lanes:
        for node, kept in lane.checkpoints.kept.items():
            assert kept.world.copy().digest() == stops[node + 1][lane.kind.key]
            count += 1
    assert count > 8


def test_step_by_step_is_the_same_as_running(stops):
    driver = Driver(LOG)
    for position in range(0, len(LOG) + 1, 7):
        driver.seek(position)
        driver.conductor.seek(1, True, 3)
        driver.run()
        assert driver.digests() == stops[min(position + 1, len(LOG))]


def test_another_engine_on_another_thread_is_the_same(stops):
    engine = Engine()
    engine.start()
    try:
        engine.new(Session(title="log"))
        engine.submit(LOG)
        assert engine.wait_idle(60)
        listener = Listener().hear(engine.take())
    finally:
        assert engine.stop()
    assert {key: world.digest() for key, world in engine._conductor.stage.worlds.items()} == stops[-1]
    assert listener.frame.position == len(LOG)


def test_without_room_for_checkpoints_it_is_slower_and_the_same(stops):
    driver = Driver(LOG, budget=4)
    assert not any(lane.checkpoints.kept for lane in driver.conductor.stage.lanes)
    for position in (150, 149, 3, 90):
        driver.seek(position)
        assert driver.digests() == stops[position]


def test_the_letter_in_curves():
    """Each world has its row at each position; only anonmm copies a page when the mremap comes."""
    driver = Driver(letter(), position=6)
    heard = Listener().hear(driver.messages)
    assert heard.designs == tuple(design.key for design in USUAL)
    assert heard.rows.shape == (7, len(USUAL), len(KEYS))
    assert not np.isnan(heard.rows).any()
    copied = dict(zip(heard.designs, heard.rows[6, :, KEYS.index("copied_by_mremap")].tolist(), strict=True))
    assert copied == {key: float(key == "anonmm") for key in heard.designs}
    assert (heard.rows[:, :, KEYS.index("probe_missed")] == 0).all()


def test_the_lossy_variant_says_what_it_lost():
    driver = Driver(letter(), position=6, designs=(("anonmm", {"variant": "4c"}), ("anonmm", {})))
    heard = Listener().hear(driver.messages)
    assert heard.designs == ("anonmm:variant=4c", "anonmm")
    assert heard.rows[6, :, KEYS.index("probe_missed")].tolist() == [1.0, 0.0]
    assert heard.frame.designs[0].options == {"variant": "4c"}


def test_choices_of_the_kernel_are_made_once_and_logged():
    driver = Driver(letter(), position=6)
    wishes = [Mmap(pid=1, span=Span(-1, 3)), Fork(pid=1, child=0), Touch(pid=3, runs=((16, 17, "w"),))]
    driver.conductor.submit(wishes, "", 4)
    driver.run()
    line = driver.conductor.stage.line
    assert [line.operations[node] for node in line.path[6:]] == [
        Mmap(pid=1, span=Span(48, 52)),
        Fork(pid=1, child=3),
        Touch(pid=3, runs=((16, 17, "w"),)),
    ]
    assert all(lane.outcomes[line.path[-1]].ok for lane in driver.conductor.stage.lanes)


def test_a_wish_nobody_can_meet_is_refused_and_not_logged():
    driver = Driver(letter(), position=6)
    driver.conductor.submit([Mmap(pid=99, span=Span(-1, 3))], "", 4)
    driver.run()
    notice = [message for message in driver.messages if isinstance(message, Notice)][-1]
    assert (notice.level, notice.errno, notice.field) == ("refused", "ESRCH", "pid")
    assert driver.conductor.stage.line.head == 6


@pytest.mark.parametrize(
    ("name", "long"),
    [("shell-pipeline", False), ("python-pool", True), ("python-realloc-fork", True), ("redis-bgsave", True)],
)
def test_recordings_run_and_can_be_walked(name, long, tmp_path):
    """A recording of a real program: runs whole, goes back and forth, and is the same when saved and opened again.

    One that is long only goes back and forth.
    """
    engine = Engine()
    engine.start()
    try:
        engine.open(str(RECORDINGS / f"{name}.perf.txt.gz"))
        assert engine.wait_idle(200)
        messages = engine.take()
        assert not [message for message in messages if isinstance(message, Notice)]
        listener = Listener().hear(messages)
        head = listener.frame.head
        engine.seek(head)
        assert engine.wait_idle(60)
        stage = engine._conductor.stage
        end = {key: world.digest() for key, world in stage.worlds.items()}
        for position in (7, head) if long else (head // 2, 7, head):
            engine.seek(position)
            assert engine.wait_idle(60)
            assert [m.position for m in engine.take() if isinstance(m, Frame)] == [position]
        assert {key: world.digest() for key, world in stage.worlds.items()} == end
        if long:
            return
        saved = tmp_path / "again.rmap"
        engine.save(str(saved))
        engine.open(str(saved))
        assert engine.wait_idle(200)
        again = engine._conductor.stage
        assert again is not stage
        assert {key: world.digest() for key, world in again.worlds.items()} == end
    finally:
        assert engine.stop()


def test_designs_by_key_and_option():
    kinds = real_kinds([("anonmm:variant=4c", {}), ("anonmm", {"variant": "4c"}), ("pte_chain", {})], Machine())
    assert [kind.key for kind in kinds] == ["anonmm:variant=4c", "pte_chain"]
    assert kinds[0].make().design.options == design_named("anonmm:variant=4c").options
    assert [kind.key for kind in real_kinds([], Machine())] == [design.key for design in USUAL]


@pytest.mark.parametrize(
    ("design", "says"),
    [
        (("pte_chain", {"layout": "linked", "slots": "7"}), "pte_chain with layout=linked has a pair for each pte"),
        (("anon_vma", {"alloc": "fork"}), "anon_vma with alloc=fork needs direct=naive or direct=fixup"),
        (("anonmm", {"variant": "9"}), "anonmm has no option 'variant=9'"),
        (("nothing", {}), "There is no design 'nothing'"),
    ],
)
def test_a_design_that_cannot_run_is_one_sentence_and_the_session_stays(design, says: str) -> None:
    driver = Driver(letter())
    before = driver.digests()
    driver.conductor.set_designs([design], 9)
    driver.run()
    notices = [m for m in driver.messages if isinstance(m, Notice)]
    assert [n.level for n in notices] == ["error"]
    assert notices[0].text.startswith(says)
    assert notices[0].text.endswith(".")
    assert driver.digests() == before


def test_a_design_that_refuses_the_machine_is_one_sentence() -> None:
    with pytest.raises(UnknownDesign, match=r"^pte_chain needs cache lines that hold two ptes; .*\.$"):
        real_kinds([("pte_chain", {})], Machine(cache_line_bytes=8))


def test_what_an_operation_did_is_told_alike_however_its_position_is_reached() -> None:
    """Forward, back, from afar, and loaded anew in the middle: the status line has the same to say."""
    driver = Driver(LOG)
    forward = []
    for position in range(61):
        driver.seek(position)
        forward.append(told(driver))
    assert ("vma", 1) in {change for changes in forward for change in changes["anonmm"]} and forward[0]["anonmm"] == ()
    for position in [*range(60, -1, -3), 7, 51, 8]:
        driver.seek(position)
        assert told(driver) == forward[position]
    assert told(Driver(LOG, position=30)) == forward[30]


def told(driver: Driver) -> dict[str, tuple[tuple[str, int], ...]]:
    """What the last frame tells of its operation, by design."""
    frame = [message for message in driver.messages if isinstance(message, Frame)][-1]
    return {state.key: state.changes for state in frame.designs}
