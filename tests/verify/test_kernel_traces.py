"""What the real Linux 6.18 did, step by step, in 413 recorded scenarios; and six recordings of real programs at their end.

Traces: recorded on 6.18.44, x86_64, with a BPF program that reads the live anon_vmas, trees and page tables.
"""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from rmapexplorer.formats.errors import FormatError
from rmapexplorer.formats.open import load_any
from rmapexplorer.verify.compare import LEVELS, verify
from rmapexplorer.verify.recording import final_state_of, verify_recording
from rmapexplorer.verify.trace import load_traces, parse_traces

DATA = Path(__file__).parents[1] / "data"
COUNTS = {"cases": 56, "cow": 30, "file": 20, "flags": 10, "matrix": 69, "merge": 30, "mremap": 30, "probes": 30,
          "random": 60, "selftests": 58, "swap": 20}  # fmt: skip
LATER = {"fresh": 84, "written": 72}
"""Recorded after the rules were: random scenarios of seeds from 90000 on, and scenarios written after the kernel's own tests."""


@pytest.mark.parametrize("family", sorted(COUNTS))
def test_every_public_trace_agrees_on_all_levels(family: str) -> None:
    """Result, vmas, anon_vmas, chains, counters, tree order, ptes and their flags after every call."""
    traces = load_traces(str(DATA / "traces" / f"{family}.json.gz"))
    assert len(traces) == COUNTS[family]
    assert {trace.name: [str(d) for d in verify(trace)[0]] for trace in traces if verify(trace)[0]} == {}


@pytest.mark.parametrize("family", sorted(LATER))
def test_scenarios_recorded_later_agree_too(family: str) -> None:
    """As above; nothing in the program was made for them."""
    traces = load_traces(str(DATA / "traces" / f"{family}.json.gz"))
    assert len(traces) == LATER[family]
    assert {trace.name: [str(d) for d in found] for trace in traces if (found := verify(trace)[0])} == {}


@pytest.mark.parametrize("path", sorted((DATA / "recordings").glob("*.perf.txt.gz")), ids=lambda path: path.name)
def test_recordings_end_as_the_kernel_did(path: Path) -> None:
    """Start, end, permissions and file offset of every vma, and its anonymous pages."""
    final = final_state_of(str(path))
    assert final is not None
    mismatches, processes = verify_recording(load_any(str(path)), final)
    assert [str(m) for m in mismatches] == [] and processes > 0


def _small() -> dict:
    vma = {"s": 10, "e": 13, "p": "rw-p", "o": 10, "f": "ac", "av": "A0", "chain": ["A0"],
           "pages": [[10, "a", "p0", 1, "A0", 10, "wx"]]}  # fmt: skip
    av = {"root": "A0", "parent": "A0", "refs": 1, "children": 1, "active": 1, "tree": [["P0", 10]]}
    return {
        "format": 1,
        "name": "small",
        "steps": [
            {"i": 0, "op": {"op": "mmap", "proc": "P0", "at": 10, "pages": 3, "prot": "rw", "kind": "anon"},
             "procs": {"P0": [{"s": 10, "e": 13, "p": "rw-p", "o": 10, "f": "ac"}]}},
            {"i": 1, "op": {"op": "touch", "proc": "P0", "at": 10, "pages": 1, "access": "write"},
             "procs": {"P0": [vma]}, "anon_vmas": {"A0": av}},
        ],
    }  # fmt: skip


def _spoiled(level: str) -> dict:
    trace = copy.deepcopy(_small())
    last = trace["steps"][1]
    vma = last["procs"]["P0"][0]
    match level:
        case "result":
            last["err"] = "SIGBUS"
        case "vmas":
            vma["e"] = 14
        case "anon":
            del vma["av"], vma["chain"]
        case "chain":
            vma["chain"] = ["A0", "A1"]
        case "counts":
            last["anon_vmas"]["A0"]["children"] = 2
        case "tree":
            last["anon_vmas"]["A0"]["tree"] = [["P0", 10], ["P0", 11]]
        case "pages":
            vma["pages"][0][3] = 2
        case "flags":
            vma["pages"][0][6] = "x"
    return trace


def test_the_small_trace_agrees() -> None:
    """What follows spoils one value of a trace that agrees."""
    assert verify(parse_traces(_small(), "small")[0])[0] == []


@pytest.mark.parametrize("level", LEVELS)
def test_a_difference_of_every_level_is_found_at_its_step(level: str) -> None:
    """One changed value is reported with its level, its step and both values."""
    found = {d.level: d for d in verify(parse_traces(_spoiled(level), "small")[0])[0]}
    assert level in found and found[level].step == 1 and found[level].kernel != found[level].ours


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"[1]", "neither"),
        (b'{"traces": [{"name": "a"}]}', "damaged"),
        (b"\x1f\x8bzz", "the gzip data is damaged or cut off"),
    ],
)
def test_bad_files_get_one_sentence(content: bytes, words: str, tmp_path: Path) -> None:
    """Empty, foreign, cut off: a FormatError that names the file."""
    path = tmp_path / "x.json.gz"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=words):
        load_traces(str(path))
