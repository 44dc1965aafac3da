"""Sessions that came from a kernel trace: each frame says whether it equals the kernel. And the era of the calls."""

from __future__ import annotations

import copy
import gzip
import json
from pathlib import Path

import pytest

from rmapexplorer.core.operations import Mmap, Munmap
from rmapexplorer.core.units import Span
from rmapexplorer.engine.conductor import Conductor
from rmapexplorer.engine.engine import Engine
from rmapexplorer.engine.frames import Frame, Notice, SessionOpened
from rmapexplorer.engine.outbox import Outbox
from rmapexplorer.engine.real import REAL_FILES, REAL_LENS, real_kinds
from rmapexplorer.formats.session import load_session
from rmapexplorer.formats.trace import ARENA

from .test_real_worlds import Ticking

TRACES = Path(__file__).parents[1] / "data" / "traces"
ONE = json.loads(gzip.decompress((TRACES / "merge.json.gz").read_bytes()))["traces"][0]


class Driver:
    """A conductor with a file open, driven by hand."""

    def __init__(self, path: str) -> None:
        self.outbox = Outbox()
        self.conductor = Conductor(self.outbox, real_kinds, REAL_LENS, REAL_FILES, Ticking(), 1 << 30)
        self.conductor.open(path, 1, lambda: False)
        self.all: list[object] = []
        self.run()

    def run(self) -> Frame:
        while not self.conductor.idle:
            self.conductor.turn(0.008)
        self.all += self.outbox.take()
        return next(m for m in reversed(self.all) if isinstance(m, Frame))

    def seek(self, position: int) -> Frame:
        self.conductor.seek(position, False, 2)
        return self.run()


@pytest.fixture
def spoiled(tmp_path: Path) -> str:
    """The trace with a protection, a page and an errno that the kernel never had, each in a step of its own."""
    trace = copy.deepcopy(ONE)
    trace["steps"][0]["err"] = "EPERM"
    vmas = next(iter(trace["steps"][-1]["procs"].values()))
    vmas[0]["p"] = "--xp"
    path = tmp_path / "spoiled.json"
    path.write_text(json.dumps(trace))
    return str(path)


def test_equal_at_every_position_however_it_is_reached() -> None:
    driver = Driver(str(TRACES / "merge.json.gz"))
    head = driver.run().head
    assert head == len(ONE["steps"]) and driver.run().view == "anon_vma_chain"
    for position in (head, 0, head // 2, 1, head):
        assert driver.seek(position).kernel == ()
    driver.conductor.view("anonmm")
    assert driver.run().kernel == ()


def test_the_record_is_kept_in_a_saved_session(tmp_path: Path, spoiled: str) -> None:
    driver, path = Driver(spoiled), str(tmp_path / "kept.rmap")
    before = driver.run()
    driver.conductor.save(path, 2)
    driver.run()
    again = Driver(path).run()
    assert again.kernel == before.kernel and again.kernel
    assert again.kernel_steps is not None and before.kernel_steps is not None
    assert again.kernel_steps.tolist() == before.kernel_steps.tolist()


def test_the_comparison_goes_in_slices_and_never_keeps_a_command_waiting(spoiled: str) -> None:
    driver = Driver(spoiled)
    head = driver.run().head
    driver.conductor.view("anonmm")
    driver.conductor.set_calls("3.0", 3)  # another era: nothing of it is compared yet
    while driver.conductor.busy:
        driver.conductor.turn(0.008)
    driver.outbox.take()
    compared = []
    for _ in range(head):
        driver.conductor.turn(0.008)
        compared.append(driver.conductor.stage.recorded.steps("anonmm", driver.conductor.stage.machine))  # type: ignore[union-attr]
    assert [len(steps) for steps in compared] == list(range(2, head + 1)) + [head], "one step a turn"
    driver.run()
    waiting = [m for m in driver.all if isinstance(m, Frame) and m.kernel_waits]
    assert all(m.kernel is None for m in waiting)


@pytest.mark.parametrize(("position", "waits"), [(1, False), (5, True)])
def test_where_one_step_is_missing_it_is_compared_at_once(position: int, waits: bool) -> None:
    driver = Driver(str(TRACES / "merge.json.gz"))
    driver.seek(position)
    driver.conductor.set_calls("6.0", 3)
    while driver.conductor.busy:
        driver.conductor.turn(0.008)
    first = [m for m in driver.outbox.take() if isinstance(m, Frame) and m.calls == "6.0" and not m.busy][0]
    assert first.kernel_waits == waits and (first.kernel is None) == waits
    assert not driver.run().kernel_waits


def test_the_steps_are_told_with_the_frames(spoiled: str) -> None:
    driver = Driver(spoiled)
    frame = driver.run()
    head = frame.head
    assert frame.kernel_length == head and not frame.kernel_waits and frame.kernel_steps is not None
    steps = frame.kernel_steps.tolist()
    assert len(steps) == head and steps[0] == 1 and steps[-1] >= 1 and steps[1 : head - 1] == [0] * (head - 2)
    assert not frame.kernel_steps.flags.writeable
    driver.seek(1)
    driver.conductor.submit([Mmap(pid=1, span=Span(16, 20), prot="rw", kind="anon")], "", 3)
    branched = driver.run()
    assert (
        branched.kernel_length == 1
        and branched.kernel_steps is not None
        and branched.kernel_steps.tolist() == steps[:1]
    )
    assert branched.kernel is None and not branched.kernel_waits


def test_differences_belong_to_their_step(spoiled: str) -> None:
    driver = Driver(spoiled)
    head = driver.run().head
    first, last = driver.seek(1).kernel, driver.seek(head).kernel
    assert first and [(d.level, d.where, d.kernel, d.ours) for d in first] == [("result", "err", "EPERM", "None")]
    assert driver.seek(2).kernel == ()
    assert last and last[0].level == "vmas" and "--xp" in last[0].kernel and "--xp" not in last[0].ours
    at = next(iter(ONE["steps"][-1]["procs"].values()))[0]["s"] + ARENA
    assert last[0].spot is not None and last[0].spot[1] == at


def test_what_the_user_does_has_no_record() -> None:
    driver = Driver(str(TRACES / "merge.json.gz"))
    head = driver.run().head
    op = Mmap(pid=1, span=Span(16, 20), prot="rw", kind="anon")
    driver.seek(1)
    driver.conductor.submit([op], "", 3)
    assert driver.run().kernel is None
    assert driver.seek(1).kernel == ()
    driver.conductor.branch("main", 4)
    assert driver.run().kernel == () and driver.run().position == head
    driver.conductor.submit([Munmap(pid=1, span=Span(16, 20))], "", 5)
    assert driver.run().kernel is None


def test_the_calls_of_another_era(tmp_path: Path) -> None:
    driver = Driver(f"{TRACES}/swap.json.gz#swap-1000")
    before = [state.counters for state in driver.run().designs]
    driver.conductor.seek(driver.run().head, False, 2)
    driver.conductor.set_calls("2.6.7", 3)
    driver.conductor.set_designs([("anon_vma", {}), ("anon_vma_chain", {})], 4)
    frame = driver.run()
    assert frame.calls == "2.6.7" and [state.key for state in frame.designs] == ["anon_vma", "anon_vma_chain"]
    assert [state.counters for state in frame.designs] != before[2:]
    assert all(lane.world.rules.era == "2.6.7" for lane in driver.conductor.stage.lanes)  # type: ignore[union-attr]
    driver.conductor.save(str(tmp_path / "s.rmap"), 5)
    driver.run()
    assert load_session(str(tmp_path / "s.rmap")).machine.calls == "2.6.7"
    driver.conductor.set_calls("6.18", 6)
    back = driver.run()
    assert back.calls == "6.18" and back.kernel == () and [state.counters for state in back.designs] == before[2:]


def test_the_designs_go_along_and_can_be_set_apart_afterwards() -> None:
    driver = Driver(str(TRACES / "merge.json.gz"))
    assert driver.run().view == "anon_vma_chain"
    for calls, era in (("3.0", ":era=3.0"), ("2.6.7", ":era=2.6.34"), ("6.18", "")):
        driver.conductor.set_calls(calls, 3)
        frame = driver.run()
        keys = [state.key for state in frame.designs]
        assert frame.calls == calls and frame.view == f"anon_vma_chain{era}" == keys[-1], calls
    driver.conductor.set_calls("3.0", 4)
    driver.conductor.set_designs([("anon_vma", {}), ("anon_vma_chain", {"era": "3.7"})], 5)
    frame = driver.run()
    assert (frame.calls, frame.view) == ("3.0", "anon_vma_chain:era=3.7")


def test_an_era_that_is_not_there() -> None:
    driver = Driver(str(TRACES / "merge.json.gz"))
    driver.conductor.set_calls("5.5", 3)
    assert driver.run().calls == "6.18"
    assert [m.text for m in driver.all if isinstance(m, Notice)][-1].startswith("calls of era 5.5 are not simulated")


def test_through_the_engine() -> None:
    engine = Engine()
    engine.start()
    engine.open(str(TRACES / "merge.json.gz"))
    engine.set_calls("3.0")
    assert engine.wait_idle(20)
    messages = engine.take()
    assert engine.stop()
    opened = next(m for m in messages if isinstance(m, SessionOpened))
    assert "more of the" in opened.report[0]
    assert [m.calls for m in messages if isinstance(m, Frame)][-1] == "3.0"
