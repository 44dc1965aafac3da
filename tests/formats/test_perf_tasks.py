"""Processes and threads of a recording: who shares which mm, and when it ends."""

from __future__ import annotations

import pytest

from rmapexplorer.core.operations import Clone, Exec, Exit, Fork, Spawn, Touch
from rmapexplorer.core.units import Machine
from rmapexplorer.core.world import World
from rmapexplorer.designs.anon_vma_chain import AnonVmaChain

from .lines import ADDR, Script, started

VPN = ADDR >> 12
THREAD, VFORK = 0x3D0F00, 0x4111


def test_the_first_exec_spawns():
    assert Script().exec(5, "bash").ops() == [Spawn(pid=5, comm="bash")]


def test_perfs_own_process_before_its_exec_is_not_one():
    script = Script().raw("  perf-exec 0/0 0.000000: PERF_RECORD_COMM: perf-exec:5/5").exec(5, "bash")
    assert script.ops() == [Spawn(pid=5, comm="bash")] and script.report() == ()


def test_a_process_that_was_there_before_is_spawned_with_its_name():
    script = Script().raw("  init 0/0 0.000000: PERF_RECORD_COMM: init:5/5").mmap("5", ADDR, 1)
    assert script.ops()[0] == Spawn(pid=5, comm="init")
    assert script.report() == ("1 x process: was running before the recording, its memory until then is unknown",)


def test_a_thread_that_was_there_before_joins_its_process():
    script = started().mmap("5/7", ADDR, 1)
    assert script.ops()[0] == Clone(pid=5, child=7, thread=True)


def test_fork_copies_and_the_child_lives_on_its_own():
    script = started().mmap("5", ADDR, 1).fork(5, 6).call("6", "munmap", [ADDR, 4096], 0).fault("5", ADDR)
    script.fault("6", ADDR)
    assert [op.name for op in script.ops()] == ["mmap", "fork", "munmap", "touch"]
    assert script.report() == ("1 x page fault: where nothing is known to be mapped",)


@pytest.mark.parametrize(
    ("flags", "op"),
    [
        (0x1200000, Fork(pid=5, child=6)),
        (THREAD, Clone(pid=5, child=6, thread=True)),
        (VFORK, Clone(pid=5, child=6, thread=False)),
    ],
)
def test_clone_flags_tell_what_is_shared(flags, op):
    assert started().fork(5, 6, flags).ops() == [op]


def test_a_fork_by_a_thread_is_one_of_its_process():
    assert started().fork(5, 6, THREAD).fork(5, 7, tid=6).ops()[1] == Fork(pid=5, child=7)


def test_a_vfork_child_shares_until_it_executes():
    script = started().fork(5, 6, VFORK).mmap("6", ADDR, 1).fault("5", ADDR).exec(6, "ls").fault("6", ADDR).exit(6)
    assert [op.name for op in script.ops()] == ["clone", "mmap", "touch", "exec", "exit"]


@pytest.mark.parametrize(
    "lines",
    [
        ["PERF_RECORD_FORK(6:6):(5:5)"],
        ["task:task_newtask: pid=6 comm=x clone_flags=1200000 oom_score_adj=0"],
        ["sched:sched_process_fork: comm=x pid=5 child_comm=x child_pid=6"],
        ["PERF_RECORD_FORK(6:6):(5:5)", "sched:sched_process_fork: comm=x pid=5 child_comm=x child_pid=6"],
    ],
)
def test_any_one_of_the_three_events_makes_a_child(lines):
    script = started()
    for line in lines:
        script.at("5", line)
    assert script.ops() == [Fork(pid=5, child=6)]


def test_the_child_may_be_seen_before_how_it_was_made():
    script = started().mmap("5", ADDR, 1).at("5", "PERF_RECORD_FORK(6:6):(5:5)").fault("6", ADDR)
    assert [op.name for op in script.ops()] == ["mmap", "fork", "touch"]


def test_both_events_of_an_exit_are_one():
    assert started().exit(5).ops() == [Exit(pid=5)]


@pytest.mark.parametrize("event", ["sched:sched_process_exit: comm=x pid=5 prio=120", "PERF_RECORD_EXIT(5:5):(1:1)"])
def test_either_event_alone_is_an_exit(event):
    assert started().at("5", event).ops() == [Exit(pid=5)]


def test_an_exit_of_nobody_is_nothing():
    assert started().exit(9).ops() == []


def test_faults_between_the_two_events_of_an_exit_still_count():
    script = started().mmap("5", ADDR, 1)
    script.at("5", "sched:sched_process_exit: comm=x pid=5 prio=120").fault("5", ADDR, 2, "kernel")
    script.at("5", "PERF_RECORD_EXIT(5:5):(1:1)")
    assert [op.name for op in script.ops()] == ["mmap", "touch", "exit"]


def test_a_leader_that_ends_first_stays_until_its_last_thread():
    script = started().fork(5, 6, THREAD).fork(5, 7, THREAD).exit(5).mmap("5/6", ADDR, 1).exit(5, 6).exit(5, 7)
    assert [(op.name, op.pid) for op in script.ops()[2:]] == [("mmap", 5), ("exit", 6), ("exit", 7), ("exit", 5)]


def test_exec_by_a_thread_ends_the_others():
    # de_thread: the leader is killed, the thread takes its tid
    script = started().fork(5, 6, THREAD).fork(5, 7, THREAD).exit(5, 6).exit(5).exec(5, "sh").mmap("5", ADDR, 1).exit(5)
    assert [(op.name, op.pid) for op in script.ops()[2:]] == [
        ("exit", 6), ("exit", 7), ("exec", 5), ("mmap", 5), ("exit", 5),
    ]  # fmt: skip


def refusals(script: Script) -> list[tuple[str, str]]:
    """(operation, errno) of every operation of a recording that a world refuses."""
    world = World(AnonVmaChain(), Machine())
    applied = [(op, world.apply(op)) for op in script.done().log.operations]
    return [(op.name, outcome.error) for op, outcome in applied if not outcome.ok]


@pytest.mark.parametrize("threads", [(), (6,), (6, 7), (6, 7, 8)])
@pytest.mark.parametrize("exits", ["leader first", "leader last", "leader alone"])
def test_an_exec_after_the_leader_has_ended_is_refused_by_no_world(threads, exits):
    """The process keeps its pid through de_thread, whoever of it was alive; exec and exit find it."""
    script = started()
    for tid in threads:
        script.fork(5, tid, THREAD)
    gone = {"leader first": (5, *threads[1:]), "leader last": (*threads[1:], 5), "leader alone": (5,)}[exits]
    for tid in gone if threads else ():
        script.exit(5, tid)
    script.exec(5, "sh").mmap("5", ADDR, 1).fault("5", ADDR).exit(5)
    assert refusals(script) == []
    assert [op.name for op in script.ops()][-4:] == ["exec", "mmap", "touch", "exit"]


def test_exec_empties_the_address_space():
    script = started().mmap("5", ADDR, 1).exec(5, "sh").fault("5", ADDR)
    assert script.ops()[1:] == [Exec(pid=5, comm="sh")]
    assert "where nothing is known" in script.report()[0]


def test_a_name_given_by_prctl_is_no_exec():
    assert started().at("5", "PERF_RECORD_COMM: worker:5/5").ops() == []


def test_a_pid_used_again_ends_the_old_process():
    script = started().fork(5, 6).fork(5, 6)
    assert [op.name for op in script.ops()] == ["fork", "exit", "fork"]


def test_a_thread_id_used_again_by_another_process():
    script = started().fork(5, 6, THREAD).fork(5, 8).mmap("8/6", ADDR, 1)
    assert [(op.name, op.pid) for op in script.ops()] == [
        ("clone", 5), ("fork", 5), ("exit", 6), ("clone", 8), ("mmap", 8),
    ]  # fmt: skip


def test_a_line_without_pid_is_of_the_process_of_its_thread():
    script = started().mmap("5", ADDR, 1).fork(5, 6, THREAD)
    script.raw(f"prog 6 [001] 9.000000: exceptions:page_fault_user: address={ADDR:#x} ip=0x1 error_code=0x6")
    assert script.ops()[2] == Touch(pid=5, runs=((VPN, VPN + 1, "w"),))


@pytest.mark.parametrize(
    "event",
    [
        "PERF_RECORD_FORK(x:6):(5:5)",
        "PERF_RECORD_FORK(-1:-1):(5:5)",
        "PERF_RECORD_COMM exec: bash",
        "PERF_RECORD_COMM exec: bash:-1/-1",
        "PERF_RECORD_COMM: bash",
        "PERF_RECORD_EXIT",
        "task:task_newtask: pid=abc clone_flags=zz",
        "sched:sched_process_fork: nothing",
    ],
)
def test_damaged_task_events_are_told(event):
    script = started().at("5", event)
    assert script.ops() == [] and "damaged or of an unknown form" in script.report()[0]


def test_the_kernels_own_events_may_count_pids_of_another_namespace():
    script = started().at("5", "PERF_RECORD_FORK(5:6):(5:5)")
    script.at("5", "task:task_newtask: pid=1006 comm=x clone_flags=3d0f00 oom_score_adj=0")
    script.at("5", "sched:sched_process_fork: comm=x pid=1005 child_comm=x child_pid=1006")
    assert script.ops() == [Clone(pid=5, child=6, thread=True)]
