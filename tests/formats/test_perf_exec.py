"""What execve maps, how stacks grow, and what perf finds in processes that run already."""

from __future__ import annotations

from rmapexplorer.core.operations import Brk, Mmap, Munmap, Touch
from rmapexplorer.core.units import Span

from .lines import Script, started

STACK = "[0x7ffe80034000(0x21000) @ 0x7ffffffde000 00:00 0 0]: rw-p [stack]"
LOW, END = 0x7FFE80034, 0x7FFE80055
BASH = "fe:00 260104 0]: "


def segments(*told: str) -> list[tuple[int, int, str, int]]:
    """(start, end, prot, offset) of what exec maps of a file, for lines like 400+8@0 r--p in pages."""
    script = started()
    for line in told:
        where, perms = line.split()
        start, rest = where.split("+")
        length, offset = rest.split("@")
        script.mmap2("5", f"[0x{start}000(0x{length}000) @ 0x{offset}000 {BASH}{perms} /bash")
    return [(op.span.start, op.span.end, op.prot, op.offset) for op in script.ops()]


def test_a_hole_between_two_segments_is_free():
    """make 4.3: 0x3f pages are mapped at first, three segments follow, and none of them has page 0x38."""
    told = ("562f678d5+3f@0 r--p", "562f678de+24@9 r-xp", "562f67902+b@2d r--p", "562f6790e+3@38 rw-p")
    assert segments(*told) == [
        (0x562F678D5, 0x562F678DE, "r", 0),
        (0x562F678DE, 0x562F67902, "rx", 9),
        (0x562F67902, 0x562F6790D, "r", 0x2D),
        (0x562F6790E, 0x562F67911, "rw", 0x38),
    ]


def test_a_hole_behind_the_first_segment_begins_where_the_file_goes_on():
    """Segments 2 MiB apart: the first ends in the page of the file with which the second begins."""
    assert segments("400+202@0 r-xp", "600+2@1 rw-p") == [(0x400, 0x402, "rx", 0), (0x600, 0x602, "rw", 1)]


def test_two_programs_with_one_segment_each_stay_whole():
    assert segments("400+8@0 r--p", "500+8@0 r--p") == [(0x400, 0x408, "r", 0), (0x500, 0x508, "r", 0)]


def test_a_first_segment_that_was_touched_already_is_cut_by_an_operation():
    script = started().mmap2("5", f"[0x400000(0x8000) @ 0 {BASH}r--p /bash").fault("5", 0x401000, 4, "kernel")
    script.mmap2("5", f"[0x402000(0x3000) @ 0x2000 {BASH}r-xp /bash")
    assert [op.name for op in script.ops()] == ["mmap", "touch", "munmap", "mmap"]
    assert script.ops()[2] == Munmap(pid=5, span=Span(0x402, 0x408))


def test_segments_of_a_program_overlay_each_other():
    script = started().mmap2("5", f"[0x400000(0x8000) @ 0 {BASH}r--p /bash")
    script.mmap2("5", f"[0x402000(0x3000) @ 0x2000 {BASH}r-xp /bash")
    script.mmap2("5", "[0x408000(0x2000) @ 0x408000 00:00 0 0]: rw-p //anon")
    assert script.ops() == [
        Mmap(pid=5, span=Span(0x400, 0x402), prot="r", kind="file-private", file="bash"),
        Mmap(pid=5, span=Span(0x402, 0x405), prot="rx", kind="file-private", file="bash", offset=2),
        Mmap(pid=5, span=Span(0x408, 0x40A)),
    ]


def test_the_stack_comes_with_its_argument_page():
    assert started().mmap2("5", STACK).ops() == [
        Mmap(pid=5, span=Span(LOW, END), offset=0x7FFFFFFDE, flags=("growsdown",), label="[stack]"),
        Touch(pid=5, runs=((END - 1, END, "w"),)),
    ]


def test_more_arguments_fill_more_pages():
    # setup_arg_pages adds 32 pages to those that hold arguments: 0x24 pages are 4 of arguments
    script = started().mmap2("5", "[0x7ffe80031000(0x24000) @ 0 00:00 0 0]: rw-p [stack]")
    assert script.ops()[1] == Touch(pid=5, runs=((END - 4, END, "w"),))


def test_the_kernels_own_mappings_are_special():
    script = started().mmap2("5", "[0x7fc81899c000(0x2000) @ 0 00:00 0 0]: r-xp [vdso]")
    script.mmap2("5", "[0x7fc818996000(0x4000) @ 0 00:00 0 0]: r--p [vvar]")
    assert [(op.label, op.flags, op.prot, op.kind) for op in script.ops()] == [
        ("[vdso]", ("special",), "rx", "anon"),
        ("[vvar]", ("special",), "r", "anon"),
    ]


def test_the_first_call_ends_the_work_of_exec():
    script = started().call("5", "brk", [0], 0x5000).mmap2("5", STACK)
    assert script.ops() == []


def test_an_executable_stack_is_seen_before_it_is_moved():
    script = started().mmap2("5", "[0x7fffffffe000(0x1000) @ 0x7fffffffe000 00:00 0 0]: rwxp //anon")
    script.mmap2("5", STACK.replace("rw-p", "rwxp"))
    assert [(op.name, getattr(op, "prot", "")) for op in script.ops()] == [("mmap", "rwx"), ("touch", "")]


def test_a_new_mapping_that_no_recorded_call_explains_is_mapped_and_told():
    script = started().mmap("5", 0x10000, 4).mmap2("5", "[0x50000(0x3000) @ 0 00:0d 7 0]: rw-s /[aio] (deleted)")
    script.mmap2("5", "[0x12000(0x8000) @ 0 00:0d 7 0]: rw-s /[aio] (deleted)")
    assert script.ops()[1:] == [Mmap(pid=5, span=Span(0x50, 0x53), kind="file-shared", file="[aio]")]
    assert script.report() == ("1 x MMAP2: no recorded call explains it; mapped as it says",)


def test_the_first_user_fault_ends_the_work_of_exec_and_a_kernel_fault_does_not():
    script = started().mmap2("5", STACK).fault("5", (END - 2) << 12, 2, "kernel")
    script.mmap2("5", "[0x1000(0x1000) @ 0 00:00 0 0]: rw-p //anon").fault("5", LOW << 12)
    script.mmap2("5", "[0x1000(0x3000) @ 0 00:00 0 0]: rw-p //anon")
    assert [op.name for op in script.ops()] == ["mmap", "touch", "mmap", "touch"]


def test_a_stack_that_a_fault_grew_is_told_once():
    script = started().mmap2("5", STACK).fault("5", (LOW - 3) << 12)
    script.mmap2("5", "[0x7ffe80031000(0x24000) @ 0x7ffffffdb000 00:00 0 0]: rw-p [stack]")
    assert script.ops()[1] == Touch(pid=5, runs=((END - 1, END, "w"), (LOW - 3, LOW - 2, "w")))


def test_a_stack_that_the_kernel_grew_unseen_is_touched():
    script = started().mmap2("5", STACK).call("5", "brk", [0], 0x5000)
    script.mmap2("5", "[0x7ffe80030000(0x25000) @ 0x7ffffffda000 00:00 0 0]: rw-p [stack]")
    assert script.ops()[1].runs[-1] == (LOW - 4, LOW - 3, "w")


def test_mmap2_of_an_mprotect_creates_nothing():
    script = started().mmap("5", 0x10000, 4)
    script.call("5", "mprotect", [0x10000, 0x1000, 1], 0, "[0x10000(0x1000) @ 0 00:00 0 0]: r--p //anon")
    assert [op.name for op in script.ops()] == ["mmap", "mprotect"]


def test_what_perf_finds_at_its_start_is_mapped():
    script = Script().raw("  x 0/0 0.000000: PERF_RECORD_COMM: init:5/5")
    script.raw(f"  x 0/0 0.000000: PERF_RECORD_MMAP2 5/5: [0x400000(0x1000) @ 0 {BASH}r-xp /bash")
    script.raw("  x 0/0 0.000000: PERF_RECORD_MMAP2 5/5: [0x800000(0x3000) @ 0 00:00 0 0]: rw-p [heap]")
    script.raw(f"  x 0/0 0.000000: PERF_RECORD_MMAP2 5/5: {STACK}")
    script.raw("  x 0/0 0.000000: PERF_RECORD_FORK(5:7):(5:5)").fault("5/7", 0x801000)
    script.call("5", "brk", [0x804000], 0x804000)
    assert [op.name for op in script.ops()] == ["spawn", "mmap", "brk", "mmap", "clone", "touch", "brk"]
    assert script.ops()[2] == Brk(pid=5, end=0x803, start=0x800)


def test_mappings_outside_of_the_users_addresses_are_told():
    script = started().mmap2("5", "[0xffffffffff600000(0x1000) @ 0 00:00 0 0]: --xp [vsyscall]")
    script.mmap2("5", "[0x1000(0x0) @ 0 00:00 0 0]: rw-p //anon").mmap2("5", "[nonsense")
    assert script.ops() == [] and len(script.report()) == 2


def test_the_kernels_own_image_is_passed_over():
    script = started().raw(" swapper 0/0 0.000000: PERF_RECORD_MMAP -1/0: [0xffffffff81000000(0x1) @ 0]: x [k]_text")
    script.raw(" swapper 0/0 0.000000: PERF_RECORD_MMAP2 -1/0: [0x81000000(0x1000) @ 0 00:00 0 0]: r-xp [k]_text")
    assert script.ops() == [] and script.report() == ()


def test_the_stack_of_a_mm_to_come_is_not_the_old_ones():
    # bprm's stack grows with long arguments before COMM exec is printed
    script = (
        started().mmap("5", 0x10000, 4).mmap2("5", "[0x7fffffffd000(0x2000) @ 0x7fffffffd000 00:00 0 0]: rw-p //anon")
    )
    assert [op.name for op in script.ops()] == ["mmap"] and script.report() == ()
