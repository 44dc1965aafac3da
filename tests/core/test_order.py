"""The order of vmas in blocks is that of one sorted list, whatever the size of the blocks; and growth of mmaps in front."""

from __future__ import annotations

import random

import pytest
from at_random import BUSY, WILD, random_log
from oracles import new_world

from rmapexplorer.core import operations as o
from rmapexplorer.core import order
from rmapexplorer.core.order import Order
from rmapexplorer.core.units import Machine, Span

ROOM = 400


def held(blocks: Order, model: dict[int, int]) -> None:
    """Every answer about ``blocks`` is that of ``model``, start -> row."""
    starts = sorted(model)
    assert (blocks.starts(), blocks.rows(), blocks.count) == (starts, [model[s] for s in starts], len(model))
    assert list(blocks.descending()) == blocks.rows()[::-1]
    assert all(rows for _, rows in blocks.blocks) or len(blocks.blocks) == 1
    for vpn in range(-1, ROOM + 1, 7):
        assert blocks.last(vpn) == max(((s, model[s]) for s in starts if s <= vpn), default=(0, -1))[1]
        assert blocks.next(vpn) == min(((s, model[s]) for s in starts if s >= vpn), default=(0, -1))[1]
        assert blocks.between(vpn, vpn + 40) == [model[s] for s in starts if vpn <= s < vpn + 40]


@pytest.mark.parametrize("full", [1, 2, 5, 2048])
@pytest.mark.parametrize("seed", [1, 2])
def test_blocks_answer_as_one_sorted_list_does(full: int, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "FULL", full)
    dice, blocks, model = random.Random(seed), Order(), dict[int, int]()
    for row in range(300):
        start, some = dice.randrange(ROOM), dice.choice(list(model) or [0])
        kind = dice.choice(("put", "put", "drop", "move"))
        if kind == "put" and start not in model:
            blocks.put(row, start)
            model[start] = row
        elif kind == "drop" and some in model:
            blocks.drop(model.pop(some), some)
        elif kind == "move" and some in model:
            below = max((s for s in model if s < some), default=-1)
            above = min((s for s in model if s > some), default=ROOM)
            new = dice.randrange(below + 1, above)
            blocks.move(model[some], some, new)
            model[new] = model.pop(some)
        if not row % 5:
            held(blocks, model)
    other = blocks.copy()
    for start in list(model):
        blocks.drop(model[start], start)
    held(blocks, {})
    held(other, model)
    if full > 1:
        held(Order.of(other.starts(), other.rows()), model)


@pytest.mark.parametrize("key", ["pte_chain", "anon_vma_chain", "virtual_scan"])
@pytest.mark.parametrize("mix", [BUSY, WILD], ids=["busy", "wild"])
def test_worlds_do_not_know_the_blocks(key: str, mix: object, monkeypatch: pytest.MonkeyPatch) -> None:
    log, machine = random_log(11, 150, mix), Machine(files=dict(mix.files))  # type: ignore[arg-type,attr-defined]
    found = []
    for full in (2048, 2):
        monkeypatch.setattr(order, "FULL", full)
        w = new_world(key, machine)
        found.append([(w.apply(op), w.digest()) for op in log])
    assert found[0] == found[1]


def test_a_vma_in_front_of_thousands_moves_few() -> None:
    """mmaps from the top down, as the kernel places them: no list grows with the number of vmas."""
    w = new_world("anon_vma_chain")
    assert w.apply(o.Spawn(pid=1)).ok
    for at in range(10_000, 0, -2):
        assert w.apply(o.Mmap(pid=1, span=Span(at, at + 2), prot="rw" if at % 4 else "r")).ok
    blocks = w.mms[0].order
    assert blocks.count == 5000
    assert blocks.starts() == list(range(2, 10_001, 2))
    assert max(len(rows) for _, rows in blocks.blocks) <= order.FULL < 5000
    assert w.apply(o.Fork(pid=1, child=2)).ok
    assert w.mms[1].order.starts() == blocks.starts()
