"""Lines in the form that most have come to what they come to when they are taken apart as lines of any form are."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest

from rmapexplorer.bench.recordings import allocator
from rmapexplorer.formats import perf_usual
from rmapexplorer.formats.perf import Translator, load_perf

from .lines import ADDR, Script, started

DATA = Path(__file__).parents[1] / "data" / "recordings"
NAMES = ("shell-pipeline", "python-pool", "python-realloc-fork", "redis-bgsave")
ODD = (
    b"",
    b" ",
    b"-",
    b":",
    b"0x",
    b"12",
    b"7/7",
    b"\0",
    b"\xff",
    b"\t",
    b",",
    b"error_code=0x7",
    b" [001] ",
    b"1.5: ",
)


def lines_of(name: str) -> list[bytes]:
    if name == "malloc":
        return [line.encode() for line in allocator(3000)]
    return gzip.decompress((DATA / f"{name}.perf.txt.gz").read_bytes()).split(b"\n")[:4000]


def came_to(translator: Translator) -> tuple[object, ...]:
    translator.finish()
    log = translator.log
    return log.operations, log.report(), translator.lines, translator.events, translator.useful


def one_by_one(lines: list[bytes]) -> tuple[object, ...]:
    translator = Translator()
    for line in lines:
        translator.feed(line.decode("utf-8", "replace"))
    return came_to(translator)


def at_once(lines: list[bytes], block: int) -> tuple[object, ...]:
    translator = Translator()
    for at in range(0, len(lines), block):
        translator.feed_lines(lines[at : at + block])
    return came_to(translator)


@pytest.mark.parametrize("name", (*NAMES, "malloc"))
def test_a_recording_comes_to_the_same_in_blocks_of_any_size(name):
    lines = lines_of(name)
    expected = one_by_one(lines)
    assert at_once(lines, 4096) == expected
    assert at_once(lines, 7) == expected


@pytest.mark.parametrize("name", (*NAMES, "malloc"))
def test_most_lines_of_a_recording_are_usual(name):
    lines = lines_of(name)
    assert sum(perf_usual.USUAL(line) is not None for line in lines) > 0.8 * len(lines)


@pytest.mark.parametrize("seed", range(6))
def test_damaged_lines_come_to_the_same(seed):
    dice = random.Random(seed)
    lines = lines_of(("malloc", *NAMES)[seed % 5])[:1500]
    for at in dice.sample(range(len(lines)), len(lines) // 3):
        line = lines[at]
        start = dice.randrange(len(line) + 1)
        end = min(len(line), start + dice.choice((0, 0, 1, 2, 20)))
        lines[at] = line[:start] + dice.choice(ODD) + line[end:]
    assert at_once(lines, 100) == one_by_one(lines)


@pytest.mark.parametrize(
    "text",
    [
        "a 5/5 1.000000: exceptions:page_fault_user: address=0x7f0000000000 ip=0x1 error_code=0x6",
        "Web Content 5/5 [003] 1,000000: exceptions:page_fault_kernel: address=0x7f0000001000 ip=f+0x1 error_code=0x4 ",
        "5/5 1.000000: syscalls:sys_enter_munmap: addr: 0x7f0000000000, len: 0x00001000",
        "a 5/5 1.000000: syscalls:sys_exit_munmap: 0x0\r",
        "9 5/5 1.000000: PERF_RECORD_MMAP2 5/5: [0x7f0000009000(0x1000) @ 0 fe:00 12 34]: r-xp /bin/a b ",
    ],
)
def test_forms_that_are_usual(text):
    before = [line.encode() for line in started().mmap("5", ADDR, 4).lines]
    assert perf_usual.USUAL(text.encode())
    assert at_once([*before, text.encode()], 1) == one_by_one([*before, text.encode()])


def test_an_area_is_looked_up_again_when_it_may_have_changed():
    script = started().mmap("5", ADDR, 4).fault("5", ADDR).call("5", "munmap", [ADDR, 4096], 0)
    script.fault("5", ADDR).mmap("5", ADDR, 1, prot=1).fault("5", ADDR).fault("5", ADDR, 4).fault("7", ADDR)
    lines = [line.encode() for line in script.lines]
    assert at_once(lines, 100) == one_by_one(lines)
    assert [line.partition(": ")[0] for line in at_once(lines, 100)[1]] == [
        "2 x page fault",
        "1 x page fault",
        "1 x process",
    ]


def test_a_line_is_too_long_wherever_blocks_end(tmp_path):
    script = started().mmap("5", ADDR, 4)
    head = ("\n".join(script.lines) + "\n").encode()
    tail = "\n".join(Script().fault("5", ADDR).lines).encode()
    for size in (1 << 14, (1 << 14) - 1, (1 << 17) - len(head), (1 << 17) - len(head) - 1, 300_000):
        path = tmp_path / str(size)
        path.write_bytes(head + b"x" * size + b"\n" + tail)
        session = load_perf(str(path))
        assert [op.name for op in session.operations] == ["spawn", "mmap", "touch"]
        assert session.report == (
            ("1 x line: is longer than any that perf prints",)
            if size >= 1 << 14
            else ("1 x line: is no event of perf script (the first is among lines 1 to 1000)",)
        )
