"""The areas of one address space, drawn: one letter a page, '.' where nothing is mapped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmapexplorer.core.operations import Brk, Madvise, Mmap, Mprotect, Mremap, Munmap
from rmapexplorer.core.units import Span
from rmapexplorer.formats.perf_space import Area, Space


def drawn(picture):
    space = Space()
    start = 0
    for index in range(1, len(picture) + 1):
        if index == len(picture) or picture[index] != picture[start]:
            if picture[start] != ".":
                space.apply(Mmap(pid=1, span=Span(start, index), kind="file-private", file=picture[start]))
            start = index
    return space


def picture(space, length=16):
    areas = [space.at(vpn) for vpn in range(length)]
    return "".join(area.file if area else "." for area in areas).rstrip(".")


@pytest.mark.parametrize(
    ("before", "op", "after"),
    [
        ("AAAA", Munmap(pid=1, span=Span(1, 3)), "A..A"),
        ("AAAA", Munmap(pid=1, span=Span(0, 9)), ""),
        ("AA.BB", Munmap(pid=1, span=Span(1, 4)), "A...B"),
        ("AA.BB", Munmap(pid=1, span=Span(2, 3)), "AA.BB"),
        ("AAAA", Mmap(pid=1, span=Span(1, 2), kind="file-private", file="B"), "ABAA"),
        ("AABB", Mmap(pid=1, span=Span(1, 3), kind="file-private", file="C"), "ACCB"),
        ("AAAA", Mremap(pid=1, span=Span(0, 4), new_pages=2), "AA"),
        ("AA", Mremap(pid=1, span=Span(0, 2), new_pages=4), "AAAA"),
        ("AABB", Mremap(pid=1, span=Span(1, 3), new_pages=2, to=6), "A..B..AB"),
        ("AABB", Mremap(pid=1, span=Span(0, 2), new_pages=3, to=5), "..BB.AAA"),
        ("AABB", Mremap(pid=1, span=Span(0, 2), new_pages=2, to=2), "..AA"),
        ("AABB", Mremap(pid=1, span=Span(0, 2), new_pages=2, to=5, dontunmap=True), "AABB.AA"),
    ],
)
def test_operations_in_pictures(before, op, after):
    space = drawn(before)
    space.apply(op)
    assert picture(space) == after


def test_file_offsets_move_with_the_pages():
    space = drawn("AAAA")
    space.apply(Munmap(pid=1, span=Span(0, 2)))
    space.apply(Mremap(pid=1, span=Span(2, 4), new_pages=3, to=8))
    assert [space.at(vpn).offset + vpn - space.at(vpn).start for vpn in (8, 9, 10)] == [2, 3, 4]


def test_mprotect_changes_only_its_span():
    space = drawn("AAAA")
    space.apply(Mprotect(pid=1, span=Span(1, 3), prot="r"))
    assert [space.at(vpn).prot for vpn in range(4)] == ["rw", "r", "r", "rw"]


def test_brk_grows_and_shrinks():
    space = Space()
    space.apply(Brk(pid=1, end=8, start=4))
    assert [space.at(vpn) is not None for vpn in (3, 4, 7, 8)] == [False, True, True, False]
    space.apply(Brk(pid=1, end=6))
    assert [space.at(vpn) is not None for vpn in (5, 6)] == [True, False]


def test_a_stack_grows_down_but_not_for_ever():
    space = Space()
    space.put(Area(10_000, 10_010, "rw", grows=True))
    assert space.grow(9_990).start == 9_990 and space.at(9_995).end == 10_010
    assert space.grow(100) is None
    assert drawn("..AA").grow(1) is None


def test_a_child_gets_all_but_what_is_not_for_it():
    space = drawn("AABB")
    space.apply(Madvise(pid=1, span=Span(1, 3), advice="dontfork"))
    child = space.forked()
    assert picture(child) == "A..B" and picture(space) == "AABB"
    child.apply(Munmap(pid=1, span=Span(0, 1)))
    assert picture(space) == "AABB"


@given(st.lists(st.tuples(st.sampled_from("ABC."), st.integers(0, 15), st.integers(1, 8)), max_size=12))
def test_areas_agree_with_a_list_of_pages(steps):
    space, pages = Space(), ["."] * 24
    for letter, start, length in steps:
        if letter == ".":
            space.cut(start, start + length)
        else:
            space.put(Area(start, start + length, "r", "file-private", letter))
        pages[start : start + length] = letter * length
        assert space.starts == sorted(a.start for a in space.areas)
    assert picture(space, 24) == "".join(pages).rstrip(".")
