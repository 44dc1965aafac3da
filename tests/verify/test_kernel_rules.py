"""Rules of the kernel, each as the shortest scenario that shows it, recorded on 6.18.44; its sentence is the note of the trace.

They were found as differences between the kernel and our replay of random scenarios.
"""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from rmapexplorer.verify.compare import verify
from rmapexplorer.verify.trace import load_traces, parse_traces

TRACES = {
    trace.name: trace for trace in load_traces(str(Path(__file__).parents[1] / "data" / "traces" / "rules.json.gz"))
}


@pytest.mark.parametrize("name", sorted(TRACES))
def test_the_rule_holds(name: str) -> None:
    """Every level of every step is what the kernel did."""
    assert [str(d) for d in verify(TRACES[name])[0]] == []


def _remapped(second: str) -> dict:
    """A mapping with one page is replaced by one that is populated at once; the kernel calls its new anon_vma ``second``."""
    flags = {"p": "rw-p", "f": "ac"}
    ops = [
        {"op": "mmap", "proc": "P0", "at": 10, "pages": 1, "prot": "rw", "kind": "anon", "flags": ["populate"]},
        {"op": "mmap", "proc": "P0", "at": 10, "pages": 2, "prot": "rw", "kind": "anon", "flags": ["populate"]},
    ]
    counts = {"refs": 1, "children": 1, "active": 1, "tree": [["P0", 10]]}
    steps = []
    for i, (op, av, page, end) in enumerate(zip(ops, ("A0", second), ("p0", "p1"), (11, 12), strict=True)):
        pages = [[at, "a", f"{page}-{at}", 1, av, at, "wx"] for at in range(10, end)]
        vma = {"s": 10, "e": end, "o": 10, **flags, "av": av, "chain": [av], "pages": pages}
        gone = {"A0": None} if i and second != "A0" else {}
        steps.append(
            {"i": i, "op": op, "procs": {"P0": [vma]}, "anon_vmas": gone | {av: {"root": av, "parent": av, **counts}}}
        )
    return {"format": 1, "name": "remapped", "steps": steps}


@pytest.mark.parametrize("second", ["A0", "A1"])
def test_an_object_may_have_the_name_of_one_that_went_as_it_came(second: str) -> None:
    """Names are addresses: the slab may or may not give the same one again. Our trace then follows, so that any judge pairs them."""
    differences, mine = verify(parse_traces(_remapped(second), "remapped")[0])
    assert [str(d) for d in differences] == []
    ours = [
        set(step["anon_vmas"]) - {name for name, av in step["anon_vmas"].items() if av is None}
        for step in mine["steps"]
    ]
    assert (ours[0] == ours[1]) == (second == "A0")


def test_an_object_that_lives_keeps_its_name() -> None:
    """A name that changes although the object is still there is a difference."""
    trace = copy.deepcopy(_remapped("A0"))
    trace["steps"][1]["op"] = {"op": "touch", "proc": "P0", "at": 10, "pages": 1, "access": "write"}
    first = trace["steps"][0]
    again = {"A1": {**first["anon_vmas"]["A0"], "root": "A1", "parent": "A1"}, "A0": None}
    vma = copy.deepcopy(first["procs"]["P0"][0])
    vma.update(av="A1", chain=["A1"])
    vma["pages"][0][4] = "A1"
    trace["steps"][1].update(procs={"P0": [vma]}, anon_vmas=again)
    assert "chain" in {d.level for d in verify(parse_traces(trace, "remapped")[0])[0]}
