"""Stabbing queries on a list of vmas, many at once, against looking at every member."""

from __future__ import annotations

import numpy as np
import pytest

from rmapexplorer.core.index.files import stab_list
from rmapexplorer.core.table import NONE, VmaTable, ids


def vmas(spans: list[tuple[int, int]]) -> VmaTable:
    """Rows 0, 1, ... that show pages [pgoff, pgoff + length) of a file."""
    table = VmaTable()
    for number, (pgoff, length) in enumerate(spans):
        table.new(start=100 * number, end=100 * number + length, pgoff=pgoff)
    return table


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("queries", [1, 2, 40])
def test_answers_are_those_of_looking_at_each(seed: int, queries: int) -> None:
    random = np.random.default_rng(seed)
    spans = [(int(at), int(length)) for at, length in random.integers((0, 1), (50, 20), (60, 2))]
    table, order = vmas(spans), random.permutation(60)
    indexes = random.integers(0, 70, queries)
    answers = stab_list(table, order, indexes)
    assert len(answers) == queries
    for index, stab in zip(indexes.tolist(), answers, strict=True):
        walk = [(row, at + 1) for at, row in enumerate(order.tolist()) if spans[row][0] <= index < sum(spans[row])]
        assert list(zip(stab.vmas.tolist(), stab.nodes.tolist(), strict=True)) == walk
        assert stab.rejects.tolist() == [place - rank for rank, (_, place) in enumerate(walk, 1)]
        assert (stab.total, stab.total_rejects) == (60, 60 - len(walk))


def test_of_nothing_there_is_nothing() -> None:
    assert stab_list(vmas([]), NONE, NONE) == []
    [only] = stab_list(vmas([]), NONE, ids(3))
    assert (len(only.vmas), only.total, only.total_rejects) == (0, 0, 0)
    first, second = stab_list(vmas([(3, 1)]), ids(0), ids([4, 3]))
    assert (first.vmas.tolist(), second.vmas.tolist()) == ([], [0])
