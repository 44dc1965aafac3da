"""Kernel traces, as rmapexplorer.formats.trace reads them."""

from rmapexplorer.formats.trace import ARENA, Json, Step, Trace, load_traces, parse_traces, states

__all__ = ["ARENA", "Json", "Step", "Trace", "load_traces", "parse_traces", "states"]
