"""Whatever the user opens: what it is, is told by its content and not by its name."""

from __future__ import annotations

from rmapexplorer.formats.errors import Asked, FormatError, Progress
from rmapexplorer.formats.perf import read_perf
from rmapexplorer.formats.reading import opened
from rmapexplorer.formats.session import FORMAT, Session, from_json, parse_json

_SNIFF_BYTES = 4096
_BOM = b"\xef\xbb\xbf"
_PERF_DATA = (b"PERFILE2", b"PERFFILE")


def load_any(path: str, progress: Progress | None = None, cancelled: Asked | None = None) -> Session:
    """The session or recording in the file, plain or gzip; FormatError says in one sentence why there is none."""
    with opened(path) as source:
        start = source.stream.read(_SNIFF_BYTES)
        source.stream.seek(0)
        if start.startswith(_PERF_DATA):
            raise FormatError(f"{path}: is perf's binary data; run `perf script` on it and open the text it prints.")
        if not start.removeprefix(_BOM).lstrip().startswith((b"{", b"[")):
            return read_perf(source, progress, cancelled)
        data = source.read_all(progress, cancelled)
    parsed = parse_json(data, path)
    if isinstance(parsed, dict) and parsed.get("format") != FORMAT and ("traces" in parsed or "steps" in parsed):
        raise FormatError(f"{path}: is a kernel trace, which this version cannot verify yet; open a session instead.")
    return from_json(parsed, path)
