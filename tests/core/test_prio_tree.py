"""The prio_tree against its definition: the one shape a set of keys has, and vm_sets as plain lists.

Drawings: ``(key, left, right)``, a key is (first, last) page of the file.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmapexplorer.core.index.files import Stab
from rmapexplorer.core.index.prio_tree import PrioTreeIndex
from rmapexplorer.core.table import NONE, VmaTable, ids

Key = tuple[int, int]


def drawing(index: PrioTreeIndex, file: int = 0) -> Any:
    """The tree as nested tuples."""

    def below(row: int) -> Any:
        if row < 0:
            return None
        first = int(index.vma.pgoff[row])
        _, left, right = index.links(row)
        return (first, first + int(index.vma.end[row] - index.vma.start[row]) - 1), below(left), below(right)

    order = index.order(file)
    return below(int(order[0]) if len(order) else -1)


class Spans:
    """A vma table and its index, filled by page spans of files."""

    def __init__(self) -> None:
        self.vma = VmaTable()
        self.index = PrioTreeIndex(self.vma)

    def row(self, first: int, last: int, file: int = 0) -> int:
        """A vma that maps pages first to last, not yet in the index."""
        return self.vma.new(start=100, end=100 + last - first + 1, pgoff=first, file=file)

    def add(self, *keys: Key, file: int = 0) -> list[int]:
        """Insert vmas in turn."""
        rows = [self.row(*key, file=file) for key in keys]
        for row in rows:
            self.index.insert(row)
        return rows

    def fork(self, *parents: int) -> list[int]:
        """Children's vmas beside their parents'."""
        children = self.vma.copy_rows(ids(parents))
        self.index.insert_forked(ids(parents), children)
        return children.tolist()


# -- examples drawn by hand -----------------------------------------------------------------------

SEVEN = ((5, 5), (1, 6), (4, 6), (2, 3), (0, 7), (4, 4))
SEVEN_TREE = (
    (0, 7),
    ((1, 6), None, ((2, 3), None, None)),
    ((4, 6), ((5, 5), ((4, 4), None, None), None), None),
)


@pytest.mark.parametrize("turn", range(6))
def test_a_set_of_keys_has_one_shape_whatever_the_order(turn):
    s = Spans()
    s.add((0, 7))  # index_bits is 3 from the start: only growing would tell the orders apart
    s.add(*(key for key in SEVEN[turn:] + SEVEN[:turn] if key != (0, 7)))
    assert drawing(s.index) == SEVEN_TREE
    assert s.index.index_bits(0) == 3
    assert s.index.in_order(0)


def found(stab: Stab) -> tuple[list[int], list[int], int, list[int], int]:
    return stab.vmas.tolist(), stab.nodes.tolist(), stab.total, stab.rejects.tolist(), stab.total_rejects


def test_a_query_prunes_by_heap_after_a_look_and_by_radix_without_one():
    s = Spans()
    a, b, c, d, e, f = s.add((0, 7), (1, 6), (4, 6), (2, 3), (5, 5), (4, 4))
    (twin,) = s.fork(b)
    at = s.index.stab(0, ids([5, 0, 9]))
    # A, B and its twin, D (last page 3: left), C, E, F (last page 4: left)
    assert found(at[0]) == ([a, b, twin, c, e], [1, 2, 3, 5, 6], 7, [0, 0, 0, 1, 1], 2)
    # A; B begins behind page 0; pages from 2 and from 4 on are not looked at
    assert found(at[1]) == ([a], [1], 2, [0], 1)
    assert found(at[2]) == ([], [], 1, [], 1)
    assert s.index.order(0).tolist() == [a, b, twin, d, c, e, f]


def test_equal_first_pages_are_told_apart_by_size_down_to_the_last_bit():
    s = Spans()
    s.add((0, 0), (0, 3), (0, 1), (1, 3), (0, 2))
    chain = None
    for key in ((0, 0), (0, 1), (0, 2), (1, 3), (0, 3)):
        chain = (key, chain, None)
    assert drawing(s.index) == chain
    assert s.index.index_bits(0) == 2
    assert s.index.height(0) == 4 == 2 * s.index.index_bits(0)


def test_of_equal_last_pages_the_smaller_first_page_is_above():
    s = Spans()
    s.add((2, 3), (0, 3), (1, 3))
    assert drawing(s.index) == ((0, 3), ((1, 3), None, None), ((2, 3), None, None))


def test_a_greater_last_page_makes_the_tree_a_level_deeper_for_each_bit():
    s = Spans()
    s.add((0, 0), (1, 1), (0, 1))
    assert drawing(s.index) == ((0, 1), ((0, 0), None, None), ((1, 1), None, None))
    assert s.index.index_bits(0) == 1
    s.add((3, 3))  # one bit more: the old tree as it is, under the new root
    assert drawing(s.index) == ((3, 3), ((0, 1), ((0, 0), None, None), ((1, 1), None, None)), None)
    s.add((2, 16))  # three bits more: two of the old tree fill the levels between
    rest = ((1, 1), ((0, 0), None, None), None)
    assert drawing(s.index) == ((2, 16), ((3, 3), ((0, 1), rest, None), None), None)
    assert s.index.index_bits(0) == 5


def test_expanding_by_more_bits_than_there_are_nodes_strings_them_all():
    s = Spans()
    s.add((0, 0), (1, 1), (2**40, 2**40))
    assert drawing(s.index) == ((2**40, 2**40), ((1, 1), ((0, 0), None, None), None), None)
    assert s.index.index_bits(0) == 41


def test_index_bits_stay_until_the_tree_is_empty():
    s = Spans()
    low, high = s.add((0, 1), (0, 900))
    s.index.remove(high)
    assert s.index.index_bits(0) == 10
    s.index.remove(low)
    assert s.index.index_bits(0) == 1
    assert s.index.size(0) == 0
    assert drawing(s.index) is None


def test_removal_moves_the_child_with_the_greater_last_page_up():
    s = Spans()
    rows = s.add((0, 7), (1, 6), (4, 6), (2, 3), (5, 5), (4, 4))
    s.index.remove(rows[0])  # 1-6 and 4-6 end alike: the left one
    right = ((4, 6), ((5, 5), ((4, 4), None, None), None), None)
    assert drawing(s.index) == ((1, 6), ((2, 3), None, None), right)
    s.index.remove(rows[1])
    assert drawing(s.index) == ((4, 6), ((2, 3), None, None), ((5, 5), ((4, 4), None, None), None))
    assert s.index.in_order(0)


def test_fork_hangs_vmas_on_their_parents_without_a_look_at_the_tree():
    s = Spans()
    a, other = s.add((0, 3), (8, 9))
    before = drawing(s.index)
    b, _ = s.fork(a, other)
    (c,) = s.fork(a)  # the parent is in the tree: last of its set
    (d,) = s.fork(b)  # the parent is in the set: right behind it
    assert drawing(s.index) == before
    assert s.index.vm_set(a).tolist() == [b, d, c]
    assert [s.index.is_node(row) for row in (a, b, c, d, other)] == [True, False, False, False, True]
    (late,) = s.add((0, 3))
    assert s.index.vm_set(a).tolist() == [b, d, c, late]


def test_two_parents_with_the_same_keys_in_one_fork():
    s = Spans()
    a, b = s.add((0, 3), (0, 3))
    c, d = s.fork(a, b)
    assert s.index.order(0).tolist() == [a, b, d, c]


def test_the_first_of_a_set_takes_the_place_of_its_tree_node():
    s = Spans()
    top, left, right = s.add((0, 7), (1, 2), (5, 6))
    first, second = *s.fork(top), *s.fork(top)
    before = drawing(s.index)
    s.index.remove(top)
    assert drawing(s.index) == before
    assert s.index.links(first) == (-1, left, right)
    assert s.index.vm_set(first).tolist() == [second]
    assert s.index.links(left) == (first, -1, -1)
    s.index.remove(second)
    assert s.index.vm_set(first).tolist() == []
    assert drawing(s.index) == before


def test_keys_are_those_of_the_time_of_insertion():
    s = Spans()
    a, b = s.add((0, 7), (4, 5))
    s.vma.end[a] -= 4
    assert not s.index.in_order(0)
    s.index.remove(a)
    s.index.insert(a)
    assert s.index.in_order(0)
    assert drawing(s.index) == ((4, 5), ((0, 3), None, None), None)


def test_files_have_trees_of_their_own_and_strangers_are_left_alone():
    s = Spans()
    (a,), (b,) = s.add((0, 3), file=2), s.add((0, 3), file=5)
    assert s.index.order(2).tolist() == [a]
    assert s.index.order(5).tolist() == [b]
    assert [s.index.size(file) for file in (0, 2, 5)] == [0, 1, 1]
    assert found(s.index.stab(0, ids(1))[0]) == ([], [], 0, [], 0)
    assert s.index.stab(2, NONE) == []
    s.index.remove(s.row(0, 3, file=2))
    s.index.remove_many(ids([a, a + 40]))
    assert s.index.order(2).tolist() == []
    assert s.index.order(5).tolist() == [b]


@pytest.mark.parametrize("column, node, value", [("heap", 0, 3), ("radix", 3, 4), ("up", 4, 1), ("left", 0, -1)])
def test_a_broken_tree_is_found(column, node, value):
    s = Spans()
    s.add((0, 7), (1, 6), (4, 6), (2, 3), (5, 5), (4, 4))
    assert s.index.in_order(0)
    getattr(s.index.trees, column)[node] = value
    assert not s.index.in_order(0)


# -- against the definition -----------------------------------------------------------------------


class Definition:
    """Keys and their vmas (the first one in the tree, then its set), by file; no tree is kept."""

    def __init__(self) -> None:
        self.sets: dict[int, dict[Key, list[int]]] = {}
        self.bits: dict[int, int] = {}

    def insert(self, file: int, key: Key, row: int) -> None:
        self.sets.setdefault(file, {}).setdefault(key, []).append(row)
        self.bits[file] = max(self.bits.get(file, 1), key[1].bit_length())

    def where(self, row: int) -> tuple[int, Key, int]:
        for file, sets in self.sets.items():
            for key, rows in sets.items():
                if row in rows:
                    return file, key, rows.index(row)
        raise KeyError(row)

    def fork(self, parent: int, child: int) -> None:
        file, key, at = self.where(parent)
        rows = self.sets[file][key]
        rows.insert(at + 1 if at else len(rows), child)

    def remove(self, row: int) -> None:
        file, key, at = self.where(row)
        del self.sets[file][key][at]
        if not self.sets[file][key]:
            del self.sets[file][key]
        if not self.sets[file]:
            self.bits[file] = 1

    def nodes(self, file: int) -> list[tuple[Key, list[Key], int]]:
        """In pre-order: key, keys on the way to it, and the smallest first page the turns to it allow."""
        bits = self.bits.get(file, 1)
        out: list[tuple[Key, list[Key], int]] = []

        def below(keys: set[Key], above: list[Key], prefix: str) -> None:
            if not keys:
                return
            top = min(keys, key=lambda key: (-key[1], key[0]))
            out.append((top, above, int(prefix[:bits].ljust(bits, "0"), 2)))
            for turn in "01":
                fit = {k for k in keys - {top} if f"{k[0]:0{bits}b}{k[1] - k[0]:0{bits}b}".startswith(prefix + turn)}
                below(fit, [*above, top], prefix + turn)

        below(set(self.sets.get(file, {})), [], "")
        return out

    def order(self, file: int) -> list[int]:
        return [row for key, _, _ in self.nodes(file) for row in self.sets[file][key]]

    def stab(self, file: int, index: int) -> tuple[list[int], list[int], int, list[int], int]:
        vmas: list[int] = []
        nodes: list[int] = []
        rejects: list[int] = []
        total = missed = 0
        for key, above, least in self.nodes(file):
            if least > index or any(last < index for _, last in above):
                continue
            if not key[0] <= index <= key[1]:
                total, missed = total + 1, missed + 1
                continue
            for row in self.sets[file][key]:
                total += 1
                vmas.append(row)
                nodes.append(total)
                rejects.append(missed)
        return vmas, nodes, total, rejects, missed


FILES = (0, 3)
firsts = st.one_of(st.integers(0, 7), st.integers(0, 40), st.integers(0, 1 << 20), st.sampled_from([2**31, 2**51 - 9]))
pages = st.one_of(st.integers(1, 3), st.integers(1, 12), st.integers(1, 3000))
small = st.tuples(st.integers(0, 12), st.integers(1, 5))
spans = st.one_of(small, st.tuples(firsts, pages))
seeds = st.integers(0, 1 << 16)
some = st.sets(st.integers(0, 30), max_size=14)
steps = st.one_of(
    st.tuples(st.just("insert"), st.sampled_from(FILES), spans),
    st.tuples(st.just("insert"), st.just(0), small),
    st.tuples(st.just("fork"), st.just(0), some),
    st.tuples(st.just("remove"), st.just(0), some),
    st.tuples(st.just("remove one"), seeds, st.none()),
    st.tuples(st.just("resize"), seeds, spans),
    st.tuples(st.just("copy"), seeds, st.none()),
)


class Pair:
    """The index and the definition, in step."""

    def __init__(self) -> None:
        self.spans = Spans()
        self.definition = Definition()
        self.rows: list[int] = []

    def step(self, what: str, number: int, more: Any) -> None:
        chosen = [row for at, row in enumerate(self.rows) if isinstance(more, set) and at in more]
        if what == "insert":
            self.insert(self.spans.row(more[0], more[0] + more[1] - 1, file=number))
        elif what == "fork":
            children = self.spans.fork(*chosen) if chosen else []
            for parent, child in zip(chosen, children, strict=True):
                self.definition.fork(parent, child)
            self.rows += children
        elif what == "copy":
            self.copy(number)
        elif what == "remove":
            self.spans.index.remove_many(ids(chosen))
            self.forget(chosen)
        elif self.rows:
            row = self.rows[number % len(self.rows)]
            self.spans.index.remove(row)
            self.forget([row])
            if what == "resize":
                vma = self.spans.vma
                vma.pgoff[row], vma.end[row] = more[0], vma.start[row] + more[1]
                self.insert(row)

    def insert(self, row: int) -> None:
        vma = self.spans.vma
        self.spans.index.insert(row)
        first = int(vma.pgoff[row])
        self.definition.insert(int(vma.file[row]), (first, first + int(vma.end[row] - vma.start[row]) - 1), row)
        self.rows.append(row)

    def forget(self, rows: list[int]) -> None:
        for row in rows:
            self.definition.remove(row)
            self.rows.remove(row)

    def copy(self, seed: int) -> None:
        """Go on with a copy; what happens to the old one must not show."""
        old, self.spans = self.spans, Spans()
        self.spans.vma = old.vma.copy()
        self.spans.index = old.index.copy(self.spans.vma)
        for row in self.rows[seed % 3 :: 2]:
            old.index.remove(row)
        old.add((0, 3), (seed, 1 << 30))
        if self.rows:
            old.fork(*self.rows[: seed % 3])

    def check(self, file: int) -> None:
        index, definition = self.spans.index, self.definition
        order = definition.order(file)
        assert index.in_order(file)
        assert index.order(file).tolist() == order
        assert index.size(file) == len(order)
        assert index.index_bits(file) == definition.bits.get(file, 1)
        assert index.height(file) <= 2 * index.index_bits(file)
        keys = definition.sets.get(file, {})
        at = sorted({max(0, page + near) for key in keys for page in key for near in (-1, 0, 1)} | {0, 5})
        for page, stab in zip(at, index.stab(file, ids(at)), strict=True):
            assert found(stab) == definition.stab(file, page)
            hits = sum(first <= page <= last for first, last in keys)
            assert stab.total <= 2 * (hits + index.index_bits(file)) + 3 + len(stab.vmas) - hits
            assert sorted(stab.vmas.tolist()) == sorted(
                row for key, rows in keys.items() for row in rows if key[0] <= page <= key[1]
            )


@given(st.lists(steps, min_size=10, max_size=60))
@settings(max_examples=200)
def test_any_sequence_of_calls_gives_the_tree_of_the_definition(calls):
    pair = Pair()
    for what, number, more in calls:
        pair.step(what, number, more)
        for file in FILES:
            pair.check(file)


@given(st.lists(spans, min_size=1, max_size=40), st.randoms())
def test_the_order_of_insertion_shows_only_in_the_sets(keys, random):
    bounds = [(first, first + count - 1) for first, count in keys]
    deepest = max(bounds, key=lambda key: key[1])
    drawings = []
    for _ in range(3):
        random.shuffle(bounds)
        s = Spans()
        s.add(deepest, *bounds)
        drawings.append(drawing(s.index))
    assert drawings[0] == drawings[1] == drawings[2]


@given(st.lists(steps, min_size=1, max_size=30))
@settings(max_examples=30)
def test_equal_calls_give_equal_columns(calls):
    states = []
    for _ in range(2):
        pair = Pair()
        for what, number, more in calls:
            pair.step(what, number, more)
        index = pair.spans.index
        states.append((vars(index.trees), {name: column.tolist() for name, column in vars(index.sets).items()}))
    assert states[0] == states[1]
