"""The lines of perf script in all the forms they come in."""

from __future__ import annotations

import time

import pytest

from rmapexplorer.formats import perf_lines
from rmapexplorer.formats.perf_lines import Line

WHO = "            bash 26657/26657  4848.078061: "


def test_a_line_is_who_when_and_what():
    line = perf_lines.split(WHO + "             syscalls:sys_enter_munmap: addr: 0x7f0, len: 0x1000")
    assert line == Line(26657, 26657, "4848.078061", "sys_enter_munmap", "addr: 0x7f0, len: 0x1000", "bash")


@pytest.mark.parametrize(
    "text",
    [
        "bash 5/7 1.000001: syscalls:sys_enter_brk: brk: 0x0",
        "bash 5/7 [003] 1.000001: syscalls:sys_enter_brk: brk: 0x0",
        "bash\t5/7\t1,000001:\tsys_enter_brk: 0x0".replace("\tsys", " sys"),
        "   bash   5/7   [0] 1.000001234:    syscalls:sys_enter_brk:    brk: 0\r\n",
        "Web Content 1/2 5/7 1.000001: sys_enter_brk: brk: 0x0",
        "kworker/u8:2-ev 5/7 1.000001: syscalls:sys_enter_brk: brk: 0x0",
    ],
)
def test_white_space_cpu_decimal_comma_and_odd_names_do_not_matter(text):
    line = perf_lines.split(text)
    assert line is not None and (line.pid, line.tid, line.event) == (5, 7, "sys_enter_brk")
    assert perf_lines.numbers(line.rest) == [0]


def test_a_line_with_the_thread_only_has_no_pid():
    line = perf_lines.split("bash 7 [001] 1.000001: syscalls:sys_enter_brk: brk: 0x0")
    assert line is not None and (line.pid, line.tid) == (-1, 7)


@pytest.mark.parametrize(
    ("rest", "event", "tail"),
    [
        ("PERF_RECORD_COMM exec: bash:1/1", "COMM exec", "bash:1/1"),
        ("PERF_RECORD_COMM: bash:1/1", "COMM", "bash:1/1"),
        ("PERF_RECORD_FORK(3:3):(1:1)", "FORK", "(3:3):(1:1)"),
        ("PERF_RECORD_MMAP2 1/1: [0x0(0x1) @ 0 00:00 0 0]: rw-p //anon", "MMAP2", "1/1: [0x0(0x1) @ 0 00:00 0 0]"),
        ("exceptions:page_fault_user: address=0x1", "page_fault_user", "address=0x1"),
        ("page_fault_user: address=0x1", "page_fault_user", "address=0x1"),
        ("syscalls:sys_exit_brk: 0x5", "sys_exit_brk", "0x5"),
        ("PERF_RECORD_LOST lost 12", "LOST", "lost 12"),
    ],
)
def test_events_of_every_kind(rest, event, tail):
    line = perf_lines.split(WHO + rest)
    assert line is not None and line.event == event and line.rest.startswith(tail)


@pytest.mark.parametrize("text", ["", "\n", "hello", "1.0: x", "bash 1/1", "bash 1/1 12: x", "bash 1/1 1.5: ???"])
def test_what_is_no_event_is_none(text):
    assert perf_lines.split(text) is None


def test_what_perf_found_at_its_start_has_time_zero():
    assert perf_lines.split("a 0/0 0.000000: PERF_RECORD_COMM: a:1/1").synthesised
    assert not perf_lines.split("a 0/0 0.000001: PERF_RECORD_COMM: a:1/1").synthesised


@pytest.mark.parametrize(
    ("rest", "values"),
    [
        ("addr: 0x10, len: 0x2, fd: 0xffffffff", [16, 2, 0xFFFFFFFF]),
        ("0x10, 0x2, 3", [16, 2, 3]),
        ("addr=0x10,len=2", [16, 2]),
        ("mmap(addr: 0x10, len: 2)", [16, 2]),
        ("start: 0x10, prot: 3 (PROT_READ|PROT_WRITE), last: -1", [16, 3, -1]),
        ("", []),
        ("nothing here", []),
        ("addr: 0x" + "f" * 40, []),
    ],
)
def test_values_are_read_by_their_place(rest, values):
    assert perf_lines.numbers(rest) == values


@pytest.mark.parametrize(
    ("rest", "value"),
    [
        ("0x0", 0),
        ("0x7fc818994000", 0x7FC818994000),
        ("0xfffffffffffffff4", -12),
        ("-12", -12),
        ("", None),
        ("?", None),
    ],
)
def test_results_are_signed(rest, value):
    assert perf_lines.result(rest) == value


def test_faults():
    assert perf_lines.fault("address=0x7fc8189b8b70 ip=0x7fc8189b8b70 error_code=0x14") == (0x7FC8189B8B70, 0x14)
    assert perf_lines.fault("address=0x1000 ip=elf_load error_code=0x2") == (0x1000, 2)
    assert perf_lines.fault("address=init_task+0x10 ip=memcpy error_code=0x0") == (-1, 0)
    assert perf_lines.fault("address=0xzz ip=a error_code=0x0") is None
    assert perf_lines.fault("address=0x1000") is None


def test_mmap2():
    rest = "5/7: [0x7fc818776000(0x1e2000) @ 0x26000 fe:00 339380 0]: r-xp /libc.so.6 (deleted)"
    m = perf_lines.mapping(rest)
    assert (m.pid, m.tid, m.start, m.length, m.offset) == (5, 7, 0x7FC818776000, 0x1E2000, 0x26000)
    assert (m.identity, m.perms, m.name) == ("fe:00 339380 0", "r-xp", "/libc.so.6 (deleted)")
    built = perf_lines.mapping("5/7: [0x1000(0x2000) @ 0 <3aa1b2c3d4>]: rw-s /a b")
    assert (built.identity, built.perms, built.name) == ("<3aa1b2c3d4>", "rw-s", "/a b")
    assert perf_lines.mapping("5/7: [0x1000(0x2000)]: r /x") is None


def test_task_records():
    assert perf_lines.pair("(26659:26660):(26657:26658)") == (26659, 26660, 26657, 26658)
    assert perf_lines.pair("26659") is None
    assert perf_lines.comm("Web: Content:5/7") == ("Web: Content", 5, 7)
    assert perf_lines.comm("x") is None
    assert perf_lines.words("pid=26659 comm=bash clone_flags=1200000")["clone_flags"] == "1200000"


@pytest.mark.parametrize(
    "text", [" " * 16000, "1" * 16000, "1/1 " * 4000, "a " * 8000, "1/1 1.1: " * 1800, "(" * 16000]
)
def test_no_line_takes_long(text):
    start = time.perf_counter()
    line = perf_lines.split(text)
    rest = line.rest if line is not None else text
    for take in (perf_lines.numbers, perf_lines.fault, perf_lines.mapping, perf_lines.pair, perf_lines.comm):
        take(rest)
    assert time.perf_counter() - start < 0.5
