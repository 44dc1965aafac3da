"""Scripts as files: told by their content, there and back, what the kernel chooses chosen once, faults with file and line."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rmapexplorer.core import operations as o
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.formats.codec import problem
from rmapexplorer.formats.errors import Cancelled, FormatError
from rmapexplorer.formats.open import load_any
from rmapexplorer.formats.outline import Note
from rmapexplorer.formats.script_session import is_script, load_script, to_script
from rmapexplorer.formats.session import Session, load_session, save_session

from .strategies import counts, names, operations, pids, words

ROOT = Path(__file__).parents[2]
SCENARIO = ROOT / "resources" / "scenarios" / "the-letter-in-six-operations.rmap"
RECORDINGS = sorted((ROOT / "tests" / "data" / "recordings").glob("*.perf.txt.gz"))

machines = st.builds(
    Machine, arch=names, word_bytes=st.sampled_from([4, 8]), cache_line_bytes=st.sampled_from([32, 64, 128]),
    ram_pages=st.none() | st.integers(1, 2**40), swap_pages=st.none() | counts, calls=st.sampled_from(["6.18", "2.6.7"]),
    files=st.dictionaries(names, counts, max_size=3),
    processes=st.dictionaries(st.integers(1, 99), words, max_size=2).map(lambda d: tuple(d.items())),
)  # fmt: skip


@st.composite
def sessions(draw):
    log = tuple(draw(st.lists(operations, max_size=8)))
    keys = draw(st.lists(st.sampled_from([d.key for d in DESIGNS]), min_size=1, unique=True))
    return Session(
        title=draw(words), machine=draw(machines), designs=tuple((key, {}) for key in keys), operations=log,
        position=len(log), view=keys[0],
        notes=tuple(sorted(draw(st.lists(st.builds(Note, st.integers(0, len(log)), words), max_size=3)),
                           key=lambda note: note.position)),
        selection=draw(st.none() | st.tuples(pids.filter(bool), st.integers(-1, 2**30))),
    )  # fmt: skip


def refused(data: bytes, **values: int) -> str:
    with pytest.raises(FormatError) as caught:
        load_script(data, "a.rmaps", values)
    sentence = str(caught.value)
    assert sentence.endswith((".", "?")) and "\n" not in sentence
    return sentence


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=25, deadline=None)
@given(sessions())
def test_a_session_is_the_same_after_its_script(session: Session) -> None:
    assert load_script(to_script(session).encode(), "x.rmaps") == session


@pytest.mark.parametrize("path", [SCENARIO, RECORDINGS[0]], ids=lambda p: p.name)
def test_real_files_there_and_back(path: Path, tmp_path: Path) -> None:
    session = load_any(str(path))
    (tmp_path / "a.txt").write_text(to_script(session), encoding="utf-8")
    again = load_any(str(tmp_path / "a.txt"))
    assert again.operations == session.operations and again.machine == session.machine
    assert (again.designs, again.view, again.notes) == (session.designs, session.view, session.notes)


def test_told_by_its_content_or_by_its_name(tmp_path: Path) -> None:
    for start in (b"# rmapexplorer script\n", b"\xef\xbb\xbf# hi\n\n  let n = 2 # x\n", b"spawn 1\r\n", b'designs "x'):
        assert is_script(start)
    for start in (b"{", b"", b"\0\1", b"bash 1 [000] 12.345678: exit", b"exit  12 [001]  7.123456: x:y: z", b"mapp 1"):
        assert not is_script(start)
    assert is_script(b"mapp 1", "a.rmaps")
    (tmp_path / "s").write_bytes(gzip.compress(b"spawn 1\nfork 1"))
    assert load_any(str(tmp_path / "s")).operations == (o.Spawn(pid=1), o.Fork(pid=1, child=2))


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda p: p.name)
def test_no_recording_is_taken_for_a_script(path: Path) -> None:
    assert not is_script(gzip.decompress(path.read_bytes())[:4096])


def test_places_are_chosen_free_in_every_design(tmp_path: Path) -> None:
    text = "designs pte_chain anon_vma_chain\nspawn new\nrepeat 3: mmap 1 8 pages at any rw\nmremap 1 10-18 to any pages 16"
    session = load_script(text.encode(), "a.rmaps")
    assert all(not problem(op) for op in session.operations)
    spans = [op.span for op in session.operations if isinstance(op, o.Mmap)]
    assert spans == [Span(0x10, 0x18), Span(0x20, 0x28), Span(0x30, 0x38)]
    moved = session.operations[-1]
    assert isinstance(moved, o.Mremap) and moved.to == 0x40
    save_session(session, str(tmp_path / "a.rmap"))
    assert load_session(str(tmp_path / "a.rmap")) == session


def test_settings_come_from_outside() -> None:
    text = b"let n = 3\nspawn 1\nrepeat n: fork 1"
    assert len(load_script(text, "a.rmaps", {"n": 10}).operations) == 11
    assert refused(text, m=1) == "a.rmaps: has no line 'let m = ...' that could be set; it has n."
    assert refused(b"let count = 1\nspawn 1", coutn=1).endswith("did you mean 'count'?")
    with pytest.raises(FormatError, match="is no script, so that there is nothing to set in it"):
        load_any(str(SCENARIO), settings={"n": 1})


def test_faults_name_file_line_and_column() -> None:
    assert refused(b"spawn 1\nfrok 1\nexti 1").startswith("a.rmaps, line 2, column 1: found 'frok'")
    assert refused(b"spawn 1\nfrok 1\nexti 1").endswith("did you mean 'fork'? (1 more fault behind it).")
    assert refused(b"mmap 5 8 pages at any rw") == "a.rmaps, line 1: there is no process 5 (ESRCH); correct the line."
    assert refused(b"spawn \xff") == "a.rmaps: is no text (byte 6); choose another file."
    assert "repeat fewer times." in refused(b"repeat 1000: repeat 1001: swapoff")


def test_reading_can_be_stopped() -> None:
    with pytest.raises(Cancelled):
        load_script(b"repeat 5000: swapoff", "a.rmaps", None, None, lambda: True)
