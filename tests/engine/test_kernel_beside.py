"""A recorded kernel at the selection: fields beside ours, marks on fields, boxes and links, boxes only the kernel has."""

from __future__ import annotations

import copy
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from rmapexplorer.engine.frames import Detail, Link, Node
from rmapexplorer.formats.trace import ARENA, parse_traces, states

from .test_recorded_kernel import TRACES, Driver

NAME = "probe.fork_then_split_child"
PARENT, CHILD = 1, 2
PLACE = ARENA + 10


def _trace() -> Any:
    known = json.loads(gzip.decompress((TRACES / "probes.json.gz").read_bytes()))["traces"]
    return copy.deepcopy(next(trace for trace in known if trace["name"] == NAME))


def _driver(tmp_path: Path, trace: Any) -> Driver:
    path = tmp_path / "one.json"
    path.write_text(json.dumps(trace))
    return Driver(str(path))


def _detail(driver: Driver, pid: int, vpn: int) -> Detail:
    driver.conductor.select(pid, vpn)
    detail = driver.run().detail
    assert detail is not None
    return detail


def _state() -> Any:
    return copy.deepcopy(list(states(parse_traces(_trace(), NAME)[0]))[-1])


@pytest.fixture
def spoiled(tmp_path: Path) -> Driver:
    """The kernel has another count, an avc less and one more, a vma of its own, a longer chain, another mapcount."""
    trace, state = _trace(), _state()
    last, avs, parent, child = trace["steps"][-1], state["anon_vmas"], state["procs"]["P"], state["procs"]["C"]
    avs["A0"]["refs"] += 1
    avs["A0"]["tree"] = [place for place in avs["A0"]["tree"] if place != ["C", 14]] + [["P", 40]]
    avs["A9"] = {"root": "A9", "parent": "A9", "refs": 1, "children": 1, "active": 0, "tree": [["C", 12]]}
    parent.append({**parent[0], "s": 40, "e": 44, "o": 40, "pages": []})
    parent[0]["pages"][0][3] += 1
    next(v for v in child if v["s"] == 12)["chain"].append("A9")
    last.update(procs={"P": parent, "C": child}, anon_vmas=avs)
    return _driver(tmp_path, trace)


def test_nothing_differs(tmp_path: Path) -> None:
    driver = _driver(tmp_path, _trace())
    detail = _detail(driver, CHILD, ARENA + 12)
    assert detail.kernel and not any(one.differs for one in detail.kernel)
    assert {one.section for one in detail.kernel} == {"page", "vma", "anon_vma"}
    values = {(one.section, one.name): one.ours for one in detail.kernel}
    mine = {one.name: one.value for one in (*detail.vma, *detail.owner, *detail.page)}
    for section, name in (("vma", "vm_start"), ("vma", "vm_pgoff"), ("page", "mapcount"), ("page", "index"),
                          ("page", "mapping"), ("anon_vma", "root"), ("anon_vma", "refcount")):  # fmt: skip
        assert values[section, name] == mine[name], name
    assert not any(one.kernel for one in (*detail.page, *detail.vma, *detail.owner))
    assert not any(one.kernel for one in (*detail.structure.nodes, *detail.structure.links))
    assert not any(one.state == "kernel" for one in (*detail.structure.nodes, *detail.structure.links))


@pytest.mark.parametrize("calls", ["2.6.34", "3.0", "4.0", "6.0"])
def test_under_another_era_our_side_is_that_of_the_world_in_view(tmp_path: Path, calls: str) -> None:
    driver = Driver(f"{TRACES}/cow.json.gz#cow-1006")
    driver.conductor.set_calls(calls, 3)
    seen = 0
    for position in (8, 14, 20, 26, 32):
        frame = driver.seek(position)
        assert frame.view == f"anon_vma_chain:era={calls}"
        for pid, first in zip(frame.tasks.pid.tolist(), frame.vmas.first[:-1].tolist(), strict=True):
            detail = _detail(driver, pid, int(frame.vmas.start[first]))
            mine = {one.name: one.value for one in (*detail.vma, *detail.owner)}
            for one in detail.kernel or ():
                if one.section != "page" and one.name in mine and one.name not in ("vm_flags", "rb_root"):
                    assert one.ours == mine[one.name], (position, pid, one)
                    seen += 1
    assert seen > 20


def test_fields_that_differ_have_both_values(spoiled: Driver) -> None:
    detail = _detail(spoiled, PARENT, PLACE)
    differing = {(one.section, one.name): (one.kernel, one.ours) for one in detail.kernel or () if one.differs}
    ours = next(one for one in detail.page if one.name == "mapcount").value
    assert differing[("page", "mapcount")] == (str(int(ours) + 1), ours)
    assert differing[("anon_vma", "refcount")] == ("3", "2")
    assert set(differing) == {("page", "mapcount"), ("anon_vma", "refcount"), ("anon_vma", "rb_root")}
    marked = {one.name: one.kernel for one in (*detail.page, *detail.vma, *detail.owner) if one.kernel}
    assert marked.keys() == {"mapcount", "refcount", "rb_root"} and marked["refcount"] == "3"
    assert f"P:{ARENA + 40:x}" in marked["rb_root"]


def test_boxes_and_links_are_marked_and_what_only_the_kernel_has_is_added(spoiled: Driver) -> None:
    structure = _detail(spoiled, PARENT, PLACE).structure
    nodes: dict[str, Node] = {node.title.split()[0]: node for node in structure.nodes if node.rank in (1, 2)}
    root = next(node for node in structure.nodes if node.rank == 1 and "root" in node.title)
    assert "refcount: kernel 3, ours 2" in root.kernel
    ghost = nodes[f"{ARENA + 40:x}-{ARENA + 44:x}"]
    assert (ghost.state, ghost.target, ghost.rank) == ("kernel", (PARENT, ARENA + 40), 2)
    links: dict[tuple[str, str], Link] = {(link.source, link.target): link for link in structure.links}
    assert links[root.key, ghost.key].state == "kernel"
    gone = next(node for node in structure.nodes if node.target == (CHILD, ARENA + 14))
    assert (
        links[root.key, gone.key].kernel == "the kernel has no such avc" and links[root.key, gone.key].state != "kernel"
    )
    assert [link for link in structure.links if link.kernel and link.target not in (ghost.key, gone.key)] == []


def test_an_anon_vma_of_the_kernel_s_chain_is_added(spoiled: Driver) -> None:
    detail = _detail(spoiled, CHILD, ARENA + 12)
    vma = next(node for node in detail.structure.nodes if node.target == (CHILD, ARENA + 12) and node.rank == 2)
    assert "anon_vma_chain: kernel" in vma.kernel and "A9" in vma.kernel
    ghost = next(node for node in detail.structure.nodes if node.state == "kernel" and node.rank == 1)
    assert "A9" in ghost.title
    assert any((link.source, link.target) == (ghost.key, vma.key) for link in detail.structure.links)


def test_a_design_that_is_not_the_one_compared_has_the_section_but_no_marks(spoiled: Driver) -> None:
    spoiled.conductor.view("anonmm")
    detail = _detail(spoiled, PARENT, PLACE)
    assert any(one.differs for one in detail.kernel or ())
    assert not any(one.kernel for one in (*detail.page, *detail.vma, *detail.owner, *detail.structure.nodes))


def test_where_only_one_side_has_a_vma(spoiled: Driver) -> None:
    rows = {one.name: one for one in _detail(spoiled, PARENT, ARENA + 41).kernel or ()}
    assert rows["vm_start"].kernel == f"page {ARENA + 40:x}" and rows["vm_start"].ours == "no vma"
    assert _detail(spoiled, PARENT, ARENA + 80).kernel == ()


def test_at_every_position_of_many_traces_nothing_is_marked() -> None:
    for file, name in (("cow", "cow-1006"), ("swap", "swap-1000"), ("file", "file-1005"), ("mremap", "mremap-1013")):
        driver = Driver(f"{TRACES}/{file}.json.gz#{name}")
        frame = driver.run()
        for position in range(0, frame.head + 1, 3):
            frame = driver.seek(position)
            for row, pid in enumerate(frame.tasks.pid.tolist()):
                first, last = frame.vmas.first[row : row + 2].tolist()
                for start in frame.vmas.start[first:last].tolist()[:3]:
                    detail = _detail(driver, pid, start)
                    assert detail.kernel and not [one for one in detail.kernel if one.differs], (name, position, pid)
                    assert not any(n.kernel or n.state == "kernel" for n in detail.structure.nodes), (name, position)
                    assert not any(x.kernel or x.state == "kernel" for x in detail.structure.links), (name, position)
