"""The recordings of real programs end, replayed, in what /proc/PID/smaps said: page for page."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from rmapexplorer.core.operations import Exec, Mmap, Touch
from rmapexplorer.core.units import PAGE_BYTES
from rmapexplorer.formats.perf import load_perf

from .replayer import Replayer

DATA = Path(__file__).parents[1] / "data" / "recordings"
NAMES = ("shell-pipeline", "python-pool", "python-realloc-fork", "redis-bgsave")
TASK_END = 1 << 47


@pytest.fixture(scope="module", params=NAMES)
def recording(request):
    session = load_perf(str(DATA / f"{request.param}.perf.txt.gz"))
    replayer = Replayer()
    for op in session.operations:
        replayer.apply(op)
    final = json.loads((DATA / f"{request.param}.final.json").read_text())["processes"]
    return request.param, session, replayer, {int(pid): process for pid, process in final.items()}


def smaps_pages(process):
    pages = {}
    for vma in process["vmas"]:
        if vma["start"] < TASK_END:
            pages.update(dict.fromkeys(range(vma["start"] // PAGE_BYTES, vma["end"] // PAGE_BYTES), vma["perm"]))
    return pages


def test_same_processes_are_alive_at_the_end(recording):
    _, _, replayer, final = recording
    assert set(replayer.mms) - replayer.threads == set(final)


def test_every_page_and_permission_is_the_one_of_smaps(recording):
    _, _, replayer, final = recording
    for pid, process in final.items():
        ours = {vpn: mapped.perms for vpn, mapped in replayer.mms[pid].pages.items()}
        assert ours == smaps_pages(process), f"process {pid} {process['comm']}"


def test_anonymous_pages_differ_by_at_most_two(recording):
    _, _, replayer, final = recording
    for pid, process in final.items():
        told = sum(vma["anonymous"] for vma in process["vmas"]) * 1024 // PAGE_BYTES
        assert abs(len(replayer.mms[pid].anon) - told) <= 2, f"process {pid} {process['comm']}"


def test_anonymous_pages_vma_by_vma(recording):
    _, _, replayer, final = recording
    for pid, process in final.items():
        anon = replayer.mms[pid].anon
        for vma in process["vmas"]:
            start, end = vma["start"] // PAGE_BYTES, vma["end"] // PAGE_BYTES
            ours = sum(vpn in anon for vpn in range(start, end)) if start < 1 << 35 else 0
            assert ours == vma["anonymous"] * 1024 // PAGE_BYTES, (pid, vma["name"])


def test_nothing_is_skipped_and_no_touch_refused(recording):
    _, session, replayer, _ = recording
    assert session.report == ()
    assert replayer.refused == []


def test_every_exec_begins_with_a_stack_and_its_argument_page(recording):
    _, session, _, _ = recording
    for index, op in enumerate(session.operations):
        if isinstance(op, Exec):
            stack = next(o for o in session.operations[index:] if isinstance(o, Mmap) and o.pid == op.pid)
            touch = next(o for o in session.operations[index:] if isinstance(o, Touch) and o.pid == op.pid)
            assert (stack.label, stack.flags) == ("[stack]", ("growsdown",))
            assert touch.runs[0] == (stack.span.end - 1, stack.span.end, "w")


def test_twenty_thousand_lines_take_less_than_a_second():
    start = time.perf_counter()
    load_perf(str(DATA / "python-pool.perf.txt.gz"))
    assert time.perf_counter() - start < 1.0


def test_the_pool_forks_eight_workers_from_one_parent():
    session = load_perf(str(DATA / "python-pool.perf.txt.gz"))
    forks = [op for op in session.operations if op.name == "fork"]
    assert {op.pid for op in forks} == {26709} and len(forks) == 8
    assert session.operations[0].name == "spawn" and session.operations[0].comm == "python3.11"


def test_threads_of_redis_share_the_mm_of_their_leader():
    session = load_perf(str(DATA / "redis-bgsave.perf.txt.gz"))
    clones = [op for op in session.operations if op.name == "clone"]
    assert [op.thread for op in clones] == [True] * 4 and {op.pid for op in clones} == {26901}
    assert not {op.child for op in clones} & {op.pid for op in session.operations if op.name == "touch"}
