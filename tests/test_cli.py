"""The command line: what it prints, what it returns, and that it never needs Qt."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rmapexplorer import batch, cli, usage
from rmapexplorer.core.operations import Exit, Fork, Mmap, Mprotect, Mremap, Spawn, Touch
from rmapexplorer.core.units import Corruption, Machine, Span
from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.formats.session import Session, save_session

ROOT = Path(__file__).resolve().parent.parent
RECORDINGS = ROOT / "tests" / "data" / "recordings"
TRACES = ROOT / "tests" / "data" / "traces"
ALL = ["pte_chain", "anonmm", "anon_vma", "anon_vma_chain"]
TASK_END = 1 << 47

OPS = (
    Spawn(pid=1, comm="init"), Mmap(pid=1, span=Span(10, 20)), Touch(pid=1, runs=((10, 14, "w"),)),
    Fork(pid=1, child=2), Mremap(pid=2, span=Span(10, 20), new_pages=10, to=50), Exit(pid=9),
)  # fmt: skip


@pytest.fixture
def file(tmp_path):
    """A session of six operations, the last one refused, with all designs."""
    return session_at(tmp_path / "six.rmap")


def session_at(path, operations=OPS, designs=tuple((key, {}) for key in ALL), **more):
    save_session(Session(title="six", operations=tuple(operations), designs=designs, **more), str(path))
    return str(path)


def figures(path, *words, capsys=None):
    assert cli.main(["run", path, *words, "--json", "-"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return json.loads(out)["designs"]


def child(*words, **more):
    return subprocess.Popen(
        [sys.executable, "-m", "rmapexplorer", *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more
    )  # fmt: skip


# -- run ----------------------------------------------------------------------------------------------


def test_run_gives_the_figures_of_every_design_of_the_session(file, capsys):
    designs = figures(file, capsys=capsys)
    assert list(designs) == ALL
    for found in designs.values():
        assert (found["operations"], found["refused"]) == (6, 1)
        assert [(task["pid"], task["ppid"], task["comm"], task["anonymous_pages"]) for task in found["tasks"]] == [
            (1, 0, "init", 4), (2, 1, "init", 4),
        ]  # fmt: skip
        assert [(vma["start"], vma["end"], vma["perms"]) for vma in found["tasks"][1]["vmas"]] == [(50, 60, "rw-p")]


@pytest.mark.parametrize(
    "words",
    [
        ["run", "FILE", "--design", "anonmm:variant=4c", "anon_vma", "--json", "-"],
        ["run", "FILE", "--design", "anonmm:variant=4c", "--design", "anon_vma", "--json", "-"],
        ["run", "--json", "-", "--design", "anonmm:variant=4c", "anon_vma", "FILE"],
        ["run", "--design", "anonmm:variant=4c", "FILE", "--design", "anon_vma", "--json", "-"],
    ],
)
def test_designs_are_named_as_given_before_or_behind_the_file(words, file, capsys):
    assert cli.main([file if word == "FILE" else word for word in words]) == 0
    assert list(json.loads(capsys.readouterr().out)["designs"]) == ["anonmm:variant=4c", "anon_vma"]


def test_run_prints_a_table_and_writes_the_file(file, tmp_path, capsys):
    out = tmp_path / "out.json"
    assert cli.main(["run", file, "--json", str(out)]) == 0
    assert "anon_vma_chain" in capsys.readouterr().out
    assert list(json.loads(out.read_text())["designs"]) == ALL


@pytest.mark.parametrize("command", [["run"], ["compare"]])
def test_equal_runs_give_equal_text_unless_seconds_are_asked_for(command, file, capsys):
    said = []
    for words in ([], [], ["--seconds"]):
        assert cli.main([*command, file, "--json", "-", *words]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    first, _, timed = map(json.loads, said)
    assert first["input"]["file"] == file and first["input"]["operations"] == 6 and first["era"] == "6.18"
    assert all(found.pop("seconds") > 0 for found in timed["designs"].values())
    assert timed == first


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["designs", "--sizes"], "sizes"), (["figures", "P2"], "published"), (["claims", "C13"], "claims"),
        (["figures", "--pressure", "--children", "2", "--design", "anonmm"], "pressure"),
        (["verify", str(TRACES / "merge.json.gz")], "verification"),
    ],
)  # fmt: skip
def test_all_json_is_headed_and_the_same_each_time(words, what, capsys):
    said = []
    for _ in range(2):
        assert cli.main([*words, "--json", "-"]) == 0
        said.append(capsys.readouterr().out)
    found = json.loads(said[0])
    assert list(found)[:3] == ["format", "version", "program"] and found["format"] == f"rmapexplorer {what}"
    assert said[0] == said[1]


def test_options_of_the_session_make_the_name(tmp_path, capsys):
    path = session_at(tmp_path / "s.rmap", designs=(("anonmm", {"variant": "4c"}),))
    assert list(figures(path, capsys=capsys)) == ["anonmm:variant=4c"]


def test_what_the_import_skipped_is_said_on_stderr(tmp_path, capsys):
    assert cli.main(["run", session_at(tmp_path / "s.rmap", report=("2 x shmat: no",)), "--json", "-"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) and err == "rmapexplorer: skipped: 2 x shmat: no\n"


# -- recordings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["shell-pipeline", "python-pool", "python-realloc-fork", "redis-bgsave"])
def test_recordings_end_in_what_smaps_said_under_all_designs(name, capsys):
    final = json.loads((RECORDINGS / f"{name}.final.json").read_text())
    for design, found in figures(str(RECORDINGS / f"{name}.perf.txt.gz"), capsys=capsys).items():
        ours = {str(task["pid"]): task for task in found["tasks"]}
        assert set(ours) == set(final["processes"]), design
        for pid, told in final["processes"].items():
            smaps = {(v["start"] >> 12, v["end"] >> 12, v["perm"]) for v in told["vmas"] if v["start"] < TASK_END}
            assert pages(smaps) == pages({(v["start"], v["end"], v["perms"]) for v in ours[pid]["vmas"]}), (design, pid)
            anonymous = sum(v["anonymous"] for v in told["vmas"]) // 4
            assert abs(ours[pid]["anonymous_pages"] - anonymous) <= 2, (design, pid)


def pages(spans):
    return {vpn: perms for start, end, perms in spans for vpn in range(start, end)}


# -- compare and designs ------------------------------------------------------------------------------


def test_compare_says_that_memory_is_equal(file, capsys):
    assert cli.main(["compare", file]) == 0
    out = capsys.readouterr().out
    assert "Every operation has the same outcome in all worlds." in out
    assert "Process memory is equal in all 4 worlds." in out
    assert "merges refused" in out


def test_compare_fails_where_memory_differs(file, capsys, monkeypatch):
    honest = batch.run

    def run(name, machine, operations, *more):
        return honest(name, machine, operations[:-1] if name != "anon_vma" else (*operations[:-1], Exit(pid=2)), *more)

    monkeypatch.setattr(batch, "run", run)
    assert cli.main(["compare", file]) == 1
    assert "Process memory differs: Process 2 is alive in pte_chain only." in capsys.readouterr().out


def test_compare_as_json_has_the_verdict(file, capsys):
    assert cli.main(["compare", file, "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["comparison"]["memory_equal"] is True


def test_compare_names_the_first_unequal_outcome(tmp_path, capsys):
    parts = [(10, 12), (14, 16)]
    ops = [Spawn(pid=1)]
    for start, end in parts:
        ops += [Mmap(pid=1, span=Span(start, end)), Touch(pid=1, runs=((start, end, "w"),))]
    ops += [Mmap(pid=1, span=Span(12, 14)), Mremap(pid=1, span=Span(10, 16), new_pages=8, to=50)]
    assert cli.main(["compare", session_at(tmp_path / "s.rmap", ops)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "Outcomes differ first at operation 7, mremap(1, a-10 → 32-3a): pte_chain: done;" in out
    assert "Process memory is equal in all 4 worlds where outcomes were equal." in out


def test_compare_needs_two_designs(file, capsys):
    assert cli.main(["compare", file, "--design", "anonmm"]) == 2
    assert "nothing to compare anonmm with" in capsys.readouterr().err


def test_designs_are_listed(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    assert cli.main(["designs"]) == 0
    out = capsys.readouterr().out
    assert [key for key in ALL if key not in out] == []
    assert "variant=4e|4a|4b|4c|4d" in "".join(out.split())


# -- trouble ------------------------------------------------------------------------------------------


def sentence(capsys):
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("rmapexplorer: ") and err.count("\n") == 1 and err.endswith(".\n")
    return err


@pytest.mark.parametrize("command", ["run", "compare"])
def test_a_missing_or_foreign_file_is_one_sentence(command, tmp_path, capsys):
    assert cli.main([command, str(tmp_path / "no.rmap")]) == 3
    assert "no such file" in sentence(capsys)
    (tmp_path / "x").write_text("hello\n")
    assert cli.main([command, str(tmp_path / "x")]) == 3
    assert "neither a session" in sentence(capsys)
    assert cli.main([command, str(tmp_path)]) == 3
    assert "is a directory" in sentence(capsys)


@pytest.mark.parametrize("name", ["nosuch", "anonmm:variant=9", "anon_vma:x"])
def test_an_unknown_design_is_one_sentence(name, file, capsys):
    assert cli.main(["run", file, "--design", name]) == 2
    assert "anonmm" in (said := sentence(capsys)) or "anon_vma" in said


def test_an_unknown_design_lists_the_known_ones_with_the_file_behind_it(file, capsys):
    assert cli.main(["run", "--design", "nosuch", file]) == 2
    assert f"no design 'nosuch'; known: {', '.join(design.key for design in DESIGNS)}." in sentence(capsys)


def test_a_session_of_unknown_designs_or_calls_is_a_bad_file(tmp_path, capsys):
    assert cli.main(["run", session_at(tmp_path / "s.rmap", designs=(("nosuch", {}),))]) == 3
    assert "no design 'nosuch'" in sentence(capsys)
    assert cli.main(["run", session_at(tmp_path / "s.rmap", machine=Machine(calls="9.9"))]) == 3
    assert "calls of era 9.9 are not simulated" in sentence(capsys)


def test_the_calls_of_another_era(tmp_path, capsys):
    ops = (*OPS[:3], Mprotect(pid=1, span=Span(10, 20), prot="r"), Mprotect(pid=1, span=Span(10, 20), prot="rw"),
           Touch(pid=1, runs=((10, 14, "w"),)))  # fmt: skip
    path = session_at(tmp_path / "s.rmap", operations=ops)
    for era, faults in (("6.18", 4), ("2.6.34", 8)):
        assert cli.main(["run", path, "--calls", era, "--design", "anonmm", "--counters", "-"]) == 0
        head, *_, last = csv.reader(capsys.readouterr().out.splitlines())
        assert dict(zip(head, last, strict=True))["faults"] == str(faults)
    assert cli.main(["run", path, "--calls", "5.5"]) == 2
    assert "invalid choice: '5.5'" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "compare"])
def test_an_era_of_the_calls_takes_the_designs_along(tmp_path, capsys, command):
    path = session_at(tmp_path / "s.rmap", designs=(("anonmm", {}), ("anon_vma_chain", {})))

    def worlds(*words):
        assert cli.main([command, path, "--calls", "3.0", "--json", "-", *words]) == 0
        return list(json.loads(capsys.readouterr().out)["designs"])

    assert worlds() == ["anonmm", "anon_vma_chain:era=3.0"]
    assert worlds("--design", "anon_vma_chain:era=3.7", "pte_chain") == ["anon_vma_chain:era=3.7", "pte_chain"]
    session_at(tmp_path / "s.rmap", designs=(("anonmm", {}), ("anon_vma_chain", {"era": "4.0"})))
    assert worlds() == ["anonmm", "anon_vma_chain:era=4.0"]
    session_at(tmp_path / "s.rmap", machine=Machine(calls="nonsense"), designs=(("anonmm", {}), ("anon_vma_chain", {})))
    assert worlds() == ["anonmm", "anon_vma_chain:era=3.0"]


def test_a_kernel_trace_runs(capsys):
    assert cli.main(["run", f"{TRACES / 'merge.json.gz'}#nonsense"]) == 3
    assert "holds no trace named nonsense" in sentence(capsys)
    assert cli.main(["run", str(TRACES / "merge.json.gz"), "--json", "-"]) == 0
    out, err = capsys.readouterr()
    assert set(json.loads(out)["designs"]) == set(ALL) and "open merge.json.gz#NAME for another one" in err


def test_a_world_beyond_all_memory_is_one_sentence(file, capsys, monkeypatch):
    def vast(*_):
        raise MemoryError

    monkeypatch.setattr(batch, "run", vast)
    assert cli.main(["run", file]) == 3
    assert "under pte_chain: there is not enough memory" in sentence(capsys)


def test_a_place_that_cannot_be_written_is_told_before_the_work(file, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(cli, "load_any", None)
    assert cli.main(["run", file, "--json", str(tmp_path / "no" / "out.json")]) == 3
    assert "does not exist" in sentence(capsys)
    assert cli.main(["run", file, "--json", file]) == 3
    assert "is the file to read" in sentence(capsys)


def test_a_missing_file_argument_and_unknown_options_are_wrong_usage(capsys):
    assert cli.main(["run"]) == 2
    assert "FILE is missing" in sentence(capsys)
    assert cli.main(["run", "--design", "anonmm", "anon_vma"]) == 2
    assert "FILE is missing" in sentence(capsys)
    assert cli.main(["designs", "--what"]) == 2
    assert "--what" in capsys.readouterr().err


def test_a_broken_invariant_is_our_bug_and_no_traceback(file, capsys, monkeypatch):
    def broken(*_):
        raise Corruption("mapcount of page 3 is -1.")

    monkeypatch.setattr(batch, "run", broken)
    assert cli.main(["run", file]) == 5
    assert "a bug of this program" in sentence(capsys)


def test_what_nobody_thought_of_is_our_bug_and_no_traceback(file, capsys, monkeypatch):
    def broken(*_):
        return {}["no such key"]

    monkeypatch.setattr(batch, "run", broken)
    assert cli.main(["run", file]) == 5
    assert "a bug of this program, please report it with the file: KeyError: 'no such key' (test_cli.py, line " in (
        sentence(capsys)
    )


@pytest.mark.parametrize("width", ["0", "1", "20", "-5", "many", "9" * 30])
def test_every_width_of_a_terminal_shows_the_figures(width, file, capsys, monkeypatch):
    with monkeypatch.context() as patched:  # pytest reads it too when it reports the test
        patched.setenv("COLUMNS", width)
        assert cli.main(["compare", file]) == 0
    out = capsys.readouterr().out
    assert "rmap metadata [B]" in out and "anon_vma_chain" in "".join(out.split()) and "Process memory is equal" in out
    assert max(map(len, out.splitlines())) <= 1000


# -- as a process -------------------------------------------------------------------------------------

BLOCKED = """
import sys
for name in ("PySide6", "shiboken6", "pyqtgraph"):
    sys.modules[name] = None
from rmapexplorer.launch import main
code = main(sys.argv[1:])
assert not [name for name in sys.modules if name.startswith("rmapexplorer.gui")], "the gui was imported"
sys.exit(code)
"""


def test_all_commands_work_where_qt_cannot_be_imported(file):
    for words in (["run", file, "--json", "-"], ["compare", file], ["designs"], ["-h"]):
        done = subprocess.run(
            [sys.executable, "-c", BLOCKED, *words], cwd=ROOT, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""


def test_the_window_without_qt_is_one_sentence():
    done = subprocess.run([sys.executable, "-c", BLOCKED.replace("assert", "0 and"), "--screenshot", os.devnull],
                          cwd=ROOT, capture_output=True, text=True, timeout=120)  # fmt: skip
    assert done.returncode == 4
    assert done.stderr.startswith("rmapexplorer: the window needs Qt") and done.stderr.count("\n") == 1


def test_a_reader_that_leaves_early_is_no_error():
    process = child("run", str(RECORDINGS / "shell-pipeline.perf.txt.gz"), "--json", "-")
    process.stdout.close()
    with process.stderr as stderr:
        assert stderr.read() == ""
    assert process.wait(60) == 0


def test_a_full_disk_is_one_sentence():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "rmapexplorer", "designs"], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 3
    assert done.stderr == "rmapexplorer: the output cannot be written (No space left on device).\n"


LATE = """
import signal, sys
from rmapexplorer import batch, cli, usage
signal.signal(signal.SIGINT, signal.default_int_handler)
honest = batch.run
def run(*args):
    print("running", flush=True)
    while True:
        honest(*args)
batch.run = run
sys.exit(cli.main(sys.argv[1:]))
"""


def test_ctrl_c_is_one_line(file):
    process = subprocess.Popen(
        [sys.executable, "-c", LATE, "run", file], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout.readline() == "running\n"
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "rmapexplorer: cancelled.\n")


@pytest.mark.parametrize(("extra", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_gets_colours_unless_told_otherwise(extra, coloured):
    primary, secondary = os.openpty()
    env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    process = subprocess.Popen([sys.executable, "-m", "rmapexplorer", "compare", str(RECORDINGS / "shell-pipeline.perf.txt.gz")],
                               cwd=ROOT, stdout=secondary, stderr=secondary, env=env | {"TERM": "xterm-256color"} | extra)  # fmt: skip
    os.close(secondary)
    data = b""
    while part := read(primary):
        data += part
    os.close(primary)
    assert process.wait(60) == 0
    assert b"Process memory is equal" in data
    assert b"reading" in data or b"pte_chain" in data.split(b"shell-pipeline")[0]
    assert bool(re.search(rb"\x1b\[(\d+;)*3[0-8][;m]", data)) is coloured


def read(descriptor):
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:  # the terminal was hung up
        return b""


# -- help ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", sorted(usage.COMMANDS))
def test_every_command_has_help(command, capsys):
    assert cli.main([command, "-h"]) == 0
    assert f"usage: rmapexplorer {command} " in capsys.readouterr().out
