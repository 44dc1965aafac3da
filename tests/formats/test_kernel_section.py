"""The record of a kernel is kept in the session file: saved, opened, checked against the log."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from rmapexplorer.core.operations import Munmap
from rmapexplorer.core.units import Span
from rmapexplorer.formats import kernel_section
from rmapexplorer.formats.errors import FormatError
from rmapexplorer.formats.open import load_any
from rmapexplorer.formats.session import Session, load_session, parse_session, save_session, to_text

TRACES = Path(__file__).parents[1] / "data" / "traces"
TRACE = str(TRACES / "merge.json.gz")


def _session() -> Session:
    return load_any(TRACE)


def test_saved_and_opened_again(tmp_path: Path) -> None:
    session = _session()
    path = str(tmp_path / "kept.rmap")
    save_session(session, path)
    again = load_session(path)
    assert again == session and again.kernel == session.kernel is not None
    assert again.kernel.note == session.kernel.note and again.kernel.files == session.kernel.files
    assert to_text(again) == to_text(session), "the same session is the same file"


def test_it_is_small_and_a_session_without_it_is_as_it_was() -> None:
    session = _session()
    with_it, without = to_text(session), to_text(evolve(session, kernel=None))
    assert "kernel" not in json.loads(without) and json.loads(without)["version"] == json.loads(with_it)["version"]
    raw = json.loads(gzip.decompress(Path(TRACE).read_bytes()))["traces"][0]
    assert len(with_it) - len(without) < 0.5 * len(json.dumps(raw["steps"]))


def test_operations_of_the_user_follow_the_recorded_ones(tmp_path: Path) -> None:
    session = _session()
    more = (*session.operations, Munmap(pid=1, span=Span(16, 20)))
    longer = evolve(
        session, operations=more, parents=(*range(-1, len(more) - 2), 0), branches={}, branch="other", position=1
    )
    save_session(longer, str(tmp_path / "s.rmap"))
    assert load_session(str(tmp_path / "s.rmap")).kernel == session.kernel


def _spoil(change: Any) -> bytes:
    data = json.loads(to_text(_session()))
    change(data)
    return json.dumps(data).encode()


def _other_operation(data: Any) -> None:
    data["operations"][0]["prot"] = "r"


def _other_order(data: Any) -> None:
    data["operations"][1]["after"] = -1
    data["position"] = 0
    data["notes"] = []


def _shorter(data: Any) -> None:
    del data["operations"][-1]
    data["position"] = 0
    data["notes"] = []


def _set(value: Any) -> Any:
    return lambda data: data.update(kernel=value)


def _packed(raw: bytes) -> dict[str, Any]:
    return {"version": 1, "trace": base64.b64encode(zlib.compress(raw)).decode()}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_other_operation, "was recorded for other operations"),
        (_other_order, "was recorded for other operations"),
        (_shorter, "was recorded for other operations"),
        (_set("x"), '"kernel" must be'),
        (_set({"version": 1}), '"kernel" must be'),
        (_set({"version": 2, "trace": ""}), "must be of version 1, not 2"),
        (_set({"version": 1, "trace": 7}), "is damaged"),
        (_set({"version": 1, "trace": "###"}), "is damaged"),
        (_set({"version": 1, "trace": "AAAA"}), "is damaged"),
        (_set(_packed(b"{")), "is damaged"),
        (_set(_packed(b"\xff")), "is damaged"),
        (_set(_packed(b"[" * 100_000)), "is damaged"),
        (_set(_packed(b'{"steps": []}')), "is damaged"),
        (_set(_packed(b"[]")), "is damaged"),
    ],
)
def test_a_damaged_or_foreign_record_is_one_sentence(change: Any, words: str) -> None:
    with pytest.raises(FormatError, match="^s.rmap: ") as trouble:
        parse_session(_spoil(change), "s.rmap")
    assert words in str(trouble.value) and "\n" not in str(trouble.value)


def test_a_section_that_unfolds_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_section, "LARGEST", 1000)
    with pytest.raises(ValueError, match="damaged"):
        kernel_section.decode(_packed(b"[" + b" " * 10_000 + b"]"))
