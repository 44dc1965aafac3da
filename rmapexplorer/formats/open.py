"""Whatever the user opens: what it is, is told by its content and not by its name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from rmapexplorer.formats.errors import Asked, FormatError, Progress
from rmapexplorer.formats.journal import is_journal, session_of_journal
from rmapexplorer.formats.json_text import JsonText
from rmapexplorer.formats.limits import SCRIPT_BYTES, TEXT_BYTES
from rmapexplorer.formats.perf import read_perf
from rmapexplorer.formats.reading import opened
from rmapexplorer.formats.script_session import is_script, load_script
from rmapexplorer.formats.session import Session, from_json, read_json
from rmapexplorer.formats.trace_session import is_trace, split_path, trace_session

_SNIFF_BYTES = 4096
_BOM = b"\xef\xbb\xbf"
_PERF_DATA = (b"PERFILE2", b"PERFFILE")


def load_any(
    path: str,
    progress: Progress | None = None,
    cancelled: Asked | None = None,
    settings: Mapping[str, int] | None = None,
    deep: int = 0,
) -> Session:
    """The session, script, recording, kernel trace or journal in the file, plain or gzip; FormatError says why there is none.

    ``FILE#NAME`` is one trace of a file of many. :param settings: values for the ``let`` lines of a script.
    :param deep: journals on the way here.
    """
    path, name = split_path(path)
    with opened(path) as source:
        start = source.stream.read(_SNIFF_BYTES)
        source.stream.seek(0)
        if start.startswith(_PERF_DATA):
            raise FormatError(f"{path}: is perf's binary data; run `perf script` on it and open the text it prints.")
        if is_script(start, path):
            return load_script(source.read_all(SCRIPT_BYTES, progress, cancelled), path, settings, progress, cancelled)
        if settings:
            raise FormatError(f"{path}: is no script, so that there is nothing to set in it.")
        if not start.removeprefix(_BOM).lstrip().startswith((b"{", b"[")):
            return read_perf(source, progress, cancelled)
        if is_journal(start):
            data = source.read_all(TEXT_BYTES, progress, cancelled)
        else:
            parsed = read_json(JsonText(source.chunks(progress, cancelled), path))
    if is_journal(start):
        return session_of_journal(data, path, partial(load_any, deep=deep + 1), progress, cancelled, deep)
    if is_trace(parsed):
        return trace_session(parsed, path, name)
    if name:
        raise FormatError(f"{path}: is no file of kernel traces, so that it has no {name} in it.")
    return from_json(parsed, path)
