"""Designs beside each other: the same page in each world, and the first operation after which they differ."""

from __future__ import annotations

import time

import numpy as np
import pytest

from rmapexplorer.core.metrics import KEYS
from rmapexplorer.core.operations import Operation, Reclaim
from rmapexplorer.core.units import Machine
from rmapexplorer.engine.comparison import MOST, STRIPS, Compare, Comparison
from rmapexplorer.engine.engine import Engine
from rmapexplorer.engine.frames import Answer
from rmapexplorer.formats.session import Session
from tests.engine.worlds import letter

USUAL = ("pte_chain", "anonmm", "anon_vma", "anon_vma_chain")


def ask(operations: list[Operation], question: Compare, designs: tuple[str, ...] = USUAL) -> Comparison | None:
    """What an engine on real worlds answers after these operations."""
    engine = Engine()
    engine.start()
    try:
        session = Session(
            title="t",
            machine=Machine(),
            designs=tuple((key, {}) for key in designs),
            operations=tuple(operations),
            position=len(operations),
        )
        engine.new(session)
        assert engine.wait_idle(20)
        ticket = engine.ask(question)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            for message in engine.take():
                if isinstance(message, Answer) and message.ticket == ticket:
                    value: Comparison | None = message.value
                    return value
            engine.wait_idle(1)
        raise AssertionError("no answer came")
    finally:
        assert engine.stop(10)


@pytest.fixture(scope="module")
def moved() -> Comparison:
    """After the letter's mremap: page 64 of process 2, that was page 17 of process 1."""
    answer = ask(letter(), Compare(designs=USUAL, pid=2, vpn=64))
    assert answer is not None
    return answer


def test_every_side_shows_the_same_processes(moved: Comparison) -> None:
    assert [side.design for side in moved.sides] == list(USUAL)
    assert {tuple(strip.pid for strip in side.strips) for side in moved.sides} == {(1, 2)}
    for side in moved.sides:
        child = side.strips[1]
        assert child.start.tolist()[-1] == 64 and child.end.tolist()[-1] == 65


def test_walks_are_those_of_each_design(moved: Comparison) -> None:
    hits = {side.design: side.walk.hits for side in moved.sides if side.walk is not None}
    assert hits == {"pte_chain": 2, "anonmm": 1, "anon_vma": 2, "anon_vma_chain": 2}, "anonmm copied the page"
    chain = next(side.walk for side in moved.sides if side.design == "pte_chain")
    assert chain is not None and set(chain.spots) == {(1, 17), (2, 64)}


def test_the_first_operation_where_they_differ_is_the_mremap(moved: Comparison) -> None:
    first = {part.what: (part.position, part.values) for part in moved.partings}
    assert first["copied by mremap"] == (6, ("0", "1", "0", "0"))
    assert moved.partings == tuple(sorted(moved.partings, key=lambda part: part.position))


def test_metrics_are_of_the_position(moved: Comparison) -> None:
    assert moved.metrics.shape == (4, len(KEYS))
    copied = moved.metrics[:, KEYS.index("copied_by_mremap")]
    assert copied.tolist() == [0, 1, 0, 0]
    assert not np.isnan(moved.metrics[:, KEYS.index("bytes")]).any()


def test_designs_that_do_not_run_are_left_out() -> None:
    answer = ask(letter(), Compare(designs=("anonmm", "objrmap"), pid=1, vpn=16))
    assert answer is not None and [side.design for side in answer.sides] == ["anonmm"]
    assert answer.partings == ()
    assert ask(letter(), Compare(designs=("objrmap",), pid=1, vpn=16)) is None


def test_a_design_with_another_result_is_found() -> None:
    designs = ("virtual_scan", "anon_vma")
    ops = [*letter(), Reclaim(pages=64)]
    answer = ask(ops, Compare(designs=designs, pid=2, vpn=-1), designs)
    assert answer is not None
    for part in answer.partings:
        assert len(part.values) == 2 and part.values[0] != part.values[1]


def test_no_more_than_a_handful_is_shown() -> None:
    from rmapexplorer.core.operations import Fork

    ops = letter() + [Fork(pid=1, child=10 + n) for n in range(20)]
    keys = ("pte_chain", "objrmap", "anonmm", "anon_vma", "anon_vma_chain")
    answer = ask(ops, Compare(designs=keys, pid=2, vpn=64), keys)
    assert answer is not None and len(answer.sides) == MOST
    assert all(len(side.strips) == STRIPS for side in answer.sides) and answer.processes == 22
    assert 2 in [strip.pid for strip in answer.sides[0].strips]
