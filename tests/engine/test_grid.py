"""Where a log has probes: chosen by the log alone, few where they are dear, and never elsewhere when the log grows."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rmapexplorer.core.operations import Operation, Reclaim, Touch
from rmapexplorer.engine.grid import ALWAYS, MOST, Grid, grid_of
from rmapexplorer.engine.timeline import grown


def log(count: int, pages: int = 0) -> list[Operation]:
    """Operations that write so many pages each."""
    op: Operation = Touch(pid=1, runs=((0, pages, "w"), (0, 9, "r"))) if pages else Reclaim(pages=1)
    return [op] * count


def test_a_short_log_has_a_probe_everywhere_and_a_long_one_at_most_so_many() -> None:
    assert grid_of(grown([]), 0).positions() == [0]
    assert grid_of(grown(log(MOST)), MOST).positions() == list(range(MOST + 1))
    assert grid_of(grown(log(MOST + 1)), MOST + 1).positions() == [*range(0, MOST + 1, 2), MOST + 1]
    for count in (1000, 4003, 300_000):
        assert MOST // 2 <= len(grid_of(grown(log(count)), count).positions()) <= MOST + 2


def test_dear_probes_are_fewer_but_never_very_few() -> None:
    for count in (ALWAYS, ALWAYS + 1, 3 * ALWAYS, 5000):
        found = grid_of(grown(log(count, pages=1_000_000)), count).positions()
        assert ALWAYS // 2 < len(found) <= ALWAYS + 2, count
    assert grid_of(grown(log(ALWAYS, pages=1_000_000)), ALWAYS).stride == 1


def test_reading_costs_nothing_and_what_a_branch_left_behind_does_not_count() -> None:
    line = grown(
        [*log(200, pages=10_000_000), *log(3)], parents=[*range(-1, 199), -1, 200, 201], branches={"a": 199, "b": 202}
    )
    assert line.branch == "a" and grid_of(line, 200).stride == 4
    line.switch("b")
    assert grid_of(line, 3) == Grid(1, 3)


@given(st.lists(st.integers(0, 400_000), min_size=1, max_size=700))
def test_a_log_that_grows_keeps_its_positions_or_every_other_of_them(pages: list[int]) -> None:
    line = grown([Touch(pid=1, runs=((0, count, "w"),)) for count in pages])
    strides = [grid_of(line, last).stride for last in range(len(pages) + 1)]
    assert strides == sorted(strides) and all(stride & (stride - 1) == 0 for stride in strides)
    found = grid_of(line, len(pages))
    assert found.positions() == [at for at in range(len(pages) + 1) if at in found]
    assert np.flatnonzero(~found.without(0, len(pages) + 1)).tolist() == found.positions()
