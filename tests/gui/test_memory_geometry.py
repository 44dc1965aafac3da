"""Axis, window, folding and majority colours: round trips, closed cases and properties."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmapexplorer.core import flags as fl
from rmapexplorer.gui import memory_geometry as geo
from tests.gui import frame_factory

spans_drawn = st.lists(
    st.tuples(st.integers(0, 2**35), st.integers(1, 2**20)).map(lambda t: (t[0], t[0] + t[1])), min_size=1, max_size=40
)


def axis_of(*spans: tuple[int, int]) -> geo.Axis:
    return geo.build_axis(np.array([s for s, _ in spans]), np.array([e for _, e in spans]))


def test_union_joins_what_overlaps_or_touches_and_nothing_else() -> None:
    low, high = geo.union(np.array([30, 0, 10, 5, 21]), np.array([40, 5, 20, 12, 22]))
    assert list(zip(low.tolist(), high.tolist(), strict=True)) == [(0, 20), (21, 22), (30, 40)]


@given(spans_drawn)
def test_union_has_exactly_the_pages_of_its_spans(spans: list[tuple[int, int]]) -> None:
    low, high = geo.union(np.array([s for s, _ in spans]), np.array([e for _, e in spans]))
    assert (low[1:] > high[:-1]).all()
    for start, end in spans:
        i = int(np.searchsorted(low, start, side="right")) - 1
        assert low[i] <= start and end <= high[i]
    assert set(low.tolist()) <= {s for s, _ in spans} and set(high.tolist()) <= {e for _, e in spans}


@given(spans_drawn, st.booleans(), st.floats(1, 64), st.floats(0, 1), st.data())
def test_a_mapped_page_survives_the_way_to_pixels_and_back(
    spans: list[tuple[int, int]], flipped: bool, factor: float, where: float, data: st.DataObject
) -> None:
    axis = axis_of(*spans)
    window = geo.Window.fit(axis.length, 900.0, flipped).zoomed(factor, 900.0 * where)
    start, end = data.draw(st.sampled_from(spans))
    page = data.draw(st.integers(start, end - 1))
    x = float(window.x(axis.unit(page + 0.5)))
    assert axis.page(window.unit(x)) == page
    assert axis.kind_at(float(axis.unit(page + 0.5))) == geo.MAPPED


@given(spans_drawn)
def test_the_axis_never_turns_back(spans: list[tuple[int, int]]) -> None:
    axis = axis_of(*spans)
    assert (np.diff(axis.units) > 0).all() and (np.diff(axis.pages) > 0).all()


def test_a_small_stack_stays_visible_beside_a_large_heap() -> None:
    axis = axis_of((0x1000, 0x1000 + 2000), (0x7FFFFFFDE, 0x7FFFFFFE2))
    stack = float(axis.unit(0x7FFFFFFE2) - axis.unit(0x7FFFFFFDE))
    assert stack / axis.length > 0.1


def test_long_gaps_are_narrow_breaks_and_short_gaps_are_not() -> None:
    axis = axis_of((0, 10), (12, 20), (10_000, 10_010))
    assert axis.kinds.tolist() == [geo.MAPPED, geo.GAP, geo.MAPPED, geo.BREAK, geo.MAPPED]
    gap = float(axis.unit(10_000) - axis.unit(20))
    assert gap / axis.length < 0.05
    window = geo.Window.fit(axis.length, 600.0)
    assert geo.breaks(axis, window) == [
        (pytest.approx(float(window.x(axis.unit(20)))), pytest.approx(float(window.x(axis.unit(10_000)))))
    ]


def test_favoured_pages_get_more_room() -> None:
    start, end = np.array([0, 1000]), np.array([10, 1010])
    plain, kind = geo.build_axis(start, end), geo.build_axis(start, end, favoured=np.array([1003]))
    share = [float(a.unit(1010) - a.unit(1000)) / a.length for a in (plain, kind)]
    assert share[1] > share[0] * 1.1


def test_an_axis_of_nothing_works() -> None:
    axis = geo.build_axis(np.empty(0, np.int64), np.empty(0, np.int64))
    window = geo.Window.fit(axis.length, 500.0)
    assert axis.page(window.unit(250.0)) == 0
    assert geo.ticks(axis, window, len) == [] or geo.ticks(axis, window, len)[0][1] == "0"


def test_pieces_stay_few_whatever_is_mapped() -> None:
    start = np.arange(200_000, dtype=np.int64) * 4096
    axis = geo.build_axis(start, start + 7)
    assert len(axis.kinds) <= geo.MOST_PIECES
    assert len(axis.clusters) <= geo.MOST_CLUSTERS + 1


@given(spans_drawn, st.booleans(), st.floats(1, 1000), st.floats(0, 1))
def test_labels_never_overlap_nor_leave_the_window(
    spans: list[tuple[int, int]], flipped: bool, factor: float, where: float
) -> None:
    axis = axis_of(*spans)
    window = geo.Window.fit(axis.length, 700.0, flipped).zoomed(factor, 700.0 * where)
    right = -1e9
    for x, text in geo.ticks(axis, window, lambda t: 7.0 * len(t)):
        assert x >= right + 10 and x >= -0.5 and x + 7.0 * len(text) <= 700.5
        right = x + 7.0 * len(text)


@given(st.floats(0.01, 100), st.floats(0, 800), st.booleans())
def test_zoom_keeps_what_is_under_the_cursor(factor: float, x: float, flipped: bool) -> None:
    window = geo.Window.fit(20.0, 800.0, flipped).zoomed(4.0, 400.0)
    after = window.zoomed(factor, x)
    if after.left > 0 and after.left + after.width / after.scale < after.length - 1e-9:
        assert after.unit(x) == pytest.approx(window.unit(x), abs=1e-9)
    assert 0 <= after.left <= after.length - after.width / after.scale + 1e-9


def test_a_window_pans_as_far_as_the_axis_and_flips_direction() -> None:
    window = geo.Window.fit(10.0, 100.0).zoomed(2.0, 0.0)
    assert window.panned(-20.0).left == pytest.approx(1.0)
    assert window.panned(50.0).left == 0.0
    flipped = geo.Window.fit(10.0, 100.0, True).zoomed(2.0, 0.0)
    assert float(flipped.panned(-20.0).x(7.0)) == pytest.approx(float(flipped.x(7.0)) - 20.0)


def test_showing_puts_a_span_inside() -> None:
    window = geo.Window.fit(10.0, 100.0).showing(4.0, 5.0)
    assert 0 < float(window.x(4.0)) < float(window.x(5.0)) < 100


def test_moved_means_private_anonymous_and_elsewhere_than_its_pgoff() -> None:
    start = np.array([8, 8, 8, 8, 8, 8])
    pgoff = np.array([8, 4, 4, 4, 0, 4])
    flags = np.array([3, 3, 3 | fl.SHARED, 3, 3, 3 | fl.GROWSDOWN])
    file = np.array([-1, -1, -1, 2, -1, -1])
    assert geo.moved(start, pgoff, flags, file).tolist() == [False, True, False, False, False, False]


def test_like_layouts_have_like_hashes_and_others_do_not() -> None:
    frame = frame_factory.letter()
    v = frame.vmas
    same = geo.layout_hashes(v.first, v.start, v.end, v.flags)
    assert len(set(same.tolist())) == 3 and same[0] == same[2]
    other = v.flags.copy()
    other[0] ^= fl.WRITE
    assert geo.layout_hashes(v.first, v.start, v.end, other)[0] != same[0]


def test_a_process_without_vmas_has_a_layout_too() -> None:
    hashes = geo.layout_hashes(np.array([0, 0, 1, 1]), np.array([5]), np.array([9]), np.array([3]))
    assert hashes[0] == hashes[2] != hashes[1]


def rows_of(rows: geo.Rows) -> list[tuple[int, int]]:
    return list(zip(rows.task.tolist(), rows.count.tolist(), strict=True))


def test_few_processes_are_never_folded() -> None:
    assert rows_of(geo.fold_rows(np.zeros(12, np.uint64))) == [(i, 1) for i in range(12)]


def test_like_processes_fold_under_the_first_and_the_selected_one_stays() -> None:
    hashes = np.array([7, 1, 1] + [7] * 10 + [2], np.uint64)
    folded = geo.fold_rows(hashes, keep=5)
    assert rows_of(folded) == [(0, 1), (0, 9), (1, 1), (2, 1), (5, 1), (13, 1)]
    assert folded.folded.tolist() == [False, True, False, False, False, False]
    assert folded.of_task[[0, 3, 4, 5, 12, 13]].tolist() == [0, 1, 1, 4, 1, 5]
    opened = geo.fold_rows(hashes, keep=5, unfolded=frozenset({0}))
    assert rows_of(opened) == [(i, 1) for i in range(14)]


@given(st.lists(st.integers(0, 4), max_size=60), st.integers(-1, 70))
def test_every_process_has_exactly_one_row(groups: list[int], keep: int) -> None:
    rows = geo.fold_rows(np.array(groups, np.uint64), keep=keep)
    assert int(rows.count.sum()) == len(groups)
    for task in range(len(groups)):
        row = int(rows.of_task[task])
        assert groups[int(rows.task[row])] == groups[task]
        assert rows.folded[row] or rows.task[row] == task
    if 0 <= keep < len(groups):
        assert rows.task[rows.of_task[keep]] == keep and not rows.folded[rows.of_task[keep]]


def test_a_column_takes_the_colour_that_covers_most_of_it() -> None:
    x0, x1 = np.array([0.0, 0.7, 2.0, 3.25]), np.array([0.7, 1.0, 2.4, 3.5])
    best, share, second = geo.majority(x0, x1, np.array([0, 1, 2, 0]), 3, 5)
    assert best.tolist() == [0, -1, 2, 0, -1]
    assert share.tolist() == pytest.approx([1.0, 0.0, 0.4, 0.25, 0.0])
    assert second.tolist() == [-1, -1, -1, -1, -1]
    assert geo.majority(x0, x1, np.array([0, 1, 2, 0]), 3, 5)[2][0] == -1
    near = geo.majority(np.array([0.0, 0.6]), np.array([0.6, 1.0]), np.array([0, 1]), 2, 1)
    assert (near[0][0], near[2][0]) == (0, 1)


@given(st.lists(st.tuples(st.floats(0.05, 3), st.floats(0, 2), st.integers(0, 2)), min_size=1, max_size=40))
def test_majority_loses_no_length(parts: list[tuple[float, float, int]]) -> None:
    x0, x1, at = [], [], 0.0
    for length, gap, _ in parts:
        x0.append(at)
        x1.append(at + length)
        at += length + gap
    width = int(at) + 2
    _, share, _ = geo.majority(np.array(x0), np.array(x1), np.array([k for _, _, k in parts]), 3, width)
    assert float(share.sum()) == pytest.approx(sum(length for length, _, _ in parts), abs=1e-6)


@pytest.mark.parametrize("distinct", [False, True])
def test_a_million_vmas_become_geometry_in_time(distinct: bool) -> None:
    v = frame_factory.huge(distinct=distinct).vmas
    spent = []
    for _ in range(3):
        began = time.perf_counter()
        hashes = geo.layout_hashes(v.first, v.start, v.end, v.flags)
        geo.build_axis(v.start, v.end)
        geo.fold_rows(hashes)
        spent.append(time.perf_counter() - began)
    assert min(spent) < 0.3, "budget 100 ms, three times that here"
