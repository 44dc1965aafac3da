"""Graphs as DOT (Graphviz) and GraphML, piece by piece."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from rmapexplorer.engine.graph_export import Graph, NodeRows

PIECE = 500
"""Lines in one piece."""

_SHAPES = {"vma": "box", "page": "note", "task": "oval", "anon_vma_chain": "point", "anon_vma": "hexagon"}
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def dot(graph: Graph) -> Iterator[str]:
    """For Graphviz: left to right, a shape for each kind of node; all columns are kept as attributes."""
    yield f"digraph {_quoted(graph.title)} {{\n"
    yield f"  graph [rankdir=LR, label={_quoted(graph.heading)}, labelloc=t, fontname=sans];\n"
    yield "  node [fontname=sans, fontsize=10];\n  edge [arrowsize=0.5];\n"
    for rows in graph.nodes:
        yield from _pieces(_dot_nodes(rows))
    for links in graph.links:
        style = " [style=dashed]" if links.kind == "parent" else ""
        pairs = zip(links.sources, links.targets, strict=True)
        yield from _pieces(f"  {_quoted(source)} -> {_quoted(target)}{style};\n" for source, target in pairs)
    yield "}\n"


def _dot_nodes(rows: NodeRows) -> Iterator[str]:
    shape = _SHAPES.get(rows.kind, "box")
    yield f"  node [shape={shape}];\n"
    names = [name for name in rows.columns if name != "label"]
    for index, key in enumerate(rows.keys):
        told = [f"kind={_quoted(rows.kind)}"]
        if "label" in rows.columns:
            told.append(f"label={_quoted(str(rows.columns['label'][index]))}")
        told += [f"{_quoted(name)}={_quoted(str(rows.columns[name][index]))}" for name in names]
        yield f"  {_quoted(key)} [{', '.join(told)}];\n"


def graphml(graph: Graph) -> Iterator[str]:
    """For yEd, Gephi, networkx and others; whole numbers are ``long``."""
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
    yield f"  <desc>{_text(graph.heading)}</desc>\n"
    types: dict[str, str] = {"kind": "string"}
    for rows in graph.nodes:
        for name, values in rows.columns.items():
            whole = all(isinstance(value, int) for value in values)
            types[name] = "long" if whole and types.get(name, "long") == "long" else "string"
    for name, kind in types.items():
        yield f'  <key id={quoteattr(name)} for="node" attr.name={quoteattr(name)} attr.type="{kind}"/>\n'
    yield '  <key id="link" for="edge" attr.name="kind" attr.type="string"/>\n'
    yield f'  <graph id={quoteattr(_clean(graph.title))} edgedefault="directed">\n'
    for rows in graph.nodes:
        yield from _pieces(_xml_nodes(rows))
    number = 0
    for links in graph.links:
        kind = f'<data key="link">{_text(links.kind)}</data>'
        pairs = enumerate(zip(links.sources, links.targets, strict=True), number)
        yield from _pieces(
            f'    <edge id="e{n}" source={_id(source)} target={_id(target)}>{kind}</edge>\n'
            for n, (source, target) in pairs
        )
        number += len(links.sources)
    yield "  </graph>\n</graphml>\n"


def _xml_nodes(rows: NodeRows) -> Iterator[str]:
    names = list(rows.columns)
    for index, key in enumerate(rows.keys):
        data = [f'<data key="kind">{_text(rows.kind)}</data>']
        data += [f"<data key={quoteattr(name)}>{_text(str(rows.columns[name][index]))}</data>" for name in names]
        yield f"    <node id={_id(key)}>{''.join(data)}</node>\n"


def _pieces(lines: Iterator[str]) -> Iterator[str]:
    held: list[str] = []
    for line in lines:
        held.append(line)
        if len(held) == PIECE:
            yield "".join(held)
            held = []
    yield "".join(held)


def _quoted(text: str) -> str:
    return '"' + _clean(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _id(key: str) -> str:
    return quoteattr(_clean(key))


def _text(text: str) -> str:
    return escape(_clean(text))


def _clean(text: str) -> str:
    # what neither XML 1.0 nor a DOT reader takes
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)
