"""Long recordings: that they are recordings, replay, and are as many times the short one as was asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from rmapexplorer import batch
from rmapexplorer.bench.recordings import Repeated, allocator, pieces, repeated
from rmapexplorer.cli import main
from rmapexplorer.formats.errors import FormatError
from rmapexplorer.formats.open import load_any
from rmapexplorer.formats.session import Session

RECORDINGS = Path(__file__).parent.parent / "data" / "recordings"
SHELL = RECORDINGS / "shell-pipeline.perf.txt.gz"
POOL = RECORDINGS / "python-pool.perf.txt.gz"

ATTACHED = """\
         swapper     0/0         0.000000: PERF_RECORD_MMAP -1/0: [0xffffffff81000000(0x120bb08) @ 0]: x [kernel.kallsyms]_text
            perl    70/70        0.000000: PERF_RECORD_COMM: perl:70/70
            perl    70/71        5.000001: PERF_RECORD_MMAP2 70/71: [0x7000(0x2000) @ 0 fe:00 70 0]: rw-p /lib70
            perl    70/70        5.5: task:task_newtask: pid=99 comm=pid=70 clone_flags=1200000 oom_score_adj=70
            perl    70/70        6.000001: PERF_RECORD_FORK(99:99):(70:70)
"""


def replayed(session: Session) -> batch.Run:
    """The session under one design."""
    return batch.run("anon_vma_chain", session.machine, batch.operations_of(session), lambda done, total: None)


def written(path: Path, lines: object) -> Session:
    """What opens from these lines."""
    path.write_bytes(b"".join(pieces(lines, packed=str(path).endswith(".gz"))))  # type: ignore[arg-type]
    return load_any(str(path))


def test_each_telling_is_one_more_program(tmp_path: Path) -> None:
    once = load_any(str(SHELL))
    text = list(repeated(str(SHELL), 1))
    thrice = written(tmp_path / "long.perf.txt.gz", repeated(str(SHELL), 3 * len(text) - 100))
    assert len(thrice.operations) == 3 * len(once.operations)
    first, all_three = replayed(once), replayed(thrice)
    assert len(all_three.refused) == 3 * len(first.refused)
    assert len(batch.tasks(all_three.world)) == 3 * len(batch.tasks(first.world))
    figures, more = batch.figures(first), batch.figures(all_three)
    assert more["figures"]["vmas"] == 3 * figures["figures"]["vmas"]


def test_the_first_telling_is_the_recording_itself() -> None:
    assert list(repeated(str(POOL), 1)) == list(Repeated(list(repeated(str(POOL), 1))).lines(1))
    assert len(list(repeated(str(POOL), 18_882))) == 2 * 18_881 - 1, "what is told of the kernel is told once"


def test_pids_and_times_are_moved_and_nothing_else_is() -> None:
    told = list(Repeated(ATTACHED.splitlines()).lines(2))[5:]
    assert told == [
        "            perl    100/100        0.000000: PERF_RECORD_COMM: perl:100/100",
        "            perl    100/101        6.001001: PERF_RECORD_MMAP2 100/101: [0x7000(0x2000) @ 0 fe:00 70 0]: rw-p /lib70",
        "            perl    100/100        6.5: task:task_newtask: pid=102 comm=pid=70 clone_flags=1200000 oom_score_adj=70",
        "            perl    100/100        7.001001: PERF_RECORD_FORK(102:102):(100:100)",
    ]


def test_what_cannot_be_repeated_is_said() -> None:
    with pytest.raises(FormatError, match="no events"):
        Repeated(["nothing"]).copies(10)
    with pytest.raises(FormatError, match="more pids"):
        Repeated(ATTACHED.splitlines()).copies(10_000_000)


def test_an_allocator_of_any_length_replays_without_a_word(tmp_path: Path) -> None:
    counts = []
    for lines in (2000, 4000, 8000):
        text = list(allocator(lines))
        assert lines <= len(text) < lines + 200
        session = written(tmp_path / f"{lines}.perf.txt", text)
        assert session.report == ()
        done = replayed(session)
        assert not done.refused and len(batch.tasks(done.world)) == 1
        counts.append(len(session.operations))
    assert counts[0] > 200 and 1.8 < counts[2] / counts[1] < 2.2, "it grows as its lines do"
    assert list(allocator(2000)) == list(allocator(2000))


def test_the_command_writes_both_kinds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pool, malloc = tmp_path / "pool.perf.txt.gz", tmp_path / "malloc.perf.txt"
    words = ["bench", "--write-recording", "pool", "--recording", str(SHELL), "--lines", "3000", "-o", str(pool)]
    assert main(words) == 0
    assert main(["bench", "--write-recording", "malloc", "--lines", "500", "-o", str(malloc)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith(f"{pool}: 3,6") and said[1].startswith(f"{malloc}: 50")
    assert len(load_any(str(pool)).operations) == 2 * len(load_any(str(SHELL)).operations)
    assert load_any(str(malloc)).report == ()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["pool"], 2, "give -o FILE"),
        (["malloc", "--lines", "0", "-o", "x.txt"], 2, "out of range"),
        (["pool", "--recording", "none.txt", "-o", "x.txt"], 3, "none.txt: no such file"),
        (["malloc", "-o", "x.html"], 3, "a recording would be written there"),
    ],
)
def test_what_is_not_written_is_said(
    words: list[str],
    code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["bench", "--write-recording", *words]) == code
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
