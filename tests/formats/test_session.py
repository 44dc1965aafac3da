"""Session files: what is saved is loaded, what is damaged is refused in one sentence, old files open for ever."""

from __future__ import annotations

import copy
import gzip
import json
import os
import re
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings

from rmapexplorer.core.operations import OPERATIONS, Fork, Mmap, Reclaim, Spawn
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.formats import outline
from rmapexplorer.formats.errors import Cancelled, FormatError
from rmapexplorer.formats.session import (
    FORMAT,
    VERSION,
    Note,
    Session,
    from_json,
    load_session,
    parse_session,
    save_session,
    to_text,
)

from .strategies import sessions

SAMPLES = Path(__file__).parents[1] / "data" / "sessions"
SMALL = Session(
    title="small",
    designs=(("anon_vma", {}), ("anonmm", {"variant": "4c"})),
    operations=(Spawn(pid=1), Fork(pid=1, child=2), Mmap(pid=2, span=Span(16, 32)), Reclaim()),
    position=3,
    view="anon_vma",
    selection=(2, 17),
    notes=(Note(1, "here"),),
)


def one_sentence(error):
    text = str(error)
    assert "\n" not in text and text.rstrip().endswith(".") and "Traceback" not in text, text
    return text


def refused(data, path="x.rmap"):
    with pytest.raises(FormatError) as caught:
        parse_session(data if isinstance(data, bytes) else json.dumps(data).encode(), path)
    return one_sentence(caught.value)


def small():
    return json.loads(to_text(SMALL))


@given(sessions())
@settings(max_examples=150, deadline=None)
def test_a_session_comes_back_as_it_was_saved(session):
    assert parse_session(to_text(session).encode(), "x") == session


@pytest.mark.parametrize("path", sorted(SAMPLES.iterdir()), ids=lambda path: path.name)
def test_files_of_every_version_open(path):
    session = load_session(str(path))
    assert session.operations and session.path == str(path)


def test_the_sample_of_version_1_is_read_in_full():
    session = load_session(str(SAMPLES / "version-1.rmap"))
    assert {type(op) for op in session.operations} == set(OPERATIONS)
    assert session.machine == Machine(
        word_bytes=4, cache_line_bytes=32, ram_pages=4096, swap_pages=0, calls="2.6.7", files={"bash": 9}
    )
    assert session.designs == (("anonmm", {"variant": "4c"}), ("anonmm", {}), ("pte_chain", {}))
    assert session.branches == {"main": 27, "what if": 28} and session.branch == "what if"
    assert session.line() == (*range(10), 28) and session.line("main") == tuple(range(28))
    assert session.title.endswith("Ünïcode")
    assert session.notes == (Note(3, "here"),) and session.selection == (1, 0x1001) and session.position == 11


def test_there_is_a_sample_of_the_present_version():
    assert (SAMPLES / f"version-{VERSION}.rmap").exists()


def test_one_operation_stands_on_one_line():
    lines = to_text(SMALL).splitlines()
    at = lines.index('"operations": [')
    assert [json.loads(line.rstrip(","))["op"] for line in lines[at + 1 : -2]] == ["spawn", "fork", "mmap", "reclaim"]
    assert lines[at + 3] == '{"op":"mmap","pid":2,"span":[16,32]},'


def test_a_straight_line_needs_no_parents():
    assert Session(title="", operations=SMALL.operations, parents=(-1, 0, 1, 2)).parents is None
    assert "after" not in to_text(SMALL)


def test_a_branch_says_after_which_operation_it_begins():
    branched = Session(
        title="", operations=SMALL.operations, parents=(-1, 0, 1, 0), branches={"main": 2, "b": 3}, branch="b"
    )
    assert '{"op":"reclaim","after":0}' in to_text(branched)
    assert parse_session(to_text(branched).encode(), "x").line() == (0, 3)


def test_an_empty_session_is_one(tmp_path):
    save_session(Session(title="nothing"), str(tmp_path / "a"))
    loaded = load_session(str(tmp_path / "a"))
    assert loaded == Session(title="nothing") and loaded.line() == () and loaded.branches == {"main": -1}


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("version", 0, '"version" must be a whole number from 1, not 0'),
        ("version", "1", '"version" must be a whole number'),
        ("version", True, '"version" must be a whole number from 1, not true'),
        ("version", 7, "was written by a newer rmapexplorer (version 7, this one reads up to 1); please update."),
        ("format", "other", "is JSON, but no rmapexplorer session"),
        ("title", 1, '"title" must be a text'),
        ("position", -1, '"position" must be from 0'),
        ("position", 5, "position is 5, but branch 'main' has 4 operations"),
        ("position", None, '"position" must be a whole number, not null'),
        ("notes", [[9, "x"]], "a note is 9, but branch 'main' has 4 operations"),
        ("notes", [["x", 1]], '"notes" must be a whole number'),
        ("notes", {}, '"notes" must be a list'),
        ("selection", [1], "must be [pid, page number]"),
        ("selection", [1, 2**35], '"selection" must be from -1'),
        ("designs", "anonmm", '"designs" must be a list'),
        ("designs", ["a", "a"], "names the design 'a' twice"),
        ("designs", [["a", {"b": 1}]], '"designs" "b" must be a text'),
        ("designs", [""], '"designs" must not be empty'),
        ("branches", {"main": 4}, "branch 'main' ends at operation 4, but the last one is 3"),
        ("branches", {"other": 1}, "\"branch\" names 'main', which is not among the branches"),
        ("branch", 3, '"branch" must be a text'),
        ("machine", {"arch": "x", "colour": 1}, "\"machine\" has a field 'colour' that does not belong there"),
        ("machine", {"ram_pages": 0}, '"machine" "ram_pages" must be from 1'),
        ("machine", {"files": {"a": "b"}}, '"a" must be a whole number'),
        ("operations", {}, '"operations" must be a list'),
        ("operations", 3, '"operations" must be a list'),
        ("colour", 1, "has a field 'colour' that does not belong there"),
    ],
)
def test_each_wrong_value_is_named(key, value, words):
    said = refused(small() | {key: value})
    assert words in said and said.startswith("x.rmap")


@pytest.mark.parametrize("key", ["title", "position", "operations"])
def test_a_missing_part_is_named(key):
    data = small()
    del data[key]
    assert f'has no "{key}"' in refused(data)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"op": "unmap"}, "operation 3 has the unknown op 'unmap'"),
        ({"span": [4, -2]}, 'operation 3 (mmap): "span" must be from 0 to'),
        ({"after": 2}, 'operation 3 has "after" 2; it must be an operation before it, -1 to 1'),
        ({"after": -2}, 'operation 3 has "after" -2'),
        ({"after": "0"}, "which is no whole number"),
    ],
)
def test_the_operation_at_fault_is_counted_from_one(change, words):
    data = small()
    data["operations"][2] |= change
    assert words in refused(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "damaged JSON"),
        (b"\xff\xfe\x00\x01", "neither JSON nor text"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a":' * 200_000, "nested too deeply"),
        (b'{"format": NaN}', "holds NaN"),
        (b'{"format": -Infinity}', "holds -Infinity"),
        (b'{"format": 1, "format": 2}', "has the key 'format' twice"),
        (b'{"format": ' + b"9" * 5000 + b"}", "x.rmap: "),
        (b'{\n"format": "x",\n!}', "x.rmap, line 3: is damaged JSON"),
        (b'{"name": "left-pad", "version": "1.0.0"}', "no rmapexplorer session"),
        (b"[]", "no rmapexplorer session"),
        (b"null", "no rmapexplorer session"),
    ],
)
def test_what_is_no_session_is_refused_in_one_sentence(data, words):
    assert words in refused(data)


def test_a_key_given_twice_in_an_operation_is_refused():
    text = to_text(SMALL).replace('"pid":2,', '"pid":2,"pid":1,')
    assert "has the key 'pid' twice" in refused(text.encode())


@pytest.mark.parametrize("where", range(0, len(to_text(SMALL)) - 3, 7))
def test_a_session_cut_off_anywhere_is_refused(where):
    data = to_text(SMALL).encode()[:where]
    refused(data)


def test_an_older_version_is_converted_step_by_step(monkeypatch):
    monkeypatch.setattr("rmapexplorer.formats.session.VERSION", 3)
    steps = []

    def renamed(data):
        steps.append(1)
        data = copy.copy(data)
        data["title"] = data.pop("name")
        return data

    def noted(data):
        steps.append(2)
        return data | {"view": "anonmm"}

    data = small() | {"version": 1}
    data["name"] = data.pop("title")
    session = from_json(data, "x", {1: renamed, 2: noted})
    assert (session.title, session.view, steps) == ("small", "anonmm", [1, 2])


def test_gzip_is_accepted(tmp_path):
    path = tmp_path / "a.rmap"
    path.write_bytes(gzip.compress(to_text(SMALL).encode()))
    assert load_session(str(path)) == SMALL


def test_a_byte_order_mark_is_accepted():
    assert parse_session(b"\xef\xbb\xbf" + to_text(SMALL).encode(), "x") == SMALL


def test_loading_can_be_cancelled(tmp_path):
    save_session(SMALL, str(tmp_path / "a"))
    with pytest.raises(Cancelled):
        load_session(str(tmp_path / "a"), cancelled=lambda: True)


def test_saving_replaces_and_keeps_the_permissions(tmp_path):
    path = tmp_path / "a.rmap"
    path.write_text("old")
    path.chmod(0o640)
    save_session(SMALL, str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert load_session(str(path)) == SMALL
    assert os.listdir(tmp_path) == ["a.rmap"]


def test_a_new_file_obeys_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        save_session(SMALL, str(tmp_path / "a"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_a_link_is_followed_and_stays_a_link(tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    save_session(SMALL, str(tmp_path / "link"))
    assert (tmp_path / "link").is_symlink() and load_session(str(tmp_path / "real")) == SMALL


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step):
    path = tmp_path / "a.rmap"
    path.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"rmapexplorer.formats.writing.os.{step}", full)
    with pytest.raises(FormatError) as caught:
        save_session(SMALL, str(path))
    assert "No space left on device" in one_sentence(caught.value)
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a.rmap"]


@pytest.mark.parametrize("name", ["", "no/such/folder/a", ".", "a\0b"])
def test_a_place_that_cannot_be_written_is_named(tmp_path, name):
    with pytest.raises(FormatError) as caught:
        save_session(SMALL, str(tmp_path) + "/" + name)
    one_sentence(caught.value)


def test_what_could_not_be_opened_again_is_not_saved(tmp_path):
    path = tmp_path / "a"
    save_session(SMALL, str(path))
    with pytest.raises(FormatError, match="not saved.*operation 1 .mmap.*span. must be from 0"):
        save_session(Session(title="", operations=(Mmap(pid=1, span=Span(-3, 3)),)), str(path))
    with pytest.raises(FormatError, match="2 parents for 1 operations"):
        save_session(Session(title="", operations=(Spawn(pid=1),), parents=(-1, -1)), str(path))
    assert load_session(str(path)) == SMALL


def test_two_savers_at_once_leave_one_whole_file(tmp_path):
    path = str(tmp_path / "a")
    threads = [threading.Thread(target=save_session, args=(SMALL, path)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert load_session(path) == SMALL and os.listdir(tmp_path) == ["a"]


def test_the_head_leaves_out_what_is_default():
    assert list(outline.head_json(Session(title="t"))) == ["title", "designs", "view", "position"]
    assert json.loads(to_text(SMALL))["format"] == FORMAT


def test_the_scenario_that_ships_is_what_save_writes():
    path = Path(__file__).parents[2] / "resources" / "scenarios" / "the-letter-in-six-operations.rmap"
    session = load_session(str(path))
    assert to_text(session) == path.read_text()
    kinds = [op.name for op in session.operations]
    assert kinds == ["mmap", "touch", "fork", "touch", "mremap", "reclaim"]
    assert session.machine.processes == ((1, "server"),)
    assert session.operations[session.position - 1].name == "mremap"
    pid, page = session.selection
    mremap = session.operations[session.position - 1]
    assert pid == mremap.pid and page in mremap.span.moved(mremap.to)
    assert [key for key, _ in session.designs] == ["pte_chain", "anonmm", "anon_vma", "anon_vma_chain"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([[1, "a"], [1, "b"]], "names pid 1 twice"),
        ([[0, "a"]], "must be"),
        ([1], "must hold [pid, comm] pairs"),
        ([[1, 2]], "must be a text"),
    ],
)
def test_processes_at_position_0_are_checked(value, words, tmp_path):
    """A session may begin with processes; pids are above 0 and appear once."""
    data = json.loads(to_text(SMALL))
    data["machine"] = {"processes": value}
    with pytest.raises(FormatError, match=re.escape(words)):
        parse_session(json.dumps(data).encode(), "a.rmap")


def test_processes_at_position_0_come_back(tmp_path):
    """What exists before the first operation is saved with the machine."""
    session = Session(title="t", machine=Machine(processes=((1, "a"), (7, "b"))))
    save_session(session, str(tmp_path / "a.rmap"))
    assert load_session(str(tmp_path / "a.rmap")).machine.processes == ((1, "a"), (7, "b"))
