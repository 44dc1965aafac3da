"""System calls become operations at the place the kernel chose; those that failed become a line of the report."""

from __future__ import annotations

import pytest

from rmapexplorer.core.operations import (
    ADVICES,
    Brk,
    Madvise,
    Mlock,
    Mmap,
    Mprotect,
    Mremap,
    Mseal,
    Munlock,
    Munmap,
    Touch,
)
from rmapexplorer.core.units import Span
from rmapexplorer.formats.perf_calls import Files
from rmapexplorer.formats.perf_numbers import ADVICE

from .lines import ADDR, started

VPN = ADDR >> 12
ANON = [0, 0x4000, 3, 0x22, 0xFFFFFFFF, 0]
LIBC = "fe:00 339380 0]: r-xp /libc.so.6"


def test_the_kernel_chooses_the_place_and_lengths_are_rounded_up():
    script = started().call("5", "mmap", [0, 0x2001, 3, 0x22, 0xFFFFFFFF, 0], ADDR)
    assert script.ops() == [Mmap(pid=5, span=Span(VPN, VPN + 3))]


def test_the_span_is_the_one_of_the_call_though_mmap2_tells_of_the_merged_vma():
    merged = f"[{ADDR - 0x8000:#x}(0xc000) @ {ADDR - 0x8000:#x} 00:00 0 0]: rw-p //anon"
    assert started().call("5", "mmap", ANON, ADDR, merged).ops() == [Mmap(pid=5, span=Span(VPN, VPN + 4))]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (0x20022, ("stack",)),
        (0x32, ()),
        (0x100022, ("noreplace",)),
        (0x4022, ("noreserve",)),
        (0x8022, ("populate",)),
        (0x2022, ("locked",)),
        (0x122, ("growsdown",)),
        (0xE122, ("noreserve", "populate", "locked", "growsdown")),
    ],
)
def test_flags_of_mmap(flags, words):
    (op,) = started().call("5", "mmap", [ADDR, 0x4000, 3, flags, 0xFFFFFFFF, 0], ADDR).ops()
    assert op.flags == words and op.kind == "anon"


@pytest.mark.parametrize(("bits", "letters"), [(0, ""), (1, "r"), (3, "rw"), (5, "rx"), (7, "rwx"), (0x1000003, "rw")])
def test_protection_letters_without_other_bits(bits, letters):
    script = started().mmap("5", ADDR, 4, bits).call("5", "mprotect", [ADDR, 0x1001, bits], 0)
    assert [op.prot for op in script.ops()] == [letters, letters]
    assert script.ops()[1].span == Span(VPN, VPN + 2)


def test_name_and_identity_of_a_file_come_from_mmap2_and_the_offset_from_the_call():
    mapped = f"[{ADDR - 0x1000:#x}(0x3000) @ 0x25000 {LIBC}"
    script = started().call("5", "mmap", [0, 0x1000, 5, 0x802, 3, 0x26000], ADDR, mapped)
    assert script.ops() == [
        Mmap(pid=5, span=Span(VPN, VPN + 1), prot="rx", kind="file-private", file="libc.so.6", offset=0x26)
    ]


def test_a_shared_file():
    mapped = f"[{ADDR:#x}(0x1000) @ 0 fe:00 7 0]: rw-s /gconv.cache (deleted)"
    (op,) = started().call("5", "mmap", [0, 0x1000, 3, 0x1, 3, 0], ADDR, mapped).ops()
    assert (op.kind, op.file) == ("file-shared", "gconv.cache")


@pytest.mark.parametrize(("flags", "kind"), [(0x21, "anon-shared"), (0x1, "anon-shared"), (0x2, "anon")])
def test_dev_zero_is_anonymous_memory(flags, kind):
    mapped = f"[{ADDR:#x}(0x1000) @ 0 00:01 7 0]: rw-s /dev/zero (deleted)"
    (op,) = started().call("5", "mmap", [0, 0x1000, 3, flags, 3, 0], ADDR, mapped).ops()
    assert (op.kind, op.file) == (kind, "")


def test_two_files_of_one_name_stay_apart():
    files = Files()
    names = [files.name(path, ident) for path, ident in (("/libc", "1"), ("/x/libc", "2"), ("/libc (deleted)", "1"))]
    assert names == ["libc", "libc (2)", "libc"]


def test_a_file_whose_name_was_not_recorded_gets_one_and_a_line_in_the_report():
    script = started().call("5", "mmap", [0, 0x1000, 1, 0x2, 3, 0], ADDR)
    assert script.ops()[0].file == "unnamed file"
    assert "1 x mmap of a file: its name was not recorded" in script.report()[0]


@pytest.mark.parametrize(
    ("name", "values"),
    [("mmap", ANON), ("munmap", [ADDR, 4096]), ("mprotect", [ADDR, 4096, 1]), ("madvise", [ADDR, 4096, 4])],
)
def test_a_call_that_failed_is_a_line_of_the_report(name, values):
    script = started().call("5", name, values, -22)
    assert script.ops() == [] and script.report() == (f"1 x {name}: failed with error 22",)


def test_munmap_rounds_up():
    assert started().call("5", "munmap", [ADDR, 0x8A7B], 0).ops() == [Munmap(pid=5, span=Span(VPN, VPN + 9))]


def test_pkey_mprotect_is_mprotect():
    assert started().call("5", "pkey_mprotect", [ADDR, 4096, 1, 2], 0).ops() == [
        Mprotect(pid=5, span=Span(VPN, VPN + 1), prot="r")
    ]


@pytest.mark.parametrize(
    ("values", "result", "to", "dontunmap"),
    [
        ([ADDR, 0x2000, 0x4000, 1, 0], ADDR, None, False),
        ([ADDR, 0x2000, 0x4000, 1, 0], ADDR + 0x9000, VPN + 9, False),
        ([ADDR, 0x2000, 0x4000, 3, ADDR + 0x9000], ADDR + 0x9000, VPN + 9, False),
        ([ADDR, 0x2000, 0x4000, 5, 0], ADDR + 0x9000, VPN + 9, True),
        ([ADDR, 0x2000, 0x4000, 1], ADDR, None, False),
    ],
)
def test_mremap_is_told_by_its_result(values, result, to, dontunmap):
    script = started().mmap("5", ADDR, 2).call("5", "mremap", values, result)
    assert script.ops()[1] == Mremap(pid=5, span=Span(VPN, VPN + 2), new_pages=4, to=to, dontunmap=dontunmap)


def test_mremap_of_nothing_duplicates_what_is_shared():
    mapped = f"[{ADDR:#x}(0x4000) @ 0x5000 fe:00 7 0]: rw-s /f"
    script = started().call("5", "mmap", [0, 0x4000, 3, 1, 3, 0x5000], ADDR, mapped)
    script.call("5", "mremap", [ADDR + 0x1000, 0, 0x2000, 1], ADDR + 0x10000)
    assert script.ops()[1] == Mmap(pid=5, span=Span(VPN + 16, VPN + 18), kind="file-shared", file="f", offset=6)
    script = started().mmap("5", ADDR, 4, flags=0x21).call("5", "mremap", [ADDR, 0, 0x2000, 1], ADDR + 0x10000)
    assert script.ops()[1] == Mmap(pid=5, span=Span(VPN + 16, VPN + 18), kind="anon-shared")
    assert "has pages of its own here" in script.report()[0]
    script = started().mmap("5", ADDR, 4).call("5", "mremap", [ADDR, 0, 0x2000, 1], ADDR + 0x10000)
    assert len(script.ops()) == 1 and "mremap with old length 0" in script.report()[0]


def test_the_heap_begins_where_the_first_question_says():
    script = started().call("5", "brk", [0], 0x5000).call("5", "brk", [0x8000], 0x8000)
    script.call("5", "brk", [0x9800], 0x9800).call("5", "brk", [0x6000], 0x6000)
    assert script.ops() == [Brk(pid=5, end=8, start=5), Brk(pid=5, end=10), Brk(pid=5, end=6)]


def test_an_unaligned_start_of_the_heap_is_rounded_up():
    script = started().call("5", "brk", [0], 0x5123).call("5", "brk", [0x8000], 0x8000)
    assert script.ops() == [Brk(pid=5, end=8, start=6)]


def test_a_refused_brk_returns_the_old_one():
    script = started().call("5", "brk", [0], 0x5000).call("5", "brk", [0x99000], 0x5000)
    assert script.ops() == [] and script.report() == ("1 x brk: refused by the kernel",)


def test_a_heap_never_asked_for_begins_where_mmap2_says():
    script = started().call("5", "brk", [0x8000], 0x8000, "[0x5000(0x3000) @ 0x5000 00:00 0 0]: rw-p [heap]")
    assert script.ops() == [Brk(pid=5, end=8, start=5)]


def test_a_forked_child_knows_the_heap_and_an_executed_one_does_not():
    script = started().call("5", "brk", [0], 0x5000).call("5", "brk", [0x8000], 0x8000).fork(5, 6)
    script.call("6", "brk", [0x9000], 0x9000).exec(6).call("6", "brk", [0], 0x70000).call(
        "6", "brk", [0x71000], 0x71000
    )
    assert [op for op in script.ops() if isinstance(op, Brk)] == [
        Brk(pid=5, end=8, start=5), Brk(pid=6, end=9), Brk(pid=6, end=0x71, start=0x70),
    ]  # fmt: skip


def test_every_advice_has_its_number():
    assert ADVICE[4] == "dontneed" and ADVICE[8] == "free" and ADVICE[21] == "pageout" and ADVICE[103] == "guard_remove"
    assert tuple(ADVICE.values()) == ADVICES
    assert started().call("5", "madvise", [ADDR, 0x1000, 14], 0).ops() == [
        Madvise(pid=5, span=Span(VPN, VPN + 1), advice="hugepage")
    ]


def test_unknown_advice_is_a_line_of_the_report():
    script = started().call("5", "madvise", [ADDR, 0x1000, 100], 0).call("5", "madvise", [ADDR, 0x1000, 100], 0)
    assert script.ops() == [] and script.report() == ("2 x madvise(100): advice that is not known here",)


def test_madvise_over_holes_is_done_where_it_can_be():
    assert len(started().call("5", "madvise", [ADDR, 0x1000, 4], -12).ops()) == 1


def test_locking_and_sealing():
    script = started().call("5", "mlock", [ADDR, 0x1000], 0).call("5", "mlock2", [ADDR, 0x1000, 1], 0)
    script.call("5", "munlock", [ADDR, 0x1000], 0).call("5", "mseal", [ADDR, 0x1000, 0], 0)
    span = Span(VPN, VPN + 1)
    assert script.ops() == [
        Mlock(pid=5, span=span), Mlock(pid=5, span=span, onfault=True), Munlock(pid=5, span=span),
        Mseal(pid=5, span=span),
    ]  # fmt: skip


def test_mlockall_locks_what_is_there_and_what_comes():
    script = started().mmap("5", ADDR, 1).call("5", "mlockall", [3], 0).mmap("5", ADDR + 0x4000, 1)
    script.call("5", "munlockall", [], 0).mmap("5", ADDR + 0x8000, 1)
    names = [(op.name, getattr(op, "flags", ())) for op in script.ops()]
    assert names == [
        ("mmap", ()), ("mlock", ()), ("mmap", ("locked",)), ("munlock", ()), ("munlock", ()), ("mmap", ()),
    ]  # fmt: skip


def test_shared_memory_segments():
    mapped = f"[{ADDR:#x}(0x3000) @ 0 00:01 9 0]: rw-s /SYSV00000000 (deleted)"
    script = started().call("5", "shmat", [9, 0, 0], ADDR, mapped).call("5", "shmdt", [ADDR], 0)
    span = Span(VPN, VPN + 3)
    assert script.ops() == [
        Mmap(pid=5, span=span, kind="file-shared", file="SYSV00000000"),
        Munmap(pid=5, span=span),
    ]


@pytest.mark.parametrize("name", ["process_madvise", "remap_file_pages"])
def test_calls_whose_arguments_are_elsewhere_are_told(name):
    script = started().call("5", name, [1, 2, 3], 0)
    assert script.ops() == [] and "what it was told is not in the recording" in script.report()[0]


@pytest.mark.parametrize(
    ("values", "result", "words"),
    [
        ([0, 0, 3, 0x22, 0, 0], ADDR, "length 0"),
        ([0, 1 << 60, 3, 0x22, 0, 0], ADDR, "outside of the user's address space"),
        ([0, 4096, 3, 0x22, 0, 0], 1 << 50, "outside of the user's address space"),
        ([0, 4096], ADDR, "does not give its arguments"),
    ],
)
def test_absurd_values_are_told(values, result, words):
    script = started().call("5", "mmap", values, result)
    assert script.ops() == [] and words in script.report()[0]


def test_an_exit_without_an_enter_and_an_enter_without_an_exit_are_told():
    script = started().at("5", "syscalls:sys_exit_mmap: 0x0").at("5", "syscalls:sys_enter_brk: brk: 0x0")
    script.at("5", "syscalls:sys_enter_brk: brk: 0x0")
    assert set(script.report()) == {
        "1 x mmap: began before the recording or its beginning was lost",
        "1 x brk: its result is not in the recording",
        "1 x brk: had not returned when the recording ended",
    }


def test_what_another_thread_is_unmapping_is_gone_before_the_kernel_uses_the_hole_again():
    script = started().mmap("5", ADDR, 4).fork(5, 6, 0x3D0F00)
    script.at("5/6", f"syscalls:sys_enter_munmap: addr: {ADDR:#x}, len: 0x4000")
    script.mmap("5", ADDR, 2).fault("5", ADDR).at("5/6", "syscalls:sys_exit_munmap: 0x0")
    names = [op.name for op in script.ops()]
    assert names == ["mmap", "clone", "munmap", "mmap", "touch"]


def test_huge_page_mappings_are_mapped_but_never_touched():
    mapped = f"[{ADDR:#x}(0x200000) @ 0 00:10 5 0]: rw-p /anon_hugepage (deleted)"
    script = started().call("5", "mmap", [0, 0x1000, 3, 0x40022, 0xFFFFFFFF, 0], ADDR, mapped).fault("5", ADDR)
    assert script.ops() == [Mmap(pid=5, span=Span(VPN, VPN + 512))]
    assert len(script.report()) == 2


def test_a_call_of_a_thread_names_the_process():
    script = started().fork(5, 6, 0x3D0F00).mmap("5/6", ADDR, 2).fault("5/6", ADDR)
    assert script.ops()[1:] == [
        Mmap(pid=5, span=Span(VPN, VPN + 2)),
        Touch(pid=5, runs=((VPN, VPN + 1, "w"),)),
    ]
