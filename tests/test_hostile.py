"""Files that break things: each is opened or refused in one sentence, in little memory, by every command."""

from __future__ import annotations

import gzip
import json
import os
import socket
import time
from pathlib import Path

import pytest

from rmapexplorer.formats import limits
from rmapexplorer.formats.errors import FormatError
from rmapexplorer.formats.open import load_any
from rmapexplorer.formats.session import to_text
from tests.hostile import COMMANDS, Taken, here, trials, wrong
from tests.hostile_files import hostile
from tests.hostile_kinds import journals

BROKEN = Path(__file__).parent / "data" / "broken"
REFUSED = ("bomb_lists_64M.rmap.gz", "gz_flip.rmap.gz", "str40M.rmaps.gz", "tr_flip.json.gz", "tr_nan.json", "tr_noi.json",
           "tr_procs.json")  # fmt: skip


@pytest.mark.parametrize("name", sorted(os.listdir(BROKEN)))
def test_the_kept_files(name: str) -> None:
    for words in COMMANDS:
        code, out, err = here([word.format(BROKEN / name) for word in words])
        assert not wrong(code, out, err), words
        assert (code == 3) == (name in REFUSED or words[0] == "verify"), words


def test_a_few_of_our_own_making(tmp_path: Path) -> None:
    assert list(trials(tmp_path, hostile(10, 7), Taken({}), factor=3.0)) == []


def test_side_files_that_no_window_wrote(tmp_path: Path) -> None:
    for name, data in journals():
        (tmp_path / name).write_bytes(data)
        code, out, err = here(["run", str(tmp_path / name), "--design", "anonmm"])
        assert not wrong(code, out, err), name


def test_the_same_seed_makes_the_same_files() -> None:
    assert list(hostile(12, 3)) == list(hostile(12, 3)) != list(hostile(12, 4))


@pytest.mark.parametrize("command", ["run", "compare", "verify"])
@pytest.mark.parametrize("kind", ["pipe", "device", "directory", "socket", "loop", "nothing"])
def test_what_is_no_file_is_refused_at_once(
    command: str, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / kind
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "directory":
            path.mkdir()
        case "socket":
            with socket.socket(socket.AF_UNIX) as bound:
                bound.bind(str(path))
        case "loop":
            path.symlink_to(path)
    began = time.monotonic()
    code, out, err = here([command, str(path)])
    assert code == 3 and err.count("\n") == 1 and out == "" and time.monotonic() - began < 5


def refusal(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(FormatError) as caught:
        load_any(str(path))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"# rmapexplorer script\n" + b"mmmap 1 a10\n" * 300_000, "99 more faults"),
        (b"# rmapexplorer script\n" + b"\n" * 10_000_000, "10,000,002 lines"),
        (b"# rmapexplorer script\n" + b'file "a" pages 1\n' * 99_000 + b"spawn 1\n", "more than 10,000 lines"),
        (b"# rmapexplorer script\n" + b"spawn 1\n" * 100_001, "more than 100,000 lines"),
        (b'# rmapexplorer script\ntitle "' + b"a" * 5_000_000 + b'"\n', "longer than 4,194,304 characters"),
        (b'# rmapexplorer script\ntitle "' + b"\\n" * 100_000 + b'"\n', "the text"),
        (b"# rmapexplorer script\nspawn 1\ntouch 1 " + b",".join([b"a10 w"] * 100_001), "more than 100,000 runs"),
        (b"some 1/1 [000] 1.000001: sched:sched_switch: x\n" * 202_001, "none that changes memory"),
    ],
    ids=lambda value: value[-20:].decode().strip() if isinstance(value, bytes) else "",
)
def test_a_lot_of_nonsense_is_refused_soon(data: bytes, words: str, tmp_path: Path) -> None:
    began = time.process_time()
    assert words in refusal(tmp_path / "x.rmaps" if data.startswith(b"#") else tmp_path / "x.txt", data)
    assert time.process_time() - began < 12  # of a machine that does other things too; some 3 s where it does not


def session(**more: object) -> bytes:
    data = {"format": "rmapexplorer session", "version": 1, "title": "t", "position": 0, "operations": [], **more}
    return json.dumps(data).encode()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"notes": [[0, "x"]] * 100_001}, '"notes" must hold at most 100,000 entries, not 100,001'),
        ({"report": ["x"] * 10_001}, '"report" must hold at most 10,000'),
        ({"designs": ["a"] * 65}, '"designs" must hold at most 64'),
        ({"machine": {"files": {f"{n}": 1 for n in range(10_001)}}}, '"files" must hold at most 10,000'),
        ({"machine": {"processes": [[n, ""] for n in range(1, 10_002)]}}, "must hold at most 10,000 processes"),
        ({"operations": [{"op": "touch", "pid": 1, "runs": [[1, 2, "w"]] * 100_001}]}, "at most 100,000 runs"),
        ({"operations": [{"op": "mmap", "pid": 1, "span": [1, 2], "flags": ["stack"] * 99}]}, "at most"),
        ({"kernel": {"version": 1, "trace": "A" * (20 << 20)}}, "a value of more than 8 MiB"),
    ],
)
def test_objects_are_counted(more: dict[str, object], words: str, tmp_path: Path) -> None:
    assert words in refusal(tmp_path / "x.rmap", session(**more))


def test_operations_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_OPERATIONS", 3)
    assert "at most 3 operations" in refusal(tmp_path / "x", session(operations=[{"op": "exit", "pid": 1}] * 4))
    monkeypatch.setattr(limits, "MAX_ALL_RUNS", 3)
    touch = {"op": "touch", "pid": 1, "runs": [[1, 2, "w"]] * 2}
    assert "at most 3 runs" in refusal(tmp_path / "x", session(operations=[touch] * 2))


@pytest.mark.parametrize("inner", [b"[],", b"{},", b'"ab",', b"12345,", b"[", b'{"a":', b" ", b'"' + b"x" * 999])
@pytest.mark.parametrize("key", ["operations", "title", "traces", "x"])
def test_what_unfolds_is_refused_before_it_does(inner: bytes, key: str, tmp_path: Path) -> None:
    start = b'{"format":"rmapexplorer session","version":1,"%s":[' % key.encode()
    before = int(Path("/proc/self/statm").read_text().split()[1]) * 4 >> 10
    refusal(tmp_path / "x.rmap.gz", gzip.compress(start + inner * ((30 << 20) // len(inner)), 1))
    assert (int(Path("/proc/self/statm").read_text().split()[1]) * 4 >> 10) - before < 300


def test_a_value_over_many_windows_and_a_number_at_the_edge_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rmapexplorer.formats import json_text

    source = BROKEN.parent / "sessions" / "version-1.rmap"
    wanted = load_any(str(source))
    data = to_text(wanted).encode()
    for window in (1, 2, 3, 7, 50, 333):
        monkeypatch.setattr(json_text, "WINDOW", window)
        found = json_text.JsonText(json_text.pieces_of(data), "x")
        assert found.value() == json.loads(data)
        (tmp_path / "a").write_bytes(data)
        assert load_any(str(tmp_path / "a")) == wanted


@pytest.mark.parametrize("order", ["down", "up", "circle"])
def test_a_chain_of_forks_of_any_length_and_order_is_read(order: str, tmp_path: Path) -> None:
    pairs = [(pid, pid - 1) for pid in range(2, 3000)]
    pairs = pairs[::-1] if order == "down" else [*pairs, (1, 2999)] if order == "circle" else pairs
    lines = [f"a {p}/{p} [000] 1.000001: PERF_RECORD_FORK({c}:{c}):({p}:{p})\n" for c, p in pairs]
    (tmp_path / "a.txt").write_text("".join(lines))
    session = load_any(str(tmp_path / "a.txt"))
    assert sum(op.name == "fork" for op in session.operations) >= 2990
