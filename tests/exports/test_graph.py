"""Graphs: every object and link once, readable by others, capped with a sentence."""

from __future__ import annotations

import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from rmapexplorer.core.operations import Fork, Mmap, Spawn, Touch
from rmapexplorer.core.units import Span
from rmapexplorer.engine.frames import Link, Node, Structure
from rmapexplorer.engine.graph_export import Graph, LinkRows, NodeRows, WholeGraph, finished, of_structure, whole
from rmapexplorer.exports.graph import dot, graphml
from tests.exports.stages import letter, small

SPACE = "{http://graphml.graphdrawing.org/xmlns}"
NASTY = 'a"b\\c\n<&> \x00\x07 \ud800 é'


def xml(graph: Graph) -> ET.Element:
    return ET.fromstring("".join(graphml(graph)))


def nasty() -> Graph:
    nodes = NodeRows(kind="vma", keys=[NASTY, "v2"], columns={"label": [NASTY, "x"], "pid": [1, 2]})
    return Graph(
        title=NASTY, nodes=(nodes,), links=(LinkRows(kind="avc", sources=[NASTY], targets=["v2"]),), note="Cut."
    )


def test_everything_of_the_modern_design_is_there() -> None:
    stage = letter("anon_vma_chain")
    graph = WholeGraph().answer(stage)
    assert graph is not None
    world = stage.shown.world
    design = world.design  # type: ignore[attr-defined]
    counted = {rows.kind: len(rows.keys) for rows in graph.nodes}
    assert counted == {"vma": 4, "anon_vma_chain": len(design.avc), "anon_vma": len(design.av)}
    links = {rows.kind: len(rows.sources) for rows in graph.links}
    assert links == {"vma": len(design.avc), "anon_vma": len(design.avc), "parent": 1}
    assert "after operation 6 of 6" in graph.title and not graph.note


def test_the_older_design_has_no_links_of_their_own() -> None:
    graph = WholeGraph("anon_vma").answer(letter("anon_vma", "pte_chain"))
    assert graph is not None
    assert [rows.kind for rows in graph.nodes] == ["vma", "anon_vma"]
    assert WholeGraph("nosuch").answer(letter("anon_vma")) is None


def test_a_design_of_pages_says_that_vmas_are_not_linked() -> None:
    graph = WholeGraph().answer(letter("pte_chain"))
    assert graph is not None and "No vma is linked" in graph.note
    assert xml(graph).tag == f"{SPACE}graphml"


def test_graphml_holds_every_node_and_link() -> None:
    graph = WholeGraph().answer(letter("anon_vma_chain"))
    assert graph is not None
    tree = xml(graph)
    ids = [node.get("id") for node in tree.iter(f"{SPACE}node")]
    assert len(ids) == len(set(ids)) == sum(len(rows.keys) for rows in graph.nodes)
    edges = list(tree.iter(f"{SPACE}edge"))
    assert len(edges) == sum(len(rows.sources) for rows in graph.links)
    assert {end for edge in edges for end in (edge.get("source"), edge.get("target"))} <= set(ids)
    types = {key.get("id"): key.get("attr.type") for key in tree.iter(f"{SPACE}key")}
    assert types["pid"] == "long" and types["label"] == "string"


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@pytest.mark.parametrize("make", [nasty, lambda: WholeGraph().answer(letter("anon_vma_chain"))])
def test_graphviz_reads_it(make: object, tmp_path: Path) -> None:
    text = "".join(dot(make()))  # type: ignore[operator]
    done = subprocess.run(["dot", "-Tsvg"], input=text.encode(), capture_output=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    assert ET.fromstring(done.stdout).tag.endswith("svg")


def test_what_would_break_a_reader_is_replaced() -> None:
    tree = xml(nasty())
    node = next(tree.iter(f"{SPACE}node"))
    assert "\x00" not in str(node.get("id")) and "<&>" in str(node.get("id"))
    assert "Cut." in str(tree.findtext(f"{SPACE}desc"))
    text = "".join(dot(nasty()))
    assert '\\"b\\\\c\\n' in text and "\x07" not in text


def test_too_many_links_are_cut_with_a_sentence() -> None:
    forks = [Fork(pid=1, child=2 + n) for n in range(10)]
    stage = small(
        [Spawn(pid=1, comm="a"), Mmap(pid=1, span=Span(16, 20), prot="rw", kind="anon"),
         Touch(pid=1, runs=((16, 20, "w"),)), *forks], "anon_vma_chain",
    )  # fmt: skip
    graph = finished(whole(stage.shown.world, "t", most=5))  # type: ignore[arg-type]
    assert len(graph.links[0].sources) == 5
    assert graph.note == "Only the first 5 of 21 links and of 11 anon_vmas are in this file."
    keys = {key for rows in graph.nodes for key in rows.keys}
    assert {
        end for rows in graph.links for end in (*rows.sources, *rows.targets)
    } - keys == set() or "links" in graph.note


def test_the_picture_of_the_selection() -> None:
    structure = Structure(
        nodes=(Node(key="p", rank=0, title="page #1"), Node(key="o", rank=1, title="A0", subtitle="root")),
        links=(Link(source="p", target="o"),), shown=2, total=9,
    )  # fmt: skip
    graph = of_structure(structure, "page c42")
    assert [(rows.kind, list(rows.keys)) for rows in graph.nodes] == [("page", ["p"]), ("owner", ["o"])]
    assert graph.nodes[1].columns["label"] == ["A0\nroot"]
    assert graph.note == "The picture shows 2 of 9."


def test_it_is_gathered_in_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """However large it is, a step is at most so many rows: a job that does this can be cancelled in between."""
    stage = letter("anon_vma_chain")
    at_once = WholeGraph().answer(stage)
    monkeypatch.setattr("rmapexplorer.engine.graph_export.PIECE", 1)
    work = WholeGraph().gather(stage)
    steps = sum(1 for _ in work)
    assert at_once is not None
    assert steps >= sum(len(rows.keys) for rows in at_once.nodes) + sum(len(rows.sources) for rows in at_once.links)
    assert finished(WholeGraph().gather(stage)) is not None
