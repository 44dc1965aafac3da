"""Kernel traces as sessions: a trace of a corpus is named ``FILE#NAME``; without a name it is the first."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import attrs

from rmapexplorer.core.rules import rules_of
from rmapexplorer.designs.registry import USUAL
from rmapexplorer.formats.errors import FormatError
from rmapexplorer.formats.kernel_section import operations_of
from rmapexplorer.formats.outline import Note
from rmapexplorer.formats.session import FORMAT, Session
from rmapexplorer.formats.trace import Trace, load_traces, parse_traces

VIEW = "anon_vma_chain"
"""The design a trace of Linux 6.18 shows."""

NAMES_SHOWN = 3


def split_path(path: str) -> tuple[str, str]:
    """(file, name of a trace in it) of ``FILE#NAME``; a file that is there under the whole name has no such part."""
    file, mark, name = path.rpartition("#")
    if not mark or "\0" in path or os.path.exists(path) or not os.path.isfile(file):
        return path, ""
    return file, name


def is_trace(parsed: Any) -> bool:
    """True for decoded JSON in the shape of a kernel trace or of many."""
    return isinstance(parsed, dict) and parsed.get("format") != FORMAT and ("traces" in parsed or "steps" in parsed)


def trace_session(parsed: Any, path: str, name: str = "") -> Session:
    """The session of one trace; ``name`` "" is the first. :raises FormatError: damaged, or no trace of that name."""
    traces = parse_traces(parsed, path)
    trace = _named(traces, path, name)
    operations = operations_of(trace)
    return Session(
        kernel=trace,
        title=trace.name,
        machine=attrs.evolve(trace.machine, max_map_count=rules_of(trace.machine.calls).max_map_count),
        designs=tuple((design.key, {}) for design in USUAL),
        operations=operations,
        position=len(operations),
        view=VIEW,
        notes=(Note(position=0, text=trace.note),) if trace.note else (),
        report=(*_others(traces, trace, path), *_left_out(trace)),
        path=f"{path}#{trace.name}" if len(traces) > 1 else path,
        siblings=tuple(f"{path}#{one.name}" for one in traces) if len(traces) > 1 else (),
    )


def trace_at(path: str) -> Trace:
    """The trace that ``path`` (FILE or FILE#NAME) stands for. :raises FormatError: there is none."""
    file, name = split_path(path)
    return _named(load_traces(file), file, name)


def _named(traces: Sequence[Trace], path: str, name: str) -> Trace:
    for trace in traces:
        if name in ("", trace.name):
            return trace
    known = ", ".join(trace.name for trace in traces[:NAMES_SHOWN])
    more = " ..." if len(traces) > NAMES_SHOWN else ""
    raise FormatError(f"{path}: holds no trace named {name}; it has {known}{more}.")


def _others(traces: Sequence[Trace], shown: Trace, path: str) -> list[str]:
    others = [trace.name for trace in traces if trace is not shown]
    if not others:
        return []
    names = ", ".join(others[:NAMES_SHOWN]) + (" ..." if len(others) > NAMES_SHOWN else "")
    return [
        f"{len(others)} more of the {len(traces)} kernel traces of the file ({names}): "
        f"open {os.path.basename(path)}#NAME for another one"
    ]


def _left_out(trace: Trace) -> list[str]:
    return [
        f"step {step.raw['i']}: {step.raw['op']['op']} is not simulated"
        for step in trace.steps
        if step.operation is None
    ]
