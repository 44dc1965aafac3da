"""The timeline against a naive model: a dict of named lists."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmapexplorer.core.operations import Reclaim
from rmapexplorer.engine.timeline import MAIN, ROOT, Timeline, grown, shared_prefix

MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 99)),
        st.tuples(st.just("seek"), st.integers(-2, 30)),
        st.tuples(st.just("switch"), st.integers(0, 9)),
    ),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(MOVES)
def test_like_a_dict_of_lists(moves):
    """Every branch keeps exactly the operations it was given, whatever happens elsewhere."""
    line = Timeline()
    model: dict[str, list[int]] = {MAIN: []}
    current, at = MAIN, 0
    for move, value in moves:
        if move == "append":
            if at < len(model[current]):
                fresh = f"branch {len(model) + 1}"
                model[fresh] = model[current][:at]
                current = fresh
            model[current].append(value)
            at += 1
            line.append(Reclaim(pages=value))
        elif move == "seek":
            at = max(0, min(value, len(model[current])))
            assert line.seek(value) == at
        else:
            current = list(model)[value % len(model)]
            line.switch(current)
            at = line.cursor
        assert line.branch == current
        assert line.cursor == at
        assert [line.operations[n].pages for n in line.path] == model[current]
    for name, numbers in model.items():
        assert [line.operations[n].pages for n in line.path_to(line.branches[name])] == numbers
    assert all(line.parents[n] < n for n in range(len(line.parents)))
    assert [line.depth(n) for n in line.path] == list(range(1, line.head + 1))


def test_acting_in_the_past_keeps_the_old_tail():
    line = grown([Reclaim(pages=n) for n in range(5)])
    line.seek(2)
    node = line.append(Reclaim(pages=9))
    assert line.branch == "branch 2"
    assert line.path == [0, 1, node]
    assert line.switch(MAIN) == 2
    assert line.path == [0, 1, 2, 3, 4]
    assert line.cursor == 2


def test_on_path_knows_other_branches():
    line = grown([Reclaim(pages=n) for n in range(3)])
    line.seek(1)
    line.append(Reclaim(pages=9))
    assert [line.on_path(n) for n in (ROOT, 0, 1, 2, 3)] == [True, True, False, False, True]


@pytest.mark.parametrize(
    ("parents", "branches"), [((-1, 1), None), ((-1, -2), None), (None, {"main": 2}), (None, {"main": -2})]
)
def test_a_log_that_contradicts_itself_is_refused(parents, branches):
    with pytest.raises(ValueError, match="operation"):
        grown([Reclaim(), Reclaim()], parents, branches)


def test_shared_prefix():
    assert shared_prefix([1, 2, 3], [1, 2, 4, 5]) == 2
    assert shared_prefix([], [1]) == 0
    assert shared_prefix([1, 2], [1, 2, 3]) == 2
