"""The two set-up commands, the desktop files and the wheel, as far as a test can go without a network or root."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGING = ROOT / "packaging"
APP = "io.github.rmapexplorer.RmapExplorer"
MIME = "application/x-rmapexplorer-session"
SCRIPT = "application/x-rmapexplorer-script"

FAKE_PYTHON = """#!/bin/sh
echo "in $(pwd)"
echo "platform ${QT_QPA_PLATFORM-none}"
for word; do echo "word $word"; done
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout, in a path with a space, whose set-up is finished; its python prints what it is called with."""
    root = tmp_path / "my work" / "main"
    shutil.copytree(PACKAGING, root / "packaging")
    shutil.copy(ROOT / "pyproject.toml", root)
    shutil.copytree(ROOT / "resources" / "system", root / "resources" / "system")
    python = root / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(FAKE_PYTHON, encoding="utf-8")
    python.chmod(0o755)
    for part in ("run", "screen"):
        _sourced(root, f"now=$(stamp); finish {part}")
    return root


def _environment(**changes: str) -> dict[str, str]:
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "RMAPEXPLORER_PYTHON")
    return {k: v for k, v in os.environ.items() if k not in hidden} | changes


def _call(*command: str | Path, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(c) for c in command],
        cwd=cwd, env=_environment(**environment), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def _sourced(root: Path, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run shell text after ``. packaging/setup.sh``."""
    prelude = 'set -eu; root=$1; . "$root/packaging/setup.sh"; '
    return _call("sh", "-c", prelude + script, "sh", root, **environment)


def _launch(root: Path, *words: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    return _call(root / "packaging" / "launch", *words, cwd=cwd, **environment)


# packaging/launch


def test_arguments_arrive_unchanged_and_in_the_callers_directory(checkout: Path, tmp_path: Path) -> None:
    done = _launch(checkout, "my file.rmap", "*", "", cwd=tmp_path, DISPLAY=":7")
    assert done.stdout.splitlines() == [
        f"in {tmp_path}", "platform none",
        "word -P", "word -m", "word rmapexplorer", "word my file.rmap", "word *", "word ",
    ]  # fmt: skip
    assert (done.stderr, done.returncode) == ("", 0)


def test_a_link_to_launch_finds_its_checkout(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "rx").symlink_to(checkout / "packaging" / "launch")
    assert "word designs" in _call(tmp_path / "rx", "designs").stdout


@pytest.mark.parametrize("words", [["--screenshot", "out.png"], ["a.rmap", "--screenshot=out.png"]])
def test_a_screenshot_needs_no_screen(checkout: Path, words: list[str]) -> None:
    assert "platform offscreen" in _launch(checkout, *words).stdout
    assert "platform none" in _launch(checkout, *words, DISPLAY=":7").stdout


def test_a_window_without_a_screen_is_left_to_the_program_which_says_so(checkout: Path) -> None:
    (checkout / ".venv" / "ready-screen").unlink()
    done = _launch(checkout, "a.rmap")
    assert (done.stdout.splitlines()[-1], done.stderr, done.returncode) == ("word a.rmap", "", 0)
    (checkout / ".venv" / "ready-run").unlink()
    done = _launch(checkout, "a.rmap")
    assert (done.stdout, done.returncode) == ("", 4), "nothing is set up for that"
    assert re.fullmatch(r"rmapexplorer: there is no screen here .*--screenshot OUT\.png.*\n", done.stderr)


@pytest.mark.parametrize("command", ["run", "compare", "script", "export", "--help", "--version"])
def test_commands_need_neither_screen_nor_its_libraries(checkout: Path, command: str) -> None:
    (checkout / ".venv" / "ready-screen").unlink()
    assert f"word {command}" in _launch(checkout, command).stdout


def test_the_bench_needs_the_libraries_of_a_window_but_no_screen(checkout: Path) -> None:
    assert "word bench\nword --gui" in _launch(checkout, "bench", "--gui").stdout


def test_every_command_is_known_to_the_start(checkout: Path) -> None:
    from rmapexplorer.usage import COMMANDS

    for command in COMMANDS:
        assert f"word {command}" in _launch(checkout, command).stdout, "it would ask for a screen"


# packaging/test


TESTS = """#!/bin/sh
case "$*" in
    *" pytest "*) trap 'echo "time limit after 2 of 5 tests"; exit 2' USR1; while :; do sleep 0.1; done ;;
    *) echo "call $*" ;;
esac
"""


@pytest.fixture
def tests(checkout: Path) -> Path:
    """A checkout ready for packaging/test and packaging/test --lowest, in which pytest never ends by itself."""
    (checkout / ".venv" / "bin" / "python").write_text(TESTS, encoding="utf-8")
    shutil.copytree(checkout / ".venv", checkout / ".venv-lowest")
    for venv in (".venv", ".venv-lowest"):
        _sourced(checkout, f'venv="$root/{venv}"; now=$(stamp); for part in run test screen; do finish $part; done')
    return checkout


def test_too_long_a_run_says_how_far_it_came_and_how_to_give_it_more(tests: Path) -> None:
    done = _call(tests / "packaging" / "test", RMAPEXPLORER_TEST_SECONDS="1")
    assert done.returncode == 1
    *_, far, limit = done.stdout.splitlines()
    assert far == "time limit after 2 of 5 tests"
    assert limit.startswith("== time limit: the 1 seconds were over during pytest. RMAPEXPLORER_TEST_SECONDS=1800 ")


@pytest.mark.parametrize("seconds", ["0", "soon", "-3", "1.5"])
def test_a_time_limit_that_is_none_is_refused(tests: Path, seconds: str) -> None:
    done = _call(tests / "packaging" / "test", RMAPEXPLORER_TEST_SECONDS=seconds)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"rmapexplorer: RMAPEXPLORER_TEST_SECONDS={seconds} is no number of seconds\n"


def test_the_lowest_releases_have_an_environment_of_their_own(tests: Path) -> None:
    shutil.rmtree(tests / ".venv")
    python = tests / ".venv-lowest" / "bin" / "python"
    python.write_text('#!/bin/sh\necho "call $*"\n', encoding="utf-8")
    done = _call(tests / "packaging" / "test", "--lowest", "-k", "fork")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(
        r"== pytest\ncall -m pytest -p tests\.time_limit -n \d --dist loadfile .*-k fork\n", done.stdout
    )


def test_the_lowest_releases_are_the_first_ones_that_are_allowed(checkout: Path) -> None:
    fake = "import subprocess; subprocess.call = lambda words: print(*words[words.index('--progress-bar=off') + 1:], sep='\\n') or 1\n"
    script = f'"{sys.executable}" -c "{fake}$install_packages" "$root" test yes'
    wanted = _sourced(checkout, script).stdout.splitlines()
    assert "rich==13.7" in wanted and "pyqtgraph==0.14" in wanted and "pytest==8.2" in wanted
    assert "PySide6-Essentials==6.10.3; python_version < '3.12'" in wanted
    assert not [requirement for requirement in wanted if ">=" in requirement.partition(";")[0]]


# packaging/setup.sh


@pytest.mark.parametrize("changed", ["pyproject.toml", "packaging/setup.sh", "resources/system/libraries.txt"])
def test_a_changed_file_asks_for_a_new_set_up(checkout: Path, changed: str) -> None:
    ask = "now=$(stamp); ready run && echo ready || echo stale"
    assert _sourced(checkout, ask).stdout == "ready\n"
    with (checkout / changed).open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert _sourced(checkout, ask).stdout == "stale\n"


def test_a_moved_checkout_asks_for_a_new_set_up(checkout: Path) -> None:
    moved = checkout.rename(checkout.parent / "elsewhere")
    assert _sourced(moved, "now=$(stamp); ready run && echo ready || echo stale").stdout == "stale\n"


def test_an_interrupted_set_up_is_not_used(checkout: Path) -> None:
    ask = "usable && echo usable || echo not"
    assert _sourced(checkout, ask).stdout.splitlines()[-1] == "usable"
    (checkout / ".venv" / "unfinished").touch()
    assert _sourced(checkout, ask).stdout.splitlines()[-1] == "not"


def test_a_directory_that_is_not_ours_is_kept(checkout: Path) -> None:
    for mark in (checkout / ".venv").glob("ready-*"):
        mark.unlink()
    (checkout / ".venv" / "precious").touch()
    done = _sourced(checkout, f"python='{sys.executable}'; logged() {{ :; }}; make_venv")
    assert "moving the .venv" in done.stderr
    assert len(list(checkout.glob(".venv-before-*/precious"))) == 1
    assert (checkout / ".venv" / "unfinished").exists()


@pytest.fixture
def readonly(checkout: Path) -> Iterator[Path]:
    """A checkout in which nothing can be written, not by root either: files are where directories should be."""
    (checkout / ".venv" / "ready-screen").unlink()
    (checkout / ".venv" / "ready-screen").mkdir()
    (checkout / ".venv" / "unfinished").mkdir()
    yield checkout


def test_a_checkout_that_cannot_be_written_is_used_where_it_is_complete(readonly: Path) -> None:
    done = _sourced(readonly, "set_up_run() { :; }; python=true; install_system() { :; }; set_up screen; echo on")
    assert (done.stdout, done.stderr, done.returncode) == ("on\n", "", 0)


def test_a_checkout_that_cannot_be_written_and_is_incomplete_is_one_sentence(readonly: Path) -> None:
    done = _sourced(readonly, "usable() { :; }; set_up_packages run ''")
    assert (done.stdout, done.returncode) == ("", 4)
    assert re.fullmatch(r"rmapexplorer: cannot write in .*/\.venv, .* uv tool install .*\n", done.stderr)


def test_the_second_of_two_first_runs_waits(checkout: Path) -> None:
    (checkout / ".venv" / "ready-run").unlink()
    work = (
        "find_python() { :; }; install_system() { :; }; set_up_run() { sleep 1; now=$(stamp); finish run; echo did; }; "
    )
    command = [
        "sh",
        "-c",
        'set -eu; root=$1; . "$root/packaging/setup.sh"; ' + work + "set_up run",
        "sh",
        str(checkout),
    ]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [p.communicate(timeout=60) for p in both]
    assert sorted(out for out, _ in said) == ["", "did\n"]
    assert sum("waiting for it" in err for _, err in said) == 1


@pytest.mark.parametrize("python", ["/bin/false", "/nowhere/python3"])
def test_an_old_python_is_refused_in_one_sentence(checkout: Path, python: str) -> None:
    (checkout / ".venv" / "ready-run").unlink()
    done = _launch(checkout, "designs", RMAPEXPLORER_PYTHON=python)
    assert (done.stdout, done.returncode) == ("", 4)
    assert done.stderr == f"rmapexplorer: RMAPEXPLORER_PYTHON={python} is not a Python 3.11 or newer\n"


def test_without_root_the_exact_line_is_printed(checkout: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, text in (("id", "echo 1000"), ("apt-get", "echo must not be called; exit 9")):
        (tools / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (tools / name).chmod(0o755)
    path = f"{tools}:{os.environ['PATH']}"
    lack = (
        "usable() { false; }; missing_python() { echo python3.11-venv; }; missing_screen() { echo libegl1 libgl1; }; "
    )
    done = _sourced(checkout, lack + "install_system run screen", PATH=path)
    assert (done.stdout, done.returncode) == ("", 4)
    *_, line, other = done.stderr.splitlines()
    assert line == "sudo apt-get install --no-install-recommends python3.11-venv libegl1 libgl1"
    assert f"without root, uv tool install {checkout}, or pipx install {checkout}," in other
    alone = lack.replace("echo python3.11-venv", ":")
    assert (
        _sourced(checkout, alone + "install_system run screen", PATH=path)
        .stderr.splitlines()[-1]
        .startswith("rmapexplorer: without root, the commands in the terminal need none of these")
    )
    assert "libegl1" not in _sourced(checkout, lack + "install_system run", PATH=path).stderr


def test_uv_makes_what_python_cannot(checkout: Path, tmp_path: Path) -> None:
    """As on Debian without python3-venv."""
    (tmp_path / "uv").write_text('#!/bin/sh\necho "uv $*" >> "${0}.called"\n', encoding="utf-8")
    (tmp_path / "python").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    for name in ("uv", "python"):
        (tmp_path / name).chmod(0o755)
    script = f"python='{tmp_path}/python'; missing_python; make_venv"
    done = _sourced(checkout, script, PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    made = (tmp_path / "uv.called").read_text(encoding="utf-8")
    assert made == f"uv venv --allow-existing --seed --python {tmp_path}/python {checkout}/.venv\n"


def test_missing_libraries_are_found_by_loading_them(checkout: Path) -> None:
    lack = f"python='{sys.executable}'; libraries='libc.so.6 libc6 libnever.so.9 libnever9'; missing_screen"
    assert set(_sourced(checkout, lack).stdout.split()) - {"fonts-dejavu-core"} == {"libnever9"}


def test_the_scripts_are_executable_and_parse() -> None:
    for script in (PACKAGING / "launch", PACKAGING / "test", ROOT / ".ci" / "run"):
        assert os.access(script, os.X_OK), script
    for script in (PACKAGING / "launch", PACKAGING / "test", PACKAGING / "setup.sh"):
        assert _call("sh", "-n", script).returncode == 0
    assert _call("bash", "-n", ROOT / ".ci" / "run").returncode == 0


# Desktop files, PyInstaller, wheel


def test_the_desktop_files_agree() -> None:
    entry = configparser.ConfigParser(interpolation=None)
    entry.optionxform = str  # type: ignore[assignment, method-assign]
    entry.read(PACKAGING / f"{APP}.desktop", encoding="utf-8")
    desktop = entry["Desktop Entry"]
    assert (desktop["Type"], desktop["Exec"], desktop["Icon"]) == ("Application", "rmapexplorer %f", APP)
    component = ElementTree.parse(PACKAGING / f"{APP}.metainfo.xml").getroot()
    assert component.findtext("id") == APP
    assert component.findtext("launchable") == f"{APP}.desktop"
    assert component.findtext("provides/mediatype") == MIME
    kinds = list(ElementTree.parse(PACKAGING / f"{APP}.mime.xml").getroot())
    globs = {kind.get("type"): [c.get("pattern") for c in kind if c.tag.endswith("glob")] for kind in kinds}
    assert globs == {MIME: ["*.rmap"], SCRIPT: ["*.rmaps"]}
    assert desktop["MimeType"].split(";") == [MIME, SCRIPT, ""]


def test_the_pyinstaller_file_compiles_and_names_what_exists() -> None:
    text = (PACKAGING / "rmapexplorer.spec").read_text(encoding="utf-8")
    compile(text, "rmapexplorer.spec", "exec")
    assert (ROOT / "resources").is_dir()


def test_the_wheel_has_the_resources_inside(tmp_path: Path) -> None:
    hatchling = pytest.importorskip("hatchling.builders.wheel", reason="hatchling is not installed")
    built = next(hatchling.WheelBuilder(str(ROOT)).build(directory=str(tmp_path / "dist"), versions=["standard"]))
    names = set(zipfile.ZipFile(built).namelist())
    assert "rmapexplorer/resources/themes/tokens.json" in names
    assert "rmapexplorer/gui/theme.py" in names and "rmapexplorer/bench/twin.c" in names
    assert not any(name.startswith(("tests/", "packaging/")) for name in names)
    zipfile.ZipFile(built).extractall(tmp_path / "installed")
    code = "from rmapexplorer.resources import resource; print(resource('themes/tokens.json'))"
    done = _call(sys.executable, "-P", "-c", code, cwd=tmp_path, PYTHONPATH=str(tmp_path / "installed"))
    assert done.stdout.startswith(str(tmp_path / "installed")), done.stderr
