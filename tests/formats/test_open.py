"""Any file at all: a session, a recording, or one clear sentence."""

from __future__ import annotations

import gzip
import json
import os
import random
from pathlib import Path

import pytest

from rmapexplorer.formats import limits, reading
from rmapexplorer.formats.codec import problem
from rmapexplorer.formats.errors import Cancelled, FormatError
from rmapexplorer.formats.open import load_any
from rmapexplorer.formats.session import Session, load_session, to_text

ROOT = Path(__file__).parents[2]
SCENARIO = ROOT / "resources" / "scenarios" / "the-letter-in-six-operations.rmap"
RECORDING = ROOT / "tests" / "data" / "recordings" / "shell-pipeline.perf.txt.gz"


def refused(path):
    with pytest.raises(FormatError) as caught:
        load_any(str(path))
    text = str(caught.value)
    assert text.endswith(".") and "\n" not in text
    return text


def test_a_session_and_a_recording_are_told_by_their_content(tmp_path):
    for source, name in ((SCENARIO, "a.txt"), (RECORDING, "b.rmap")):
        (tmp_path / name).write_bytes(source.read_bytes())
    assert load_any(str(tmp_path / "a.txt")) == load_session(str(SCENARIO))
    assert load_any(str(tmp_path / "b.rmap")).operations[0].name == "spawn"


def test_a_packed_session(tmp_path):
    (tmp_path / "a").write_bytes(gzip.compress(SCENARIO.read_bytes()))
    assert load_any(str(tmp_path / "a")) == load_session(str(SCENARIO))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"\0" * 5000, "neither a session"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 10, "neither a session"),
        (b"PERFILE2" + b"\0" * 100, "run `perf script` on it"),
        (b"\x1f\x8b", "gzip data is damaged"),
        (b"\x1f\x8bgarbage that is no gzip", "gzip data is damaged"),
        (gzip.compress(RECORDING.read_bytes(), mtime=0)[:3000], "gzip data is damaged or cut off"),
        (RECORDING.read_bytes()[:9000], "gzip data is damaged or cut off"),
        (RECORDING.read_bytes()[:-4] + b"1234", "gzip data is damaged"),
        (gzip.compress(b"", mtime=0), "neither a session"),
        (gzip.compress(b"\0\1\2", mtime=0), "neither a session"),
        (b'{"traces": []}', "no kernel trace"),
        (b'{"steps": [], "kernel": "6.18"}', "damaged"),
        (b'{"name": "a", "steps": [{"i": 0, "op": {"op": "munmap", "at": 0.5, "pages": 1}}]}', "step 0"),
        (b'{"name": "a", "files": {"f": -1}, "steps": [{"i": 0, "op": {"op": "reclaim"}}]}', "has -1 pages"),
        (b'{"name": "left-pad"}', "JSON, but no rmapexplorer session"),
        (b"[1, 2]", "JSON, but no rmapexplorer session"),
        (b"[" * 100_000, "nested too deeply"),
        (b"{", "damaged JSON"),
    ],
)
def test_other_content_is_refused_in_one_sentence(tmp_path, data, words):
    path = tmp_path / "file"
    path.write_bytes(data)
    said = refused(path)
    assert words in said and str(path) in said


def test_no_such_file(tmp_path):
    assert "no such file" in refused(tmp_path / "nothing")
    assert "is no file name" in refused("a\0b")


def test_a_directory(tmp_path):
    assert "is a directory" in refused(tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "neither a plain file" in refused(tmp_path / "pipe")
    assert "neither a plain file" in refused("/dev/zero")


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_text("x")
    path.chmod(0)

    def forbidden(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(reading.os, "open", forbidden)
    assert "may not be read by you" in refused(path)


def test_a_disk_error(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("x")

    def broken(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(reading.os, "open", broken)
    assert "Input/output error" in refused(tmp_path / "a")


def test_more_text_than_any_session_has(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "TEXT_BYTES", 3 << 20)
    (tmp_path / "a").write_bytes(gzip.compress(b"{" + b" " * (5 << 20)))
    assert "holds more than 3 MiB of text" in refused(tmp_path / "a")


def test_cancelling_and_progress_reach_both_kinds(tmp_path):
    for path in (SCENARIO, RECORDING):
        told = []
        load_any(str(path), progress=lambda done, total, told=told: told.append((done, total)))
        assert told and all(0 < done <= total for done, total in told)
    with pytest.raises(Cancelled):
        load_any(str(SCENARIO), cancelled=lambda: True)


def survive(path, data):
    """Opened or refused: nothing else may happen, and what is opened can be saved."""
    path.write_bytes(data)
    try:
        session = load_any(str(path))
    except FormatError as error:
        assert "\n" not in str(error)
        return 0
    assert isinstance(session, Session)
    to_text(session)
    assert not any(problem(op) for op in session.operations)
    return 1


def damaged(data, rng):
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 3, 30))):
        where = rng.randrange(len(data))
        match rng.randrange(4):
            case 0:
                data[where] ^= 1 << rng.randrange(8)
            case 1:
                del data[where : where + rng.choice((1, 5, 300))]
            case 2:
                data[where:where] = rng.choice((b"0", b"99999999999999999999", b"-1", b"\0", b'"', b"{", b"\n", b"0x"))
            case _:
                data = data[: max(where, 1)] if rng.random() < 0.2 else data
        if not data:
            break
    return bytes(data)


@pytest.mark.parametrize("name", ["session", "sample", "recording", "packed"])
def test_damaged_files_are_opened_or_refused_and_nothing_else(tmp_path, name):
    text = gzip.decompress(RECORDING.read_bytes())
    source = {
        "session": SCENARIO.read_bytes(),
        "sample": (ROOT / "tests" / "data" / "sessions" / "version-1.rmap").read_bytes(),
        "recording": b"".join(text.splitlines(keepends=True)[:150]),
        "packed": gzip.compress(SCENARIO.read_bytes()),
    }[name]
    rng = random.Random(name)
    opened = sum(survive(tmp_path / "a", damaged(source, rng)) for _ in range(300))
    assert opened < 300 or name == "recording"


def _mutations(value, rng):
    junk = (None, True, -1, 2**35, 2**80, 1.5, "", "x", [], {}, [[]], {"op": "fork"}, "\ud800", [1, 2, 3])
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(sorted(value))
        return value | {key: _mutations(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.85:
        index = rng.randrange(len(value))
        return [*value[:index], _mutations(value[index], rng), *value[index + 1 :]]
    return rng.choice(junk)


def test_wrong_types_and_absurd_numbers_anywhere(tmp_path):
    rng = random.Random(7)
    data = json.loads((ROOT / "tests" / "data" / "sessions" / "version-1.rmap").read_text())
    results = [survive(tmp_path / "a", json.dumps(_mutations(data, rng)).encode()) for _ in range(600)]
    assert 0 < sum(results) < 600


def test_lines_of_a_recording_in_any_order(tmp_path):
    rng = random.Random(3)
    lines = gzip.decompress(RECORDING.read_bytes()).splitlines(keepends=True)
    for _ in range(5):
        rng.shuffle(lines)
        assert survive(tmp_path / "a", b"".join(lines)) == 1
