"""Laying out the memory map in steps gives what laying it out at once gives; dense rows painted together likewise."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from attrs import evolve

from rmapexplorer.core.units import TASK_SIZE_PAGES
from rmapexplorer.gui import memory_geometry as geo
from rmapexplorer.gui import memory_layout as layout
from rmapexplorer.gui.memory_layout import MapLayout
from tests.gui import frame_factory as ff
from tests.gui.test_memory_map import Bench


@pytest.mark.parametrize("distinct", [False, True])
def test_steps_give_the_same_hashes_and_an_axis_over_everything(
    monkeypatch: pytest.MonkeyPatch, distinct: bool
) -> None:
    vmas = ff.huge(60, 50, distinct=distinct).vmas
    whole = MapLayout(vmas=vmas)
    assert whole.small
    whole.run()
    for name, value in (("AT_ONCE", 100), ("CHUNK", 130), ("MOST_SPANS", 400)):
        monkeypatch.setattr(layout, name, value)
    parts = MapLayout(vmas=vmas)
    steps = sum(1 for _ in parts.steps())
    assert steps >= 20 + (20 if distinct else 1)
    np.testing.assert_array_equal(parts.hashes, whole.hashes)
    assert int(parts.axis.pages[0]) <= vmas.start.min() and int(parts.axis.pages[-1]) >= vmas.end.max()
    units = parts.axis.unit(np.sort(vmas.start))
    assert (np.diff(units) >= 0).all()


def test_no_step_of_a_million_vmas_is_long() -> None:
    work = MapLayout(vmas=ff.huge(distinct=True).vmas)
    longest, began = 0.0, time.thread_time()
    for _ in work.steps():
        now = time.thread_time()
        longest, began = max(longest, now - began), now
    assert longest < 0.03, "10 ms of a slot, three times that here"


def test_what_shows_stays_until_a_large_frame_is_laid_out_and_the_newest_comes_last(qtbot: Any) -> None:
    bench = Bench(qtbot, ff.letter())
    large = [ff.huge(100, 500, serial=n, distinct=n == 2) for n in (1, 2, 3)]
    for frame in large:
        bench.map.set_frame(frame)
    assert bench.canvas.laying_out and len(bench.scene.frame.tasks.pid) == 4
    bench.image()
    qtbot.waitUntil(lambda: not bench.canvas.laying_out)
    assert bench.scene.frame is large[2]
    bench.map.set_frame(large[0])
    bench.map.set_frame(ff.small(generation=2))
    assert not bench.canvas.laying_out and len(bench.scene.frame.tasks.pid) == 2, "another session does not wait"
    bench.map.set_frame(evolve(large[1], generation=2))
    bench.canvas.finish()
    assert bench.scene.frame.vmas is large[1].vmas


def test_both_ends_of_the_axis_have_free_room_inside_the_address_space() -> None:
    axis = geo.build_axis(np.array([0xA10]), np.array([0xA20]))
    wide = layout.with_margins(axis)
    assert (int(wide.pages[0]), int(wide.pages[-1])) == (0xA00, 0xA30)
    assert wide.kind_at(0.0) == geo.GAP and wide.unit(0xA10) > 0 and wide.page(wide.length) == 0xA2F
    edge = layout.with_margins(geo.build_axis(np.array([0]), np.array([TASK_SIZE_PAGES])))
    assert (int(edge.pages[0]), int(edge.pages[-1])) == (0, TASK_SIZE_PAGES)
    nothing = geo.build_axis(np.empty(0, np.int64), np.empty(0, np.int64))
    assert layout.with_margins(nothing) is nothing


def test_many_rows_together_give_what_each_gives_alone() -> None:
    rng = np.random.default_rng(3)
    rows, x0, x1, kinds = [], [], [], []
    for row in range(5):
        edges = np.sort(rng.uniform(-5, 90, size=60))
        rows.append(np.full(30, row))
        x0.append(edges[::2])
        x1.append(edges[1::2])
        kinds.append(rng.integers(0, 4, size=30))
    both = geo.majorities(*(np.concatenate(part) for part in (rows, x0, x1, kinds)), (5, 4, 80))
    for row in range(5):
        alone = geo.majority(x0[row], x1[row], kinds[row], 4, 80)
        cover = np.array([_cover(x0[row], x1[row], column) for column in range(80)])
        np.testing.assert_allclose(alone[1], np.clip(cover, 0, 1), atol=1e-9)
        for mine, theirs in zip(both, alone, strict=True):
            np.testing.assert_allclose(mine[row], theirs)


def _cover(x0: np.ndarray, x1: np.ndarray, column: int) -> float:
    return float(np.clip(np.minimum(x1, column + 1) - np.maximum(x0, column), 0, None).sum())
