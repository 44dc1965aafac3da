"""The structures around a page of a file: page, file and every vma that maps it are joined, in every design."""

from __future__ import annotations

from typing import Any

import pytest

from rmapexplorer.core.operations import Fork, Mmap, Operation, Spawn, Touch
from rmapexplorer.core.units import Span
from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.engine.detail import detail
from rmapexplorer.engine.frames import Structure

from .worlds import world_of

OWN_WAY = {design.key for design in DESIGNS if design.FILE_PAGES_OWN_WAY}
"""Designs that find the pages of files in a way of their own, and draw that."""


def log(written: bool = False) -> list[Operation]:
    """Two programs and a child map a library; all have read its first page, one has written another."""
    library = Span(16, 24)
    ops: list[Operation] = []
    for pid in (1, 2):
        ops += [Spawn(pid=pid, comm=f"prog{pid}"), Mmap(pid=pid, span=library, kind="file-private", file="lib.so"),
                Touch(pid=pid, runs=((16, 17, "r"),))]  # fmt: skip
    ops += [Touch(pid=1, runs=((20, 21, "w"),))] if written else []
    return [*ops, Fork(pid=1, child=3), Touch(pid=3, runs=((16, 17, "r"),))]


def seen(key: str, ops: list[Operation], spot: tuple[int, int]) -> Any:
    design = next(kind for kind in DESIGNS if kind.key == key)
    return detail({key: world_of(design, ops)}, key, *spot)


def reached(structure: Structure, start: str) -> set[str]:
    """Keys that links lead to from a box."""
    found, todo = {start}, [start]
    while todo:
        here = todo.pop()
        new = {link.target for link in structure.links if link.source == here} - found
        found |= new
        todo += new
    return found


@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize("key", [design.key for design in DESIGNS])
def test_page_file_vmas_and_tasks_are_joined(key: str, written: bool) -> None:
    structure = seen(key, log(written), (1, 16)).structure
    titles = {node.key: node for node in structure.nodes}
    joined = reached(structure, next(node.key for node in structure.nodes if node.rank == 0))
    if key != "virtual_scan":  # its ring is drawn from where the scan stands, not from the page
        assert {titles[k].target[0] for k in joined if titles[k].rank == 2 and titles[k].state == "hit"} == {1, 2, 3}
    if key not in OWN_WAY:
        box = titles["f"]
        assert (box.title, box.subtitle) == ("lib.so", "address_space · 3 vmas")
        assert "f" in joined and structure.headings[1].startswith("address_space")
    assert "anonymous" not in structure.note


@pytest.mark.parametrize("key", ["anon_vma", "anon_vma_chain", "shared_space", "cow_context"])
def test_a_page_of_a_file_hangs_on_no_object_for_anonymous_pages(key: str) -> None:
    structure = seen(key, log(written=True), (1, 16)).structure
    assert [link.target for link in structure.links if link.source == "page"] == ["f"]


def test_a_vma_of_a_file_shows_the_file_before_anything_is_read() -> None:
    structure = seen(
        "anon_vma_chain",
        [Spawn(pid=1, comm="sh"), Mmap(pid=1, span=Span(16, 24), kind="file-private", file="lib.so")],
        (1, 16),
    ).structure
    assert [node.title for node in structure.nodes if node.rank == 1] == ["lib.so"]
    assert structure.headings == ("page", "address_space", "vmas of the file", "task")


def test_of_many_mappers_it_is_said_how_many_are_left_out() -> None:
    ops = log()
    for pid in range(10, 70):
        ops += [Fork(pid=1, child=pid), Touch(pid=pid, runs=((16, 17, "r"),))]
    structure = seen("anon_vma_chain", ops, (1, 16)).structure
    vmas = [node for node in structure.nodes if node.rank == 2]
    assert (len(vmas), structure.left_out[2]) == (40, 23)
    assert all(node.state == "hit" for node in vmas)


@pytest.mark.parametrize("key", ["anon_vma_chain", "anonmm", "objrmap"])
def test_the_inspector_names_the_owner_of_a_file_page(key: str) -> None:
    assert "lib.so" in seen(key, log(written=True), (1, 16)).owner_title
