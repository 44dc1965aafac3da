"""Work in processes of its own: the same results, in order; trouble is told, nothing stays behind."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import pytest

from rmapexplorer import batch, cli, usage, workers
from rmapexplorer.core.operations import Fork, Mmap, Spawn, Touch
from rmapexplorer.core.room import ROOM, OutOfRoom, bounded
from rmapexplorer.core.units import Corruption, KernelError, Span
from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.formats.session import Session, save_session
from rmapexplorer.terminal import Memory, NoRoom, Trouble

ROOT = Path(__file__).resolve().parent.parent
SCENARIOS = ROOT / "resources" / "scenarios" / "claims"
RECORDING = ROOT / "tests" / "data" / "recordings" / "gcc.perf.txt.gz"


def quiet(number, done):
    pass


def all_of(pieces, jobs, told=quiet):
    return list(workers.done_in_order(pieces, jobs, told))


def gone(pid):
    """Whether no such process is left; given a little time."""
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        stat = Path(f"/proc/{pid}/stat")
        if stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return True  # whoever adopted it has not asked for it yet
        time.sleep(0.02)
    return False


@pytest.fixture
def file(tmp_path):
    ops = [Spawn(pid=1), Mmap(pid=1, span=Span(16, 32)), Touch(pid=1, runs=((16, 32, "w"),))]
    ops += [Fork(pid=1, child=2 + at) for at in range(60)]
    path = tmp_path / "many.rmap"
    save_session(Session(title="many", operations=tuple(ops), designs=(("pte_chain", {}), ("anonmm", {}))), str(path))
    return str(path)


@pytest.mark.parametrize("jobs", [1, 2, 3, 9])
def test_results_come_in_order_whoever_is_done_first(jobs):
    def piece(at):
        def work(told):
            time.sleep(0.05 if at == 0 else 0)
            return at, os.getpid()

        return work

    found = all_of(map(piece, range(5)), jobs)
    assert [at for at, _ in found] == [0, 1, 2, 3, 4]
    assert (len({pid for _, pid in found}), os.getpid() in {pid for _, pid in found}) == (
        (1, True) if jobs == 1 else (5, False)
    )
    assert jobs == 1 or all(gone(pid) for _, pid in found)


def test_progress_is_told_with_the_number_of_the_piece():
    told = []

    def piece(at):
        def work(tell):
            tell(at * 10)
            return at

        return work

    all_of(map(piece, range(3)), 2, lambda *words: told.append(words))
    assert sorted(told) == [(0, 0), (1, 10), (2, 20)]


@pytest.mark.parametrize(
    "error", [KernelError("EINVAL", "no such thing", "pid"), Trouble("a sentence.", 3), Corruption("mapcount is -1."), KeyError("x")]
)  # fmt: skip
def test_what_a_piece_raises_is_raised_here_with_where_it_was(error):
    def work(told):
        raise error

    with pytest.raises(type(error)) as raised:
        all_of([work, work], 2)
    assert str(raised.value) == str(error) and raised.value.args == error.args
    assert {k: v for k, v in vars(raised.value).items() if k != "__notes__"} == vars(error)
    assert raised.value.__notes__ == [f"test_workers.py, line {work.__code__.co_firstlineno + 1}"]


def test_what_cannot_be_sent_is_told_in_words():
    class Odd(Exception):
        pass

    def work(told):
        raise Odd("a lambda", lambda: 0)

    with pytest.raises(RuntimeError, match="Odd: .*a lambda"):
        all_of([work, work], 2)


def test_a_process_that_is_killed_is_one_sentence():
    def work(told):
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(workers.Lost, match="signal 9") as raised:
        all_of([work, work], 2)
    assert "--jobs 1" in str(raised.value)


def test_a_piece_that_finds_no_memory_beside_others_is_done_again_alone(tmp_path):
    """Two need the room that is there for one; the third is done meanwhile."""
    tried = tmp_path / "tried"

    def work(told):
        with tried.open("a") as lines:
            print(os.getpid(), file=lines)
        if workers.taken_by_others(7) or len(tried.read_text().split()) < 3:
            raise MemoryError
        return workers.taken_by_others(7)

    assert all_of([work, work, lambda told: 5], 2) == [0, 0, 5]


def test_a_piece_that_finds_no_memory_alone_ends_it():
    def work(told):
        raise NoRoom("needs more.")

    with pytest.raises(NoRoom, match=r"needs more\."):
        all_of([work, work], 2)


def test_memory_of_all_processes_counts(monkeypatch):
    """Each takes 20 MB where 30 are allowed for both: the second is refused while the first has them."""
    monkeypatch.setattr("rmapexplorer.terminal.MOST_MEMORY", 30 << 20)
    before = Memory()

    def work(told):
        before.begin()
        kept = bytearray(os.urandom(1)) * (20 << 20)
        before.check("x", 1)
        time.sleep(0.2)
        before.check("x", len(kept))
        return os.getpid()

    assert len(set(all_of([work, work], 2))) == 2  # one after the other, in the end

    def greedy(told):
        before.begin()
        kept = bytearray(os.urandom(1)) * (40 << 20)
        before.check("x", len(kept))

    with pytest.raises(NoRoom, match="at operation 41,943,040"):
        all_of([greedy, greedy], 2)


def test_memory_the_parent_gave_back_is_not_more_for_its_processes(monkeypatch):
    monkeypatch.setattr("rmapexplorer.terminal.MOST_MEMORY", 30 << 20)
    held = bytearray(b"x") * (60 << 20)
    before = Memory()
    del held

    def greedy(told):
        before.begin()
        kept = bytearray(b"x") * (40 << 20)
        before.check("x", len(kept))

    with pytest.raises(NoRoom, match="at operation 41,943,040"):
        all_of([greedy, greedy], 2)


def test_room_of_a_process_is_what_the_others_leave(tmp_path):
    """Where 1,000 MB more are allowed and the first says it has 900, the second finds no room for 200 until it is alone."""
    tried = tmp_path / "tried"

    def first(told):
        workers.taken_by_others(900 << 20)
        tried.touch()
        time.sleep(0.5)
        return "first"

    def second(told):
        while not tried.exists():
            time.sleep(0.01)
        try:
            ROOM.ask(200 << 20)
        except OutOfRoom:
            tried.write_text("refused")
            raise
        return tried.read_text(), workers.others()

    with bounded(1000 + (ROOM.taken() >> 20)):
        assert all_of([first, second], 2) == ["first", ("refused", 0)]


def test_few_operations_need_no_processes():
    assert workers.jobs_for(None, 1, 4) == 1 and workers.jobs_for(3, 1, 4) == 3
    assert workers.jobs_for(None, 1_000_000, 4) == workers.cores()


def test_few_short_pieces_begin_at_once():
    cores = workers.cores()
    assert workers.jobs_for(None, 1000, 2 * cores) == 2 * cores and workers.jobs_for(1, 1000, 2 * cores) == 1
    assert workers.jobs_for(None, 1000, 2 * cores + 1) == cores


@pytest.mark.parametrize("words", ["0", "-1", "many", "1.5", "1000", ""])
def test_numbers_of_processes_that_cannot_be(words, file, capsys):
    assert cli.main(["run", file, "--jobs", words]) == usage.USAGE
    assert "--jobs: must be a number from 1 to 999" in capsys.readouterr().err


# -- the same results ---------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["run", "compare"])
@pytest.mark.parametrize(
    "path", [SCENARIOS / "C03.rmap", SCENARIOS / "C12.rmap", RECORDING], ids=lambda path: path.name
)
def test_two_processes_give_what_one_gives_byte_for_byte(command, path, tmp_path, capsys):
    if path == RECORDING:
        path = tmp_path / "beginning.txt"
        with gzip.open(RECORDING, "rt") as lines:
            path.write_text("".join(islice(lines, 1500)))
    found = []
    for jobs in ("1", "2"):
        code = cli.main([command, str(path), "--jobs", jobs, "--json", "-"])
        found.append((code, *capsys.readouterr()))
    assert found[0] == found[1] and len(found[0][1]) > 1000


def test_tables_and_counters_are_the_same_too(file, tmp_path, capsys):
    found = []
    for jobs in ("1", "3"):
        out = tmp_path / f"{jobs}.csv"
        names = [kind.key for kind in DESIGNS]
        assert cli.main(["run", file, "--jobs", jobs, "--counters", str(out), "--design", *names]) == 0
        found.append((out.read_text(), capsys.readouterr().out))
    assert found[0] == found[1]


def test_trouble_in_a_world_is_the_same_sentence(file, capsys, monkeypatch):
    def broken(*_):
        raise KeyError("no such key")

    def vast(*_):
        raise MemoryError

    for what in (broken, vast):
        monkeypatch.setattr(batch, "run", what)
        said = []
        for jobs in ("1", "2"):
            said.append((cli.main(["run", file, "--jobs", jobs]), capsys.readouterr().err))
        assert said[0] == said[1] and said[0][1].count("\n") == 1, said


def test_a_killed_world_is_one_sentence(file, capsys, monkeypatch):
    monkeypatch.setattr(batch, "run", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    assert cli.main(["run", file, "--jobs", "2"]) == usage.BAD_FILE
    err = capsys.readouterr().err
    assert "ended from outside (signal 9)" in err and err.count("\n") == 1


ENDLESS = """
import os, signal, sys, time
from rmapexplorer import batch, cli
signal.signal(signal.SIGINT, signal.default_int_handler)
def run(*args):
    os.write(1, b"%d\\n" % os.getpid())
    while True:
        time.sleep(0.01)
batch.run = run
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_when_it_is_cancelled_or_killed(how, file):
    process = subprocess.Popen(
        [sys.executable, "-c", ENDLESS, "run", file, "--jobs", "2"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        pids = [int(process.stdout.readline()) for _ in range(2)]
        assert process.pid not in pids
        process.send_signal(how)
        out, err = process.communicate(timeout=30)
    assert all(gone(pid) for pid in pids)
    expected = (130, "", "rmapexplorer: cancelled.\n") if how == signal.SIGINT else (-how, "", "")
    assert (process.returncode, out, err) == expected


def test_json_of_a_file_is_whole(file, tmp_path):
    out = tmp_path / "out.json"
    assert cli.main(["run", file, "--jobs", "2", "--json", str(out)]) == 0
    assert list(json.loads(out.read_text())["designs"]) == ["pte_chain", "anonmm"]


def test_one_piece_needs_no_process():
    assert all_of([lambda told: os.getpid()], 9) == [os.getpid()]
