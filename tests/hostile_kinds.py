"""Hostile files written one by one, by name: ``python -m tests.hostile --kinds`` takes them all.

Each is what somebody with a reason could make: valid JSON of a wrong shape, absurd numbers, text that acts on a terminal,
archives that are not what they say, recordings and scripts that do what nobody does.
"""

from __future__ import annotations

import base64
import bz2
import gzip
import json
import lzma
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
HEAD = {"format": "rmapexplorer session", "version": 1, "title": "t", "position": 0}
SPAWN = {"op": "spawn", "pid": 1}
TOP = (1 << 35) - 16
"""Pages of user space, less some at its end."""


def session(operations: list[Any] | None = None, **more: Any) -> bytes:
    """A session file with these operations and members."""
    data = HEAD | {"position": len(operations or ())} | more | {"operations": operations or []}
    return json.dumps(data).encode("utf-8", "surrogatepass")


def done(*operations: Any, **more: Any) -> bytes:
    """A session of process 1 that does these."""
    return session([SPAWN, *operations], **more)


def mmap(start: int, end: int, **more: Any) -> dict[str, Any]:
    """One mapping."""
    return {"op": "mmap", "pid": 1, "span": [start, end]} | more


def op(name: str, **more: Any) -> dict[str, Any]:
    """One operation of process 1."""
    return {"op": name, "pid": 1} | more


def shapes() -> Iterator[tuple[str, bytes]]:
    """JSON that is no session, or nearly one."""
    for name, text in (
        ("null", "null"), ("number", "1e400"), ("text", '"x"'), ("list", "[]"), ("deep", "[" * 100_000), ("empty", "{}"),
        ("deep_object", '{"a":' * 50_000), ("format_only", '{"format":"rmapexplorer session"}'), ("minus", "-"),
        ("two", "{}{}"), ("comment", "{} // x"), ("nan_key", '{"format":NaN}'), ("open", '{"format'), ("trailing", "{},"),
        ("surrogate", '{"format":"\\ud800"}'), ("zero", '{"a":"\\u0000"}'), ("long_int", "[" + "9" * 5000 + "]"),
        ("float_pid", json.dumps(HEAD | {"operations": [{"op": "spawn", "pid": 1.0}]})),
        ("version_string", json.dumps(HEAD | {"version": "1"})), ("version_huge", json.dumps(HEAD | {"version": 10**30})),
        ("version_true", json.dumps(HEAD | {"version": True})), ("version_0", json.dumps(HEAD | {"version": 0})),
    ):  # fmt: skip
        yield f"shape_{name}.rmap", text.encode()
    for key in (
        "title",
        "machine",
        "designs",
        "operations",
        "branches",
        "notes",
        "view",
        "selection",
        "report",
        "kernel",
    ):
        for number, value in enumerate((None, -1, [], {}, [[]], {"a": {}}, "x", [None], [1, 2, 3], {"": 0})):
            yield f"member_{key}_{number}.rmap", json.dumps(HEAD | {"operations": []} | {key: value}).encode()


def many() -> Iterator[tuple[str, bytes]]:
    """Much of everything that may be many."""
    each = range(100_000)
    yield "many_files.rmap", session(machine={"files": {f"f{n}": n for n in each}})
    yield "many_labels.rmap", done(*(mmap(16 + 2 * n, 17 + 2 * n, label=f"l{n}") for n in range(20_000)))
    yield "many_notes.rmap", done(notes=[[0, f"b{n}"] for n in each])
    yield "many_branches.rmap", done(branches={f"b{n}": 0 for n in each})
    yield "few_branches.rmap", session([SPAWN, *({"op": "spawn", "pid": n + 2, "after": 0} for n in range(9000))],
                                       branches={f"b{n}": n for n in range(9000)}, position=1)  # fmt: skip
    yield (
        "many_runs.rmap",
        done(mmap(16, 400_000), op("touch", runs=[[16 + 2 * n, 17 + 2 * n, "w"] for n in range(99_000)])),
    )
    yield "many_flags.rmap", done(mmap(16, 17, flags=["locked"] * 1000))
    yield "many_processes.rmap", session(machine={"processes": [[n + 1, "c" * 15] for n in range(9_999)]})
    yield "many_spawns.rmap", session([{"op": "spawn", "pid": n + 1} for n in range(20_000)])
    yield "many_designs.rmap", session(designs=[["anonmm", {}]] * 64)
    yield "many_options.rmap", session(designs=[["anonmm", {f"o{n}": "x" for n in each}]])
    yield "long_title.rmap", session(title="t" * 2_000_000)
    yield "long_line.rmap", session(x="y" * 7_000_000)
    yield "blank.rmap", b'{"format":"rmapexplorer session",' + b" " * 9_000_000 + b'"version":1}'
    yield "fork_bomb.rmap", done(
        *(mmap(16 + 2 * n, 17 + 2 * n) for n in range(5000)), *(op("fork", child=n) for n in range(2, 700)),
        designs=["anonmm"],
    )  # fmt: skip


def calls() -> Iterator[tuple[str, bytes]]:
    """Operations that ask for what cannot be, or for much."""
    for number, pid in enumerate((0, -1, 2**31 - 1, 2**31, 2**63, 2**64, -(2**63), 10**40)):
        yield f"pid_{number}.rmap", session([{"op": "spawn", "pid": pid}])
        yield f"child_{number}.rmap", done(op("fork", child=pid))
    spans = (
        (32, 16),
        (16, 16),
        (-5, 5),
        (16, 2**52),
        (2**52 - 1, 2**52),
        (TOP, TOP + 16),
        (TOP, 2**51),
        (0, 2**35),
        (2**60, 2**61),
    )
    for number, span in enumerate(spans):
        yield f"span_{number}.rmap", done(mmap(*span), op("touch", runs=[[*span, "w"]]), op("munmap", span=list(span)))
        yield f"span_{number}_mremap.rmap", done(mmap(16, 32), op("mremap", span=list(span), new_pages=2**34, to=16))
    for number, to in enumerate(("NaN", "-1", "1e9", "Infinity", "null", "9" * 30, str(2**52), '"a10"', "true")):
        yield f"to_{number}.rmap", done(mmap(16, 32), {"op": "mremap", "pid": 1, "span": [16, 32], "new_pages": 16, "to": 77}).replace(
            b'"to": 77', b'"to": ' + to.encode()
        )  # fmt: skip
    for number, runs in enumerate(
        ([[16, 32, "w"], [16, 32, "r"]], [[30, 32, "w"], [16, 17, "w"]], [[32, 16, "w"]], [[16, 32]], [], [[16, 32, "q"]],
         [[16, 2**51, "w"]], [[-1, 3, "r"]], [[16, 32, "w", 1]], "x", [[16, 32, ["w"]]])
    ):  # fmt: skip
        yield f"runs_{number}.rmap", done(mmap(16, 64), op("touch", runs=runs))
    huge = mmap(16, TOP)
    for number, act in enumerate(
        (op("fork", child=2), op("mlock", span=[16, TOP]), op("madvise", span=[16, TOP], advice="populate_write"),
         op("madvise", span=[16, TOP], advice="guard_install"), op("mprotect", span=[16, TOP], prot="none"),
         op("madvise", span=[17, TOP - 1], advice="pageout"), op("touch", runs=[[16, TOP, "w"]]),
         op("touch", runs=[[16, TOP, "r"]]), op("mremap", span=[16, TOP], new_pages=TOP - 15),
         op("mremap", span=[16, 17], new_pages=2**34, to=2**33), op("munmap", span=[0, 2**35]), op("exec", comm="x"))
    ):  # fmt: skip
        yield f"huge_{number}.rmap", done(huge, act, op("fork", child=3), {"op": "reclaim"})
    file = mmap(16, 16 + 2**22, kind="file-shared", file="f")
    for number, act in enumerate(
        (op("remap_file_pages", span=[16, 16 + 2**22], offset=7), op("touch", runs=[[16, 16 + 2**21, "r"]]),
         op("ftruncate", file="f", pages=0), op("ftruncate", file="f", pages=2**51),
         op("punch", file="f", offset=0, pages=2**50), op("madvise", span=[16, 16 + 2**22], advice="remove"))
    ):  # fmt: skip
        yield f"file_{number}.rmap", done(file, op("touch", runs=[[16, 20, "w"]]), act, machine={"files": {"f": 2**30}})
    yield "ram.rmap", done(mmap(16, 9000), op("touch", runs=[[16, 9000, "w"]]), {"op": "reclaim", "pages": 2**60},
                           machine={"ram_pages": 5, "swap_pages": 3})  # fmt: skip
    for key in ("ram_pages", "swap_pages", "pids", "calls", "cpus", "files", "processes"):
        yield f"machine_{key}.rmap", session(machine={key: -1})
        yield f"machine_{key}_huge.rmap", session(machine={key: 2**70})


NAMES = ("\0", "a\nb", "\x1b]0;x\x07", "\u202ecod.exe", "\ud800", "=1+1", "<img src='/etc/passwd'>", "a" * 4096, "a" * 4097,
         "/" * 300, "..", " ", "\u2028", "%s%n", "&amp;", "日本", "\u0301" * 500)  # fmt: skip


def names() -> Iterator[tuple[str, bytes]]:
    """Text of a file that is shown."""
    for number, name in enumerate(NAMES):
        yield f"name_{number}.rmap", session(
            [{"op": "spawn", "pid": 1, "comm": name[:15]}, mmap(16, 20, label=name), mmap(40, 44, kind="file-private", file=name)],
            title=name, machine={"files": {name: 10}}, notes=[[1, name]], branches={name: 2}, report=[name],
        )  # fmt: skip
        yield (
            f"script_name_{number}.rmaps",
            (
                f"# rmapexplorer script\ntitle {json.dumps(name)}\nfile {json.dumps(name)} pages 4\nspawn 1\nmark {json.dumps(name)}\n"
            ).encode("utf-8", "surrogatepass"),
        )


def archives() -> Iterator[tuple[str, bytes]]:
    """Packed files that are not what they say."""
    good = done(mmap(16, 32), op("touch", runs=[[16, 20, "w"]]))
    packed = gzip.compress(good, mtime=0)
    yield "gz_trailing_zeros.rmap.gz", packed + b"\0" * 1000
    yield "gz_trailing_noise.rmap.gz", packed + b"noise"
    yield "gz_members.rmap.gz", gzip.compress(good[:40], mtime=0) + gzip.compress(good[40:], mtime=0)
    yield "gz_many_members.rmap.gz", b"".join(gzip.compress(bytes([one]), mtime=0) for one in good) * 1
    yield "gz_empty_members.rmap.gz", gzip.compress(b"", mtime=0) * 200_000 + packed
    yield "gz_of_gz.rmap.gz", gzip.compress(packed, mtime=0)
    yield "gz_empty.rmap.gz", gzip.compress(b"", mtime=0)
    yield "gz_head_only.rmap.gz", packed[:10]
    yield "gz_cut.rmap.gz", packed[:-9]
    yield "gz_wrong_sum.rmap.gz", packed[:-8] + b"abcdefgh"
    yield "gz_flags.rmap.gz", packed[:3] + b"\xff" + packed[4:]
    yield "bz2.rmap.gz", bz2.compress(good)
    yield "xz.rmap.gz", lzma.compress(good)
    yield "zst.rmap.gz", b"\x28\xb5\x2f\xfd\x04\x00" + good
    yield "zip.rmap", b"PK\x03\x04" + good
    yield "elf.rmap", b"\x7fELF" + bytes(5000)
    yield "perfdata.txt", b"PERFILE2" + bytes(5000)
    yield "utf16.rmap", good.decode().encode("utf-16")
    yield "utf32.rmap", good.decode().encode("utf-32")
    yield "bom.rmap", b"\xef\xbb\xbf" + good
    yield "bom_twice.rmap", b"\xef\xbb\xbf" * 2 + good
    yield "cr.rmap", done(mmap(16, 32)).replace(b", ", b",\r")
    yield (
        "trace_base64.rmap",
        session(kernel={"version": 1, "trace": base64.b64encode(gzip.compress(b"[" * 9_000_000)).decode()}),
    )


LINE = "comm 7/7 [000] 1.000001: "


def recordings() -> Iterator[tuple[str, bytes]]:
    """Text of perf script as no perf prints it."""
    enter = "syscalls:sys_enter_mmap: addr: 0x{:x}, len: 0x{:x}, prot: 0x3, flags: 0x22, fd: 0xffffffff, off: 0x0\n"
    for number, (at, length, got) in enumerate(
        (
            (0, 2**12, 2**40),
            (0, 2**63, 2**40),
            (2**64 - 4096, 4096, 2**64 - 4096),
            (0, 0, 0),
            (1, 5, 3),
            (0, 2**47, 4096),
        )
    ):
        text = LINE + enter.format(at, length) + LINE + f"syscalls:sys_exit_mmap: 0x{got:x}\n"
        yield f"perf_mmap_{number}.txt", text.encode() * 20
    fault = "exceptions:page_fault_user: address=0x{:x} ip=0x0 error_code=0x{:x}\n"
    for number, at in enumerate((0, 4096, 2**47, 2**63, 2**64 - 1, 2**70)):
        yield f"perf_fault_{number}.txt", (LINE + fault.format(at, 6)).encode() * 50
    yield (
        "perf_time_back.txt",
        "".join(f"c 7/7 [000] {10 - n / 10:.6f}: " + fault.format(4096 * n, 6) for n in range(200)).encode(),
    )
    pids = ("0", "-1", "4294967295", "99999999999999999999", "7/x", "")
    yield "perf_pids.txt", "".join(f"c {pid}/{pid} [000] 1.0: " + fault.format(4096, 6) for pid in pids).encode() * 30
    comms = ("a b", "(x)", "[kworker/0:1]", "x 1/2 [000] 1.0:", "\x1b[2J", "", "é" * 20, "7/7")
    yield "perf_comms.txt", "".join(f"{comm} 7/7 [000] 1.0: " + fault.format(4096, 6) for comm in comms).encode() * 30
    yield "perf_one_line.txt", b"x" * 10_000_000
    yield "perf_lines_long.txt", (b"y" * 20_000 + b"\n") * 500
    yield "perf_cr.txt", (LINE + fault.format(4096, 6)).replace("\n", "\r").encode() * 5000
    yield "perf_nul.txt", (LINE + "\0" + fault.format(4096, 6)).encode() * 5000
    yield "perf_newlines.txt", b"\n" * 9_000_000
    yield (
        "perf_forks.txt",
        "".join(f"c 1/1 [000] 1.0: PERF_RECORD_FORK({n}:{n}):({n - 1}:{n - 1})\n" for n in range(2, 60_000)).encode(),
    )
    yield (
        "perf_exits.txt",
        "".join(f"c {n}/{n} [000] 1.0: PERF_RECORD_EXIT({n}:{n}):({n}:{n})\n" for n in range(1, 90_000)).encode(),
    )
    yield (
        "perf_maps.txt",
        "".join(
            f"c 7/7 [000] 1.0: PERF_RECORD_MMAP2 7/7: [0x{n * 8192:x}(0x1000) @ 0 00:00 0 0]: rw-p f{n}\n"
            for n in range(1, 60_000)
        ).encode(),
    )
    yield "perf_faults.txt", "".join(LINE + fault.format(4096 * n, 6) for n in range(90_000)).encode()


def scripts() -> Iterator[tuple[str, bytes]]:
    """Scripts that go on for ever, or compute what nobody can."""
    texts = (
        "repeat 1000000000: repeat 1000000000: spawn new", "repeat 99999: repeat 99999: let a = 1", "let a = a",
        "let a = 9*9*9*9*9*9*9*9*9*9*9*9*9*9*9*9*9*9*9*9*9*9*9*9*9*9*9*9*9*9", "let a = 9**9**9", "let a = 1/0",
        "let a = " + "(" * 50_000 + "1", "let a = " + "-" * 100_000 + "1", "let a = " + "1+" * 100_000 + "1",
        "\n".join(f"let a{n} = a{n - 1} * a{n - 1}" if n else "let a0 = 99" for n in range(200)),
        "\n".join("  " * n + "repeat 2:" for n in range(500)), "repeat 0: spawn 1", "repeat -1: spawn 1", "repeat 1e9: spawn 1",
        "repeat: spawn 1", "spawn `rm -rf /`", "spawn $(id)", "title", 'title "', 'title "\\x"', "machine", "machine ram 0",
        "machine ram 99999999999999999999", "designs", "designs nothing", "designs anonmm:variant=9", "spawn 1\n" * 99_000,
        "spawn 1\nmmap 1 ffffffffffffffff pages at a10 rw", "spawn 1\ntouch 1 a10-a5 w", "spawn 1\nfork 1 -> 1",
        "spawn 1\nrepeat 20000: fork 1 -> new", "at 5\nat 3", "process 1\nprocess 1", "\t \t\r\n" * 2000, "\r".join(["spawn 1"] * 9),
        "spawn 1 " + "x " * 100_000, "mark " * 5000, "spawn 1\nrepeat 3000: mmap 1 1 pages at any rw\nrepeat 300: fork 1 -> new",
    )  # fmt: skip
    for number, text in enumerate(texts):
        yield f"script_{number}.rmaps", b"# rmapexplorer script\n" + text.encode()


def traces() -> Iterator[tuple[str, bytes]]:
    """Kernel traces with wrong counts and kinds."""
    good = json.loads(gzip.decompress((DATA / "traces" / "cases.json.gz").read_bytes()))
    good["traces"] = good["traces"][:1]
    paths: list[tuple[str, Callable[[Any], Any]]] = [
        ("no_traces", lambda t: t.update(traces=[])), ("no_steps", lambda t: t["traces"][0].update(steps=[])),
        ("traces_object", lambda t: t.update(traces={"a": 1})), ("steps_text", lambda t: t["traces"][0].update(steps="x")),
        ("step_numbers", lambda t: t["traces"][0].update(steps=[1, 2])), ("twice", lambda t: t["traces"].append(t["traces"][0])),
        ("no_env", lambda t: t.pop("env", None)), ("format_99", lambda t: t.update(format=99)),
        ("many", lambda t: t.update(traces=t["traces"] * 3000)),
        ("half", lambda t: [step.popitem() for step in t["traces"][0]["steps"] if isinstance(step, dict) and step]),
        ("name_nul", lambda t: t["traces"][0].update(name="\0\x1b[2J")), ("name_list", lambda t: t["traces"][0].update(name=[])),
    ]  # fmt: skip
    for name, change in paths:
        data = json.loads(json.dumps(good))
        change(data)
        yield f"trace_{name}.json", json.dumps(data).encode()


def journal(first: dict[str, Any], *lines: Any) -> bytes:
    """A side file: its first line changed by ``first``, then these lines, text as it is."""
    begin = {"format": "rmapexplorer journal", "version": 1, "title": "t", "path": "", "base": None} | first
    texts = [line if isinstance(line, str) else json.dumps(line) for line in (begin, *lines)]
    return "".join(f"{text}\n" for text in texts).replace(": ", ":").encode("utf-8", "surrogatepass")


def journals() -> Iterator[tuple[str, bytes]]:
    """Side files that no rmapexplorer wrote."""
    stamp = {"inode": 1, "size": 1, "mtime_ns": 1}
    for number, base in enumerate(
        (5, "x", [], {}, {"path": "/dev/zero", "operations": 1, "stamp": stamp}, {"path": "\0", "operations": 1, "stamp": stamp},
         *({"path": "/x", "operations": n, "stamp": stamp} for n in (-1, "5", None, 10**30, 1.5)), {"path": 1, "stamp": []})
    ):  # fmt: skip
        yield f"journal_base_{number}.journal", journal({"base": base}, {"at": 0, "operations": [SPAWN]})
        yield f"journal_copy_{number}.journal", journal({"base": base}, '{"copy":5}', '{"copy":"\\u0000"}', '{"copy":')
    for number, head in enumerate(
        (5, [], [[1, 2]], {"marks": 5}, {"marks": [1]}, {"marks": [["a", "b"]]}, {"marks": [[0, 1]]}, {"marks": [[10**30, "x"]]},
         {"marks": {"a": 1}}, {"branches": {"a": 10**30}}, {"branches": {"a": 0.5}}, {"branches": []}, {"branch": "x", "branches": {}},
         {"branch": 5}, {"position": 9}, {"position": -1}, {"known": -5}, {"title": "\x1b[2J"}, {"designs": ["x"] * 65},
         {"kernel": {}}, {"operations": 5}, {"branches": None}, {"x": "y"})
    ):  # fmt: skip
        yield f"journal_head_{number}.journal", journal({}, {"head": head}, {"at": 0, "operations": [SPAWN]})
        yield f"journal_end_{number}.journal", journal({}, {"at": 0, "operations": [SPAWN] * 2}, {"head": head})
    for number, line in enumerate(
        ({"at": 1, "operations": [SPAWN]}, {"at": 0, "operations": 5}, {"at": 0.0, "operations": [SPAWN | {"after": -1}]},
         {"at": True, "operations": []}, {"at": 0, "operations": [SPAWN | {"after": 3}]}, {"at": 0, "operations": {"op": 1}},
         {"at": 0, "operations": [None]}, "[" * 100_000, "x" * 9_000_000, "{}", "5", "NaN", {"at": 0, "operations": [[]] * 10**6})
    ):  # fmt: skip
        yield f"journal_line_{number}.journal", journal({}, line, {"at": 0, "operations": [SPAWN]})
    yield "journal_version.journal", journal({"version": 2})
    yield "journal_title.journal", journal({"title": "\x1b[2J\u202e\ud800" * 5000}, {"at": 0, "operations": [SPAWN]})
    yield "journal_cut.journal", journal({})[:-1]
    yield (
        "journal_long.journal",
        journal({}, *({"at": n * 200, "operations": [mmap(n, n + 9)] * 200} for n in range(90))),
    )


def kinds() -> Iterator[tuple[str, bytes]]:
    """All of them: (name, bytes)."""
    for group in (shapes, many, calls, names, archives, recordings, scripts, traces, journals):
        yield from group()
