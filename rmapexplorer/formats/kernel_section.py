"""The section "kernel" of a session file: the trace its first operations came from, so that the record is kept.

``{"version":1,"trace":"..."}``: the trace's JSON, compressed by zlib, in base64. The operations stand in the file as
usual and have to be those of the trace.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Sequence
from typing import Any

from rmapexplorer.core.operations import Operation
from rmapexplorer.formats.codec import shown
from rmapexplorer.formats.errors import FormatError
from rmapexplorer.formats.json_text import JsonText, pieces_of
from rmapexplorer.formats.limits import VALUE_BYTES
from rmapexplorer.formats.trace import Trace, parse_traces

VERSION = 1
LARGEST = VALUE_BYTES
"""Bytes of JSON that a trace may unfold to."""


def encode(trace: Trace) -> dict[str, Any]:
    """The section of a trace."""
    raw = {
        "format": 1, "name": trace.name, "note": trace.note, "files": trace.files,
        "steps": [step.raw for step in trace.steps],
    }  # fmt: skip
    data = json.dumps(raw, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return {"version": VERSION, "trace": base64.b64encode(zlib.compress(data, 9)).decode("ascii")}


def decode(value: Any) -> Trace:
    """The trace of a section; ValueError("must be ...") says what is wrong."""
    if not isinstance(value, dict) or set(value) != {"version", "trace"}:
        raise ValueError(f'must be {{"version": ..., "trace": ...}}, not {shown(value)}')
    if value["version"] != VERSION:
        raise ValueError(
            f"must be of version {VERSION}, not {shown(value['version'])}; a newer rmapexplorer may read it"
        )
    try:
        packed = base64.b64decode(value["trace"], validate=True)
        unfolding = zlib.decompressobj()
        data = unfolding.decompress(packed, LARGEST)
        found = JsonText(pieces_of(data), "the section").value() if unfolding.eof else None
        traces = parse_traces(found, "the section")
    except (TypeError, ValueError, binascii.Error, zlib.error, RecursionError, FormatError):
        raise ValueError("must hold a compressed kernel trace, but it is damaged") from None
    return traces[0]


def operations_of(trace: Trace) -> tuple[Operation, ...]:
    """What of a trace is simulated: the first operations of its session."""
    return tuple(step.operation for step in trace.steps if step.operation is not None)


def consistent(trace: Trace, operations: Sequence[Operation], parents: Sequence[int] | None) -> None:
    """ValueError where the log does not begin with what was recorded."""
    recorded = operations_of(trace)
    count = len(recorded)
    straight = parents is None or list(parents[:count]) == list(range(-1, count - 1))
    if tuple(operations[:count]) != recorded or not straight:
        raise ValueError(f'"kernel" was recorded for other operations than the first {count}')
