"""Recordings as a whole: touches, the report, progress, cancelling, and files that are none."""

from __future__ import annotations

import gzip
import time
from pathlib import Path

import pytest

from rmapexplorer.core.operations import Touch
from rmapexplorer.formats.errors import Cancelled, FormatError
from rmapexplorer.formats.perf import Translator, load_perf
from rmapexplorer.formats.perf_log import TOUCH_PAGES, TOUCH_RUNS, Log

from .lines import ADDR, Script, started

VPN = ADDR >> 12
PAGE = 4096
DATA = Path(__file__).parents[1] / "data" / "recordings"


def touches(script):
    return [(op.pid, op.runs) for op in script.ops() if isinstance(op, Touch)]


def test_faults_that_follow_each_other_are_one_touch_and_neighbours_one_run():
    script = started().mmap("5", ADDR, 9)
    for page, code in ((0, 6), (1, 6), (2, 4), (3, 4), (7, 7), (8, 3), (4, 0x14), (4, 7)):
        script.fault("5", ADDR + page * PAGE + 123, code)
    assert touches(script) == [
        (5, (
            (VPN, VPN + 2, "w"), (VPN + 2, VPN + 4, "r"), (VPN + 7, VPN + 9, "w"),
            (VPN + 4, VPN + 5, "r"), (VPN + 4, VPN + 5, "w"),
        )),
    ]  # fmt: skip


def test_faults_of_two_processes_keep_their_order():
    script = started().mmap("5", ADDR, 4).fork(5, 6)
    script.fault("5", ADDR).fault("6", ADDR).fault("5", ADDR + PAGE)
    assert [pid for pid, _ in touches(script)] == [5, 6, 5]


def test_an_operation_in_between_ends_a_touch():
    script = started().mmap("5", ADDR, 4).fault("5", ADDR).mmap("5", ADDR + 0x9000, 1).fault("5", ADDR + PAGE)
    assert [op.name for op in script.ops()] == ["mmap", "touch", "mmap", "touch"]


def test_faults_of_the_threads_of_a_process_are_its_own():
    script = started().mmap("5", ADDR, 4).fork(5, 6, 0x3D0F00).fault("5", ADDR).fault("5/6", ADDR + PAGE)
    assert touches(script) == [(5, ((VPN, VPN + 2, "w"),))]


def test_a_touch_is_full_after_some_runs_or_pages():
    log = Log()
    for page in range(2 * TOUCH_RUNS + 2):
        log.touch(5, 2 * page, "r")
    for page in range(TOUCH_PAGES + 1):
        log.touch(6, page, "w")
    log.flush()
    assert [len(op.runs) for op in log.operations] == [TOUCH_RUNS, TOUCH_RUNS, 2, 1, 1]
    assert log.operations[3].runs == ((0, TOUCH_PAGES, "w"),)


@pytest.mark.parametrize(
    ("address", "code", "prot", "words"),
    [
        (0, 6, 3, "where nothing is known to be mapped"),
        (ADDR + 8 * PAGE, 6, 3, "where nothing is known to be mapped"),
        (ADDR, 7, 1, "does not allow it (write)"),
        (ADDR, 4, 0, "does not allow it (read)"),
        (1 << 47, 4, 3, "outside of the user's address space"),
        ((1 << 64) - 4096, 0, 3, "outside of the user's address space"),
    ],
)
def test_faults_that_are_no_touch_are_told(address, code, prot, words):
    script = started().mmap("5", ADDR, 4, prot).fault("5", address, code)
    assert touches(script) == [] and words in script.report()[0]


def test_the_report_counts_each_kind_and_begins_with_the_most_frequent():
    script = started()
    for _ in range(3):
        script.at("5", "net:netif_rx: dev=eth0")
    script.call("5", "munmap", [ADDR, PAGE], -22).raw("what is this").raw("# a comment").raw("")
    script.at("5", "exceptions:page_fault_user: address=").at("5", "PERF_RECORD_LOST lost 3")
    assert script.report() == (
        "3 x netif_rx: an event that changes no memory known here",
        "1 x munmap: failed with error 22",
        "1 x line: is no event of perf script (the first is among lines 1 to 1000)",
        "1 x page_fault_user: the line is damaged or of an unknown form",
        "1 x LOST: perf lost events here, what follows may not fit",
    )


def test_the_report_does_not_grow_without_end():
    log = Log()
    for number in range(5000):
        log.skip(f"event{number}", "unknown")
    assert len(log.report()) == 61 and log.report()[-1].startswith("and ")


def write(path, script):
    path.write_text("\n".join(script.lines) + "\n")
    return str(path)


def test_a_recording_is_a_session_at_its_end(tmp_path):
    session = load_perf(write(tmp_path / "web.perf.txt", started().mmap("5", ADDR, 4).at("5", "net:x: y")))
    assert session.title == "web" and session.path.endswith("web.perf.txt")
    assert session.position == len(session.operations) == 2
    assert [key for key, _ in session.designs] == ["pte_chain", "anonmm", "anon_vma", "anon_vma_chain"]
    assert session.view == "anon_vma_chain" and len(session.report) == 1


def test_plain_and_gzip_text_are_the_same(tmp_path):
    packed = DATA / "shell-pipeline.perf.txt.gz"
    plain = tmp_path / "plain"
    plain.write_bytes(gzip.decompress(packed.read_bytes()))
    assert load_perf(str(plain)).operations == load_perf(str(packed)).operations


def test_line_ends_of_other_systems(tmp_path):
    packed = DATA / "shell-pipeline.perf.txt.gz"
    dos = tmp_path / "dos"
    dos.write_bytes(gzip.decompress(packed.read_bytes()).replace(b"\n", b"\r\n"))
    assert load_perf(str(dos)).operations == load_perf(str(packed)).operations


def test_progress_goes_up_to_the_size_of_the_file():
    path = DATA / "python-pool.perf.txt.gz"
    told = []
    load_perf(str(path), progress=lambda done, total: told.append((done, total)))
    assert len(told) > 5 and told == sorted(told)
    assert told[-1] == (path.stat().st_size,) * 2


def test_cancelling_stops_within_a_few_thousand_lines():
    asked = []

    def cancelled():
        asked.append(1)
        return len(asked) == 3

    with pytest.raises(Cancelled):
        load_perf(str(DATA / "python-pool.perf.txt.gz"), cancelled=cancelled)
    assert len(asked) == 3


def test_a_file_without_events_is_no_recording(tmp_path):
    path = tmp_path / "novel.txt"
    path.write_text("It was a dark and stormy night.\n" * 100_000)
    start = time.perf_counter()
    with pytest.raises(FormatError, match="neither a session .* nor the text that perf script prints"):
        load_perf(str(path))
    assert time.perf_counter() - start < 0.5


def test_a_recording_of_other_events_says_what_to_record(tmp_path):
    with pytest.raises(FormatError, match="none that changes memory; record with"):
        load_perf(write(tmp_path / "a", Script().at("5", "net:netif_rx: dev=eth0")))


def test_a_line_of_a_hundred_megabytes_is_passed_over(tmp_path):
    path = tmp_path / "a"
    with path.open("w") as file:
        file.write("\n".join(started().mmap("5", ADDR, 4).lines) + "\n")
        for _ in range(100):
            file.write("x" * (1 << 20))
        file.write("\n" + "\n".join(Script().fault("5", ADDR).lines) + "\n")
    start = time.perf_counter()
    session = load_perf(str(path))
    assert time.perf_counter() - start < 2
    assert [op.name for op in session.operations] == ["spawn", "mmap", "touch"]
    assert any("longer than any" in line for line in session.report)


def test_bytes_that_are_no_text_do_not_matter(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"\xff\xfe 5/5 1.000000: PERF_RECORD_COMM exec: \xc3\x28:5/5\n")
    assert load_perf(str(path)).operations[0].comm == "\ufffd("


def test_the_idle_task_has_no_memory():
    translator = Translator()
    translator.feed("swapper 0/0 1.000000: exceptions:page_fault_kernel: address=0x1000 ip=0x1 error_code=0x0")
    translator.feed("swapper 0/0 1.000000: syscalls:sys_enter_brk: brk: 0x0")
    translator.finish()
    assert translator.log.operations == [] and len(translator.log.report()) == 2
