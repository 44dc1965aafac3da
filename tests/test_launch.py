"""Where the program starts: commands go to the command line, everything else to the window, which reads none of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import rmapexplorer
from rmapexplorer import launch, usage

ROOT = Path(__file__).resolve().parent.parent

START = [sys.executable, "-m", "rmapexplorer"]


def modules_after(*words: str) -> set[str]:
    """What was imported when the program ended."""
    code = "import sys; from rmapexplorer import launch; launch.main(sys.argv[1:]); print('\\n'.join(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stderr.split())


def test_every_command_is_there() -> None:
    here = {path.stem for path in (Path(rmapexplorer.__file__).parent / "commands").glob("[a-z]*.py")}
    assert here | {"run", "compare"} == set(usage.COMMANDS)


@pytest.mark.parametrize("words", [["designs"], ["--help"], ["-h"], ["--version"]])
def test_words_for_the_command_line_open_no_window(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "window", lambda words: pytest.fail("a window was opened"))
    assert launch.main(words) == 0


@pytest.mark.parametrize("words", [[], ["a.rmap"], ["--theme", "dark"], ["--screenshot", "a.png", "run"]])
def test_other_words_are_the_windows(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[list[str]] = []
    monkeypatch.setattr("rmapexplorer.gui.app.run", lambda words: given.append(words) or 7)
    assert launch.main(words) == 7 and given == [words]


def test_the_way_to_the_window_reads_no_command() -> None:
    code = "import sys, rmapexplorer.launch, rmapexplorer.gui.app; print('rmapexplorer.cli' in sys.modules, 'rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["False", "False"]


@pytest.mark.parametrize("word", ["--version", "--help"])
def test_version_and_help_read_nothing_heavy(word: str) -> None:
    ours = {name for name in modules_after(word) if name.startswith("rmapexplorer")}
    assert ours == {"rmapexplorer", "rmapexplorer.launch", "rmapexplorer.usage", "rmapexplorer.plain"}
    assert not {"numpy", "rich", "attrs"} & modules_after(word)


def test_a_command_reads_no_other_one() -> None:
    commands = {name for name in modules_after("designs") if name.startswith("rmapexplorer.commands.")}
    assert commands == {"rmapexplorer.commands.designs", "rmapexplorer.commands.script"}


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert launch.main(["--version"]) == 0
    assert capsys.readouterr().out == f"rmapexplorer {rmapexplorer.__version__}\n"


def test_help_names_all_commands_themes_and_arguments_of_the_window(capsys: pytest.CaptureFixture[str]) -> None:
    assert launch.main(["--help"]) == 0
    out = capsys.readouterr().out
    options = [word.strip("[]") for word in usage.window_parser().format_help().split() if word.startswith("[--")]
    assert len(options) == 4
    for word in (*options, *usage.THEMES):
        assert word in out
    assert [name for name in usage.COMMANDS if f"\n    {name} " not in out] == []


def test_help_and_readme_name_the_same_exit_codes() -> None:
    codes = usage.EXIT_CODES.removeprefix("Exit codes: ")
    assert " ".join(codes.split()) in " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["rnu", "a.rmap"], "there is no command and no file rnu (did you mean run?)"),
        (["exprot"], "there is no command and no file exprot (did you mean export?)"),
        (["whatever", "a.rmap"], "there is no command and no file whatever (the commands are run, compare, "),
        ([__file__, "b.rmap"], "the window opens one file, and b.rmap is one more"),
        (["--teme", "dark"], "there is no option --teme"),
        (["--size", "huge"], "argument --size: 'huge' is not a size"),
    ],
)
def test_wrong_usage_is_one_sentence(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert launch.main(words) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert err.startswith(f"rmapexplorer: {sentence}") and err.endswith("; rmapexplorer -h explains.\n")


# -- Ctrl+C, and streams that are closed or full --------------------------------------------------------


def test_ctrl_c_ends_it_and_opens_no_second_window(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from rmapexplorer.gui import app

    opened: list[object] = []

    def run(words: object) -> int:
        opened.append(words)
        raise KeyboardInterrupt

    monkeypatch.setattr(app, "run", run)
    assert launch.main([]) == 130
    assert len(opened) == 1 and "cancelled" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


SLOW = """
import sys, time
import rmapexplorer.launch
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            print("reading", flush=True)
            time.sleep(30)
sys.meta_path.insert(0, Slow())
sys.exit(rmapexplorer.launch.main(sys.argv[1:]))
"""


@pytest.mark.parametrize(("module", "words"), [("rmapexplorer.commands.claims", ["claims"]), ("PySide6.QtWidgets", [])])
def test_ctrl_c_while_modules_are_read_says_nothing(module: str, words: list[str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW.format(module=module), *words], cwd=ROOT, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    with process:
        assert process.stdout is not None and process.stdout.readline() == "reading\n"
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=20) == ("", "")
    assert process.returncode == -signal.SIGINT  # what a shell shows as 130


@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&-", ">&- 2>&- <&-"])
@pytest.mark.parametrize(("words", "code"), [("run /nowhere.rmap", 3), ("designs", 0), ("rnu", 2), ("--version", 0)])
def test_closed_streams_change_no_exit_code(closed: str, words: str, code: int, tmp_path: Path) -> None:
    shell = f'"$0" -m rmapexplorer {words} {closed}'
    done = subprocess.run(["sh", "-c", shell, sys.executable], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_said_to_a_closed_stream_goes_into_no_file(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    words = f"run resources/scenarios/the-letter-in-six-operations.rmap --json {out} >&- 2>&-"
    done = subprocess.run(["sh", "-c", f'"$0" -m rmapexplorer {words}', sys.executable], cwd=ROOT, timeout=60)
    assert done.returncode == 0
    assert out.read_text(encoding="utf-8").startswith("{")


def test_a_full_disk_is_told_by_version_and_help_too() -> None:
    for words in (["--version"], ["--help"], ["workload", "-h"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [*START, *words], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
            )
        assert done.returncode == 3
        assert done.stderr == "rmapexplorer: the output cannot be written (No space left on device).\n"


# -- pipes ---------------------------------------------------------------------------------------------

LETTER = "resources/scenarios/the-letter-in-six-operations.rmap"


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """``$0`` in the line is the program."""
    start = f'rx() {{ "{sys.executable}" -m rmapexplorer "$@"; }}; {line}'
    return subprocess.run(["bash", "-c", start], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    "line",
    [
        f"cat {LETTER} | rx run - --json -", f"gzip -c {LETTER} | rx run /dev/stdin --json -",
        f"rx run - --json - < {LETTER}", f"rx run <(cat {LETTER}) --json -",
        f"rx script {LETTER} | rx run - --json -",
    ],
)  # fmt: skip
def test_a_pipe_is_read_like_a_file(line: str) -> None:
    done = shell(line)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["input"]["operations"] == 6


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (": | rx run -", "-: is empty"), ("rx run - < /dev/null", "-: is neither a plain file nor a pipe"),
        ("rx run - < /dev/zero", "-: is neither"), ("rx run - <&-", "-: is neither"),
        ("echo hello | rx run -", "-: is neither a session"),
        ("mkfifo {0}/pipe; rx run {0}/pipe", "/pipe: is neither a plain file nor a pipe"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_from_a_pipe_is_one_sentence(line: str, why: str, tmp_path: Path) -> None:
    done = shell(line.replace("{0}", str(tmp_path)))
    assert (done.returncode, done.stdout) == (3, "")
    assert why in done.stderr and done.stderr.count("\n") == 1


def test_a_pipe_that_does_not_end_is_read_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    from rmapexplorer.formats import reading
    from rmapexplorer.formats.errors import FormatError

    monkeypatch.setattr(reading, "PIPE_BYTES", 1 << 20)
    with subprocess.Popen(["cat", "/dev/zero"], stdout=subprocess.PIPE) as endless:
        assert endless.stdout is not None
        with (
            pytest.raises(FormatError, match="longer than 1 MiB"),
            reading.opened(f"/dev/fd/{endless.stdout.fileno()}"),
        ):
            pass
        endless.kill()
