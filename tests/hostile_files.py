"""Hostile files made at random, the same ones for the same seed: mutated, bent, unfolding, large."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
RESOURCES = Path(__file__).parents[1] / "resources" / "scenarios"

JUNK: tuple[Any, ...] = (
    None, True, -1, 0, 2**31, 2**35, 2**52, 2**63, 2**80, -(2**70), 1.5, 1e300, "", "x", "\x1b[2J", "<b>&", "\ud800", "\u202e",
    "=1+1", "a" * 5000, [], {}, [[]], [1, 2, 3], {"op": "fork"}, [None], "file", "anon", ["growsdown"] * 3,
)  # fmt: skip

Maker = Callable[[random.Random], tuple[str, bytes]]


def _json_of(rng: random.Random, name: str) -> Any:
    paths = {
        "session": [DATA / "sessions" / "version-1.rmap", *sorted(DATA.glob("broken/*.rmap"))],
        "trace": [
            DATA / "traces" / "cases.json.gz",
            DATA / "traces" / "rules.json.gz",
            DATA / "traces" / "probes.json.gz",
        ],
    }[name]
    data = rng.choice(paths).read_bytes()
    found = json.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
    if name == "trace":
        found["traces"] = rng.sample(found["traces"], 1)
    return found


def changed(value: Any, rng: random.Random) -> Any:
    """The JSON value with one of its parts replaced, dropped, doubled or renamed."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(sorted(value))
        fate = rng.random()
        if fate < 0.08:
            return {other: item for other, item in value.items() if other != key}
        if fate < 0.12:
            return value | {rng.choice(("x", "op", "steps", "traces", "\x1b")): value[key]}
        return value | {key: changed(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.9:
        at = rng.randrange(len(value))
        if rng.random() < 0.1:
            return value[:at] + [value[at]] * rng.choice((0, 2, 50)) + value[at + 1 :]
        return [*value[:at], changed(value[at], rng), *value[at + 1 :]]
    if isinstance(value, int) and not isinstance(value, bool) and rng.random() < 0.5:
        return rng.choice((value + 1, -value, value << 20, value * 3, value - 1))
    return rng.choice(JUNK)


def _mutated(name: str) -> Maker:
    def make(rng: random.Random) -> tuple[str, bytes]:
        data = _json_of(rng, name)
        for _ in range(rng.choice((1, 1, 2, 8))):
            data = changed(data, rng)
        return ".rmap" if name == "session" else ".json", json.dumps(data).encode("utf-8", "surrogatepass")

    return make


def bent(data: bytes, rng: random.Random) -> bytes:
    """Bytes flipped, cut out, put in, or the end cut off."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 3, 30))):
        at = rng.randrange(len(out)) if out else 0
        match rng.randrange(5):
            case 0 if out:
                out[at] ^= 1 << rng.randrange(8)
            case 1:
                del out[at : at + rng.choice((1, 5, 300))]
            case 2:
                out[at:at] = rng.choice(
                    (b"0", b"9" * 20, b"-1", b"\0", b'"', b"{", b"\n", b"NaN", b"\x1b[2J", b"\xff", b"1e999")
                )
            case 3:
                out[at:at] = out[at : at + 200] * rng.choice((1, 30))
            case 4 if rng.random() < 0.2:
                del out[max(at, 1) :]
    return bytes(out)


def _bent(*names: str) -> Maker:
    def make(rng: random.Random) -> tuple[str, bytes]:
        path = rng.choice([one for name in names for one in sorted(DATA.glob(name)) or sorted(RESOURCES.glob(name))])
        data = path.read_bytes()
        packed = path.suffix == ".gz"
        if packed and rng.random() < 0.6:
            data = gzip.compress(bent(gzip.decompress(data)[:200_000], rng), mtime=0)
        else:
            data = bent(data[:100_000], rng)
        return path.name[path.name.index(".") :], data

    return make


_WORDS = ("spawn", "mmap", "touch", "fork", "repeat", "let", "mark", "machine", "file", "designs", "title", "process", "madvise",
          "mremap", "munmap", "new", "any", "at", "pages", "to", "as", "1", "2", "a10", "a10-a20", "w", "rw", "->", ":", ",", "=",
          "(", ")", "+", "-", "*", '"x"', '"', "99999999999999999999", "ffffffffffffffff", "#", "\t", "é", "\x00", "\x1b[2J",
          "guard_install", "private", "shared", "n", "select", "calls", "6.18", "reclaim", "all")  # fmt: skip


def _script(rng: random.Random) -> tuple[str, bytes]:
    lines = []
    for _ in range(rng.choice((1, 5, 40, 2000))):
        lines.append("  " * rng.choice((0, 0, 0, 1, 5)) + " ".join(rng.choices(_WORDS, k=rng.choice((1, 3, 6, 12)))))
    return ".rmaps", ("# rmapexplorer script\n" + "\n".join(lines)).encode("utf-8", "replace")


def _large_calls(rng: random.Random) -> tuple[str, bytes]:
    """Valid operations that ask for much at once."""
    pages = 1 << rng.choice((16, 20, 22, 24, 28, 33, 34))
    span = [16, 16 + pages]
    advice = rng.choice(
        ("guard_install", "populate_read", "populate_write", "cold", "pageout", "dontneed", "free", "willneed")
    )
    acts: list[dict[str, Any]] = [
        {"op": "madvise", "pid": 1, "span": span, "advice": advice},
        {"op": "touch", "pid": 1, "runs": [[*span, rng.choice("rw")]]},
        {"op": "mlock", "pid": 1, "span": span},
        {"op": "mremap", "pid": 1, "span": span, "new_pages": pages * 2, "to": 1 << 34},
        {"op": "fork", "pid": 1, "child": 2},
        {"op": "reclaim"},
        {"op": "mprotect", "pid": 1, "span": span, "prot": "r"},
        {"op": "remap_file_pages", "pid": 1, "span": span, "offset": 3},
        {"op": "ftruncate", "pid": 1, "file": "f", "pages": pages},
        {"op": "punch", "pid": 1, "file": "f", "offset": 0, "pages": pages},
        {"op": "munmap", "pid": 1, "span": [17, 15 + pages]},
    ]
    kind = rng.choice(("anon", "anon", "anon-shared", "file-private", "file-shared"))
    mapped: dict[str, Any] = {"op": "mmap", "pid": 1, "span": span, "kind": kind}
    mapped |= {"file": "f"} if kind.startswith("file") else {}
    mapped |= {"flags": [rng.choice(("populate", "locked", "growsdown"))]} if rng.random() < 0.4 else {}
    operations = [{"op": "spawn", "pid": 1}, mapped, *rng.sample(acts, rng.randrange(1, 6))]
    data = {
        "format": "rmapexplorer session", "version": 1, "title": "much", "position": len(operations),
        "machine": {"files": {"f": pages}, "calls": rng.choice(("6.18", "2.6.7", "3.0"))},
        "designs": rng.sample(["pte_chain", "anonmm", "anon_vma", "anon_vma_chain", "objrmap", "shared_space"], 2),
        "operations": operations,
    }  # fmt: skip
    return ".rmap", json.dumps(data).encode()


def _bomb(rng: random.Random) -> tuple[str, bytes]:
    """A little that unfolds to much."""
    much = rng.choice((1 << 20, 40 << 20))
    inner = rng.choice(
        (b"[],", b"{},", b'"",', b"0,", b" ", b"[", b'{"a":', b'"' + b"x" * 100 + b'",', b"\n", b"1" * 50)
    )
    where = rng.choice(("title", "operations", "notes", "designs", "report", "steps", "traces", "machine", "kernel"))
    head = b'{"format":"rmapexplorer session","version":1,"position":0,"%s":' % where.encode()
    start = rng.choice(
        (head + b"[", head + b'"', head, b"[", b"# rmapexplorer script\n", b'# rmapexplorer script\ntitle "', b"")
    )
    return rng.choice((".rmap.gz", ".rmaps.gz", ".json.gz")), gzip.compress(
        start + inner * (much // len(inner)), 1, mtime=0
    )


def _events(rng: random.Random) -> tuple[str, bytes]:
    """Lines of a recording out of order, of unknown events, with absurd numbers."""
    lines = gzip.decompress((DATA / "recordings" / "shell-pipeline.perf.txt.gz").read_bytes()).splitlines(
        keepends=True
    )[:400]
    for _ in range(rng.choice((1, 20))):
        at = rng.randrange(len(lines))
        lines[at] = rng.choice(
            (bent(lines[at], rng), lines[rng.randrange(len(lines))], b"x 1/1 [000] 1.0: a:b: c\n", b"\n")
        )
    if rng.random() < 0.3:
        rng.shuffle(lines)
    return ".perf.txt", b"".join(lines)


def _encoded(rng: random.Random) -> tuple[str, bytes]:
    """Text in another encoding, with marks, or no text at all."""
    text = (DATA / "sessions" / "version-1.rmap").read_text(encoding="utf-8")
    kind = rng.choice(("utf-16", "utf-32", "latin-1", "utf-8-sig", "utf-7", "nul", "noise", "empty", "gzip"))
    data = {"nul": b"\0" * 4096, "noise": rng.randbytes(3000), "empty": b"", "gzip": b"\x1f\x8b" + rng.randbytes(50)}
    return ".rmap", data[kind] if kind in data else text.encode(kind, "replace")


MAKERS: tuple[Maker, ...] = (
    _mutated("session"), _mutated("trace"), _bent("*.rmap", "sessions/*.rmap"), _bent("traces/c*.gz", "traces/probes*.gz"),
    _bent("recordings/shell*.gz"), _script, _large_calls, _bomb, _events, _encoded,
)  # fmt: skip


def hostile(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of so many files, of each kind in turn."""
    for number in range(count):
        rng = random.Random(f"{seed}/{number}")
        suffix, data = MAKERS[number % len(MAKERS)](rng)
        yield f"{number:03d}{suffix}", data
