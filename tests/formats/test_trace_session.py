"""A kernel trace opened as a session."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest

from rmapexplorer.designs.registry import USUAL
from rmapexplorer.formats.errors import FormatError
from rmapexplorer.formats.open import load_any
from rmapexplorer.formats.session import load_session, save_session
from rmapexplorer.formats.trace import load_traces
from rmapexplorer.formats.trace_session import trace_at

TRACES = Path(__file__).parents[1] / "data" / "traces"
PROBES = str(TRACES / "probes.json.gz")


def test_every_recorded_trace_opens(tmp_path: Path) -> None:
    for file in sorted(TRACES.iterdir()):
        for trace in load_traces(str(file))[:2]:
            session = load_any(f"{file}#{trace.name}")
            assert session.title == trace.name and session.machine == attrs.evolve(trace.machine, max_map_count=65530)
            assert len(session.operations) == len(trace.steps)
            save_session(session, str(tmp_path / "s.rmap"))
            assert load_session(str(tmp_path / "s.rmap")).operations == session.operations


def test_the_first_of_a_corpus_and_how_to_open_another() -> None:
    session, traces = load_any(PROBES), load_traces(PROBES)
    assert session.title == traces[0].name and session.path == f"{PROBES}#{traces[0].name}"
    assert session.designs == tuple((design.key, {}) for design in USUAL) and session.view == "anon_vma_chain"
    assert [note.text for note in session.notes] == [traces[0].note] != [""]
    assert f"{len(traces) - 1} more of the {len(traces)} kernel traces" in session.report[0]
    assert "probes.json.gz#NAME" in session.report[0] and traces[1].name in session.report[0]


def test_a_trace_of_its_own_and_steps_left_out(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    steps = [{"i": 0, "op": {"op": "spin", "proc": "P"}}, {"i": 1, "op": {"op": "reclaim"}}]
    path.write_text(json.dumps({"name": "one", "steps": steps}))
    session = load_any(str(path))
    assert session.path == str(path) and session.report == ("step 0: spin is not simulated",)
    assert session.notes == () and len(session.operations) == 1 and trace_at(str(path)).name == "one"


def test_no_such_trace_and_no_traces_at_all(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"no trace named nonsense; it has .*\.$"):
        load_any(f"{PROBES}#nonsense")
    scenario = next((Path(__file__).parents[2] / "resources" / "scenarios").glob("*.rmap"))
    with pytest.raises(FormatError, match="no file of kernel traces"):
        load_any(f"{scenario}#x")


def test_a_file_with_the_mark_in_its_own_name(tmp_path: Path) -> None:
    path = tmp_path / "a#b.json"
    path.write_bytes(Path(PROBES).read_bytes())
    assert load_any(str(path)).title == load_traces(PROBES)[0].name


@pytest.mark.parametrize("read", [load_any, load_traces])
def test_traces_are_counted_while_they_are_read(read, tmp_path: Path) -> None:
    path = tmp_path / "many.json"
    path.write_text('{"traces": [' + "{}," * 10_001)  # cut off: what lies behind is never looked at
    with pytest.raises(FormatError, match="holds more than 10,000 traces; open a smaller file"):
        read(str(path))
