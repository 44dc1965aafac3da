"""Operations as one line of the history."""

from __future__ import annotations

import pytest

from rmapexplorer.core.operations import Touch, describe


@pytest.mark.parametrize(("runs", "rest"), [(1, ""), (2, ", +1 run"), (3, ", +2 runs")])
def test_a_touch_says_how_many_runs_follow_the_first(runs: int, rest: str) -> None:
    op = Touch(pid=1, runs=tuple((n, n + 1, "w") for n in range(0, 2 * runs, 2)))
    assert describe(op) == f"write(1, 0-1{rest})"
