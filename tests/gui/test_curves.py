"""Arithmetic of the curves against plain numpy: buffers, pyramid, ticks, labels, and the time budget."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmapexplorer.engine.frames import MetricRows
from rmapexplorer.gui.curves import CurveStore, figure, size_text, spread, squash, steps, ticks, unsquash


def rows(values: np.ndarray, start: int = 0, *, generation: int = 1, truncate: bool = False) -> MetricRows:
    designs = tuple(f"d{n}" for n in range(values.shape[1]))
    return MetricRows(generation=generation, start=start, designs=designs, values=values, truncate=truncate)


def noise(count: int, designs: int = 2, metrics: int = 3, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.normal(0, 10, size=(count, designs, metrics)), axis=0)


pieces = st.lists(st.tuples(st.floats(0, 1), st.integers(1, 300), st.booleans()), min_size=1, max_size=8)


@given(pieces, st.integers(2, 60), st.floats(0, 1), st.floats(0, 1))
def test_any_rewriting_reads_back_and_the_pyramid_agrees(
    plan: list[tuple[float, int, bool]], pixels: int, left: float, right: float
) -> None:
    store, plain = CurveStore(3), np.empty((0, 2, 3))
    for number, (where, count, truncate) in enumerate(plan):
        start, new = round(where * len(plain)), noise(count, seed=number)
        store.apply(rows(new, start, truncate=truncate))
        tail = plain[start + count :] if not truncate else plain[:0]
        plain = np.concatenate([plain[:start], new, tail])
    assert store.length == len(plain)
    np.testing.assert_array_equal(store.values(1, 1), plain[:, 1, 1])
    low, high = sorted((round(left * len(plain)), round(right * len(plain))))
    part = plain[low:high, :, 2]
    assert store.extent(2, low, high) == ((part.min(), part.max()) if part.size else (0.0, 0.0))
    x, y = store.polyline(0, 1, 0, len(plain) - 1, pixels)
    assert (y.min(), y.max()) == (plain[:, 1, 0].min(), plain[:, 1, 0].max())
    assert len(x) <= 2 * pixels + 2
    assert (np.diff(x) >= 0).all()


def test_every_column_of_pixels_reaches_from_its_least_to_its_largest_value() -> None:
    store, values = CurveStore(1), noise(4096, 1, 1)
    store.apply(rows(values))
    x, y = store.polyline(0, 0, 0, 4095, 64)
    for at in range(0, len(x), 2):
        end = x[at + 2] if at + 2 < len(x) else 4096
        part = values[int(x[at]) : int(end), 0, 0]
        assert {y[at], y[at + 1]} == {part.min(), part.max()}


def test_few_points_are_exact_steps() -> None:
    store = CurveStore(1)
    store.apply(rows(np.array([1.0, 3.0, 2.0]).reshape(3, 1, 1)))
    x, y = store.polyline(0, 0, 0, 2, 100)
    assert x.tolist() == [0, 1, 1, 2, 2]
    assert y.tolist() == [1, 1, 3, 3, 2]
    assert steps(np.array([5.0]), np.array([7.0]))[1].tolist() == [7.0]


def test_a_new_generation_or_other_designs_start_over_and_old_rows_are_dropped() -> None:
    store = CurveStore(3)
    store.apply(rows(noise(10), generation=2))
    assert not store.apply(rows(noise(5), generation=1))
    assert store.length == 10
    store.apply(rows(noise(4, designs=5), generation=2))
    assert (store.length, len(store.designs)) == (4, 5)


def probed(values: list[float]) -> np.ndarray:
    """Rows of one design: a metric that is always known, and one that is ``values``."""
    return np.stack([np.ones(len(values)), np.array(values, dtype=float)], axis=1).reshape(-1, 1, 2)


NAN = math.nan


def test_between_measured_positions_there_is_no_value() -> None:
    store = CurveStore(2, probed=(1,))
    store.apply(rows(probed([NAN, NAN, 4, NAN, NAN, 2, NAN])))
    np.testing.assert_array_equal(store.values(1, 0), [NAN, NAN, 4, NAN, NAN, 2, NAN])
    assert store.sparse(1) and not store.sparse(0)
    assert np.isnan(store.at(3)[1, 0]) and np.isnan(store.at(99)).all()
    assert [store.measured(1, at) for at in (1, 2, 4, 6)] == [-1, 2, 2, 5]
    assert store.ends(1, 4).tolist() == [4]


def test_points_in_sight_and_the_next_at_each_side() -> None:
    store, values = CurveStore(2, probed=(1,)), [float(k) if k % 10 == 0 else NAN for k in range(101)]
    store.apply(rows(probed(values)))
    for low, high, found in (
        (25, 45, [20, 30, 40, 50]),
        (20, 30, [10, 20, 30]),
        (-5, 3, [0, 10]),
        (99, 200, [90, 100]),
    ):
        x, y = store.points(1, 0, low, high)
        assert x.tolist() == y.tolist() == found
    assert store.extent(1, 23, 27) == (20, 30), "the thin line in sight is ranged"


def test_no_line_leads_over_probes_that_are_still_to_come() -> None:
    store, values = CurveStore(2, probed=(1,)), [1.0 if k in (0, 10, 20, 70, 75) else NAN for k in range(76)]
    store.apply(rows(probed(values)))
    x, y = store.points(1, 0, 0, 75)
    assert x.tolist() == [0, 10, 20, 20, 70, 75] and np.flatnonzero(np.isnan(y)).tolist() == [3]


def test_a_curve_ends_where_its_design_has_not_been_run() -> None:
    store = CurveStore(2)
    store.apply(rows(np.concatenate([probed([3, 3]), np.full((4, 1, 2), NAN)])))
    np.testing.assert_array_equal(store.values(1, 0), [3, 3, NAN, NAN, NAN, NAN])
    assert store.ends(1, 5).tolist() == [3]
    store.apply(rows(probed([5.0]), 9))  # and what was never told is not invented
    assert np.isnan(store.values(1, 0)[2:9]).all()
    assert store.ends(1, 9).tolist() == [5]


def test_a_probe_that_comes_later_and_one_that_is_taken_back() -> None:
    store = CurveStore(2, probed=(1,))
    store.apply(rows(probed([1.0] + [NAN] * 20_000)))
    store.fresh.clear()
    assert store.apply(rows(probed([5.0]), 10)) and store.fresh == {1}
    assert store.points(1, 0, 0, 20_000)[0].tolist() == [0, 10]
    store.apply(rows(probed([NAN]), 10))
    assert store.points(1, 0, 0, 20_000)[0].tolist() == [0]
    store.fresh.clear()
    assert not store.apply(rows(probed([NAN]), 10)), "nothing changed"


def test_24_curves_of_100_000_points_are_ready_within_a_frame() -> None:
    store, values = CurveStore(6), noise(100_000, 4, 6)
    began = time.perf_counter()
    for start in range(0, 100_000, 1000):
        store.apply(rows(values[start : start + 1000], start))
    assert time.perf_counter() - began < 1.5  # appending is amortised
    best = min(_once(store) for _ in range(5))
    assert best < 0.033


def _once(store: CurveStore) -> float:
    began = time.perf_counter()
    for metric in range(6):
        store.extent(metric, 0, 100_000)
        for design in range(4):
            store.polyline(metric, design, 0, 100_000, 450)
    return time.perf_counter() - began


@given(st.lists(st.floats(-50, 250), min_size=1, max_size=8), st.floats(4, 20), st.floats(0, 50), st.floats(60, 300))
def test_labels_never_overlap_where_there_is_room(wanted: list[float], size: float, low: float, extra: float) -> None:
    high = low + extra
    places = spread(wanted, size, low, high)
    order = sorted(places)
    gap = min(size, (high - low) / len(places))
    assert all(b - a >= gap - 1e-6 for a, b in zip(order, order[1:], strict=False))
    assert order[0] >= low - 1e-6
    assert order[-1] <= high + 1e-6
    for one, other in zip(wanted, wanted[1:], strict=False):  # the order of the curves is kept
        if one < other and low <= one and other <= high:
            assert places[wanted.index(one)] < places[wanted.index(other)]


def test_labels_with_room_stay_where_they_are() -> None:
    assert spread([20.0, 60.0, 40.0], 12, 0, 100) == [20.0, 60.0, 40.0]
    assert spread([50.0, 50.0], 10, 0, 100) == [45.0, 55.0]


@pytest.mark.parametrize("value", [0.0, 1.0, 17.0, 1e6, -5.0])
def test_zero_has_a_place_on_the_log_scale(value: float) -> None:
    assert squash(0.0, True) == 0.0
    assert unsquash(float(squash(value, True)), True) == pytest.approx(value)


@pytest.mark.parametrize(
    ("low", "high", "options", "expected"),
    [
        (0, 4, {}, [0, 2, 4]),
        (0, 100, {}, [0, 50, 100]),
        (0, 20_000, {"binary": True}, [0, 16384]),
        (0, 1e6, {"log": True}, [0, 1e2, 1e4, 1e6]),
        (0, 3, {"log": True}, [0, 2]),
    ],
)
def test_ticks_are_round(low: float, high: float, options: dict[str, bool], expected: list[float]) -> None:
    assert ticks(low, high, 4 if high >= 1e6 else 3, **options) == expected


def test_whole_things_have_no_halves_on_the_axis() -> None:
    assert ticks(0, 4, 2) == [0, 2, 4]
    assert ticks(0, 4, 2, whole=False) == [0, 2.5]
    assert all(tick == int(tick) for high in range(1, 400) for most in range(2, 6) for tick in ticks(0, high, most))


def test_figures() -> None:
    assert size_text(1536) == "1.5 KiB"
    assert figure(float("nan"), "pages") == "–"
    assert figure(1234567.0, "nodes") == "1,234,567"
    assert figure(96, "bytes") == "96 B"
