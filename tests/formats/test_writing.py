"""The one way to write a file: links, modes, devices, pipes, what dead writers left, names that promise another kind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rmapexplorer.formats import writing
from rmapexplorer.formats.session import FormatError, Session, save_session


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_nobody_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("old")
    work = writing.atomically(str(path), ["new", "er"])
    next(work)
    assert path.read_text() == "old"
    work.close()
    assert path.read_text() == "old" and names(tmp_path) == ["x.csv"]
    writing.write(str(path), ["new", b"er"])
    assert path.read_text() == "newer" and names(tmp_path) == ["x.csv"]


@pytest.mark.parametrize("name", ["no/x", ".", "", "a\0b", "a\ud800b", "x" * 300])
def test_trouble_is_one_sentence_and_leaves_nothing(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError) as caught:
        writing.write(name, ["x"])
    assert re.fullmatch(r"x: cannot be written \(.+\); choose another place or make room\.",
                        writing.trouble("x", caught.value))  # fmt: skip
    assert names(tmp_path) == []


def test_a_file_keeps_its_mode_also_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("old")
    path.chmod(0o600)
    work = writing.atomically(str(path), ["new"])
    next(work)
    assert {p.stat().st_mode & 0o777 for p in tmp_path.iterdir()} == {0o600}
    with pytest.raises(StopIteration):
        next(work)
    assert path.read_text() == "new" and path.stat().st_mode & 0o777 == 0o600


def test_of_a_link_the_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "hanging").symlink_to("new")
    writing.write(str(tmp_path / "link"), ["text"])
    writing.write(str(tmp_path / "hanging"), ["text"])
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_text() == "text"
    assert (tmp_path / "hanging").is_symlink() and (tmp_path / "new").read_text() == "text"


def test_a_loop_of_links_stays(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError):
        writing.write(str(tmp_path / "a"), ["text"])
    with pytest.raises(FormatError, match="cannot be written"):
        save_session(Session(title="x"), str(tmp_path / "a"))
    assert names(tmp_path) == ["a", "b"] and all(p.is_symlink() for p in tmp_path.iterdir())


def test_a_device_is_written_to_and_stays_a_device(tmp_path: Path) -> None:
    null = tmp_path / "null"  # a link: whatever went wrong, the machine's own would stay
    null.symlink_to("/dev/null")
    for write in (lambda: writing.write(str(null), ["text"]), lambda: save_session(Session(title="x"), str(null))):
        write()
        assert null.is_char_device() and null.is_symlink() and names(tmp_path) == ["null"]


def test_a_pipe_is_written_to_where_somebody_reads_it(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="nobody reads the pipe"):
        writing.write(str(pipe), ["text"])
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    writing.write(str(pipe), ["te", b"xt"])
    assert os.read(reader, 10) == b"text"
    os.close(reader)
    assert pipe.is_fifo() and names(tmp_path) == ["pipe"]


def test_standard_output_by_its_name_goes_on_where_it_is(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.write_text("before\n")
    code = "from rmapexplorer.formats import writing; writing.write('/dev/stdout', ['text'])"
    with out.open("a") as held:
        subprocess.run([sys.executable, "-c", code], stdout=held, check=True)
    assert out.read_text() == "before\ntext"


WRITER = """
import sys
from rmapexplorer.formats import writing
work = writing.atomically(sys.argv[1], ["half", "rest"])
next(work)
print("writing", flush=True)
sys.stdin.read()
"""


def test_what_a_killed_writer_left_is_swept_and_a_living_ones_is_not(tmp_path: Path) -> None:
    path = tmp_path / "x.rmap"
    command = [sys.executable, "-c", WRITER, str(path)]
    writers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2)]
    for writer in writers:
        assert writer.stdout is not None and writer.stdout.readline() == b"writing\n"
    dead, living = writers
    os.kill(dead.pid, signal.SIGKILL)
    dead.communicate()
    mine = tmp_path / ".x.rmap.notes"
    mine.write_text("not a temporary file")
    assert len(names(tmp_path)) == 3
    writing.write(str(path), ["whole"])
    assert len(names(tmp_path)) == 3 and path.read_text() == "whole"  # the living one's, the notes, the file
    living.kill()
    living.communicate()
    writing.sweep(str(path))
    assert names(tmp_path) == [".x.rmap.notes", "x.rmap"]


@pytest.mark.parametrize(
    ("path", "kind", "right"),
    [("x.svg", "DOT", ".dot"), ("x.PNG", "GraphML", ".graphml"), ("x.rmaps", "session", ".rmap"),
     ("x.html", "CSV", ".csv"), ("x.csv", "JSON", ".json"), ("x.dot", "HTML", ".html")],
)  # fmt: skip
def test_an_ending_that_promises_another_kind_is_named(path: str, kind: str, right: str) -> None:
    assert writing.mismatch(path, kind).endswith(f"promises something else; use {right}.")


@pytest.mark.parametrize(
    ("path", "kind"),
    [("x.dot", "DOT"), ("x", "DOT"), ("x.txt", "CSV"), ("/dev/null", "HTML"), ("v1.2", "session"), ("x.xml", "GraphML")],
)  # fmt: skip
def test_other_endings_are_the_users_own(path: str, kind: str) -> None:
    assert writing.mismatch(path, kind) == ""
