"""Scenario scripts as files: a script becomes a session, and a session a script.

A script (.rmaps) is told by its content: its first line is ``# rmapexplorer script``, or the first line that says
anything begins with a word of the language. What the kernel is to choose (``at any``) is chosen by running the
script in the worlds of its designs; what comes out is a log like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from rmapexplorer.core.operations import Mmap, Mremap, Operation
from rmapexplorer.core.resolve import resolve
from rmapexplorer.core.units import KernelError, Machine
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import USUAL, design_named, world_key
from rmapexplorer.formats.errors import Asked, Cancelled, FormatError, Progress
from rmapexplorer.formats.limits import SCRIPT_LINES
from rmapexplorer.formats.outline import Note
from rmapexplorer.formats.reading import GARBAGE_LATER
from rmapexplorer.formats.script import WORDS, Program, Reader, Run, expand
from rmapexplorer.formats.script_cursor import Fault, ScriptError, nearest, quoted
from rmapexplorer.formats.script_heads import HEADS, MACHINE
from rmapexplorer.formats.script_operations import print_operation
from rmapexplorer.formats.script_slots import ANY
from rmapexplorer.formats.session import Session, write_file

SUFFIX = ".rmaps"
MAGIC = "# rmapexplorer script"
LINES_BETWEEN_ASKING = 2000
_EVENT = re.compile(r"\s[0-9]+\.[0-9]{3,}:\s")
# the time of an event, as perf script prints it


def is_script(start: bytes, path: str = "") -> bool:
    """Whether a file that begins like this is a script."""
    text = start.decode("utf-8-sig", "replace")
    if path.endswith(SUFFIX) or text.startswith(MAGIC):
        return True
    for line in text.splitlines():
        word = line.partition("#")[0].split(maxsplit=1)[:1]
        if word:
            return word[0] in WORDS and not _EVENT.search(line)
    return False


def load_script(
    data: bytes,
    path: str,
    settings: Mapping[str, int] | None = None,
    progress: Progress | None = None,
    cancelled: Asked | None = None,
) -> Session:
    """The session of a script; FormatError says in one sentence what is wrong with it, and where.

    :param settings: values for its ``let`` lines instead of those they have.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: is no text (byte {error.start}); choose another file.") from error
    run = Run(settings=settings or {})
    operations: list[Operation] = []
    lines: list[int] = []
    with GARBAGE_LATER:
        program = _program(text, path, progress, cancelled)
        _check_settings(program, run.settings, path)
        try:
            for step, (line, op) in enumerate(expand(program, run)):
                if op is not None:
                    operations.append(op)
                    lines.append(line)
                if step % LINES_BETWEEN_ASKING == 0:
                    _ask(cancelled)
        except ScriptError as error:
            raise _trouble(path, error.fault) from error
    session = session_of(run, operations, path, text)
    return _decided(session, lines, path, progress, cancelled)


def _program(text: str, path: str, progress: Progress | None, cancelled: Asked | None) -> Program:
    reader, count = Reader(), text.count("\n") + 1
    if count > SCRIPT_LINES:
        raise FormatError(f"{path}: has {count:,} lines, a script has at most {SCRIPT_LINES:,}; use repeat.")
    lines = text.split("\n")
    for number, line in enumerate(lines):
        reader.feed(line)
        if reader.full:
            break
        if number % LINES_BETWEEN_ASKING == 0:
            _ask(cancelled)
            if progress is not None:
                progress(number, len(lines))
    program = reader.end()
    if program.faults:
        raise _trouble(path, program.faults[0], len(program.faults) - 1)
    return program


def _ask(cancelled: Asked | None) -> None:
    if cancelled is not None and cancelled():
        raise Cancelled


def _trouble(path: str, fault: Fault, more: int = 0) -> FormatError:
    behind = f" ({more} more fault{'s' if more > 1 else ''} behind it)" if more else ""
    return FormatError(f"{path}, {fault}{behind}{'' if not more and fault.text.endswith('?') else '.'}")


def _check_settings(program: Program, settings: Mapping[str, int], path: str) -> None:
    for name in settings:
        if name not in program.lets:
            meant = nearest(name, program.lets)
            hint = f"; did you mean '{meant}'?" if meant else f"; it has {', '.join(sorted(program.lets)) or 'none'}."
            raise FormatError(f"{path}: has no line 'let {name} = ...' that could be set{hint}")


def session_of(run: Run, operations: Sequence[Operation], path: str | None, text: str) -> Session:
    """The session of a script that was expanded; places may still be undecided."""
    said = {statement.what.word: values for statement, values in run.heads}  # type: ignore[union-attr]
    machine = dict(said.get("machine", {}))
    files = {values["file"]: values["pages"] for _, values in run.heads if "file" in values}
    processes = {values["pid"]: values["comm"] for _, values in run.heads if "comm" in values}
    designs = said.get("designs", {}).get("designs") or tuple((design.key, {}) for design in USUAL)
    last = designs[-1]
    select = said.get("select")
    return Session(
        title=said.get("title", {}).get("title", _stem(path)),
        machine=Machine(**machine, **said.get("calls", {}), files=files, processes=tuple(processes.items())),
        designs=designs,
        operations=tuple(operations),
        position=len(operations),
        view=said.get("view", {}).get("view", world_key(*last)),
        notes=tuple(Note(position, words) for position, words, _ in run.marks),
        selection=(select["pid"], select["vpn"]) if select else None,
        path=path,
        script=text,
    )


def _stem(path: str | None) -> str:
    return re.sub(r"\.rmaps$|\.txt$", "", re.split(r"[\\/]", path)[-1]) if path else "script"


def _decided(
    session: Session, lines: Sequence[int], path: str, progress: Progress | None, cancelled: Asked | None
) -> Session:
    # the same session with every place chosen, by running it up to the last one that is not
    open_ones = [index for index, op in enumerate(session.operations) if has_free_place(op)]
    if not open_ones:
        return session
    worlds = [World(design_named(_name(key, options)), session.machine) for key, options in session.designs]
    done: list[Operation] = []
    for index, op in enumerate(session.operations[: open_ones[-1] + 1]):
        try:
            chosen = resolve(op, worlds) if has_free_place(op) else op
        except KernelError as error:
            raise FormatError(
                f"{path}, line {lines[index]}: {error.rule} ({error.errno}); correct the line."
            ) from error
        for world in worlds:
            world.apply(chosen)
        done.append(chosen)
        if index % 64 == 0:
            _ask(cancelled)
            if progress is not None:
                progress(index, len(session.operations))
    return attrs.evolve(session, operations=(*done, *session.operations[len(done) :]))


def has_free_place(op: Operation) -> bool:
    """Whether the kernel is to choose where the operation puts its pages."""
    return (isinstance(op, Mmap) and op.span.start == ANY) or (isinstance(op, Mremap) and op.to == ANY)


def _name(key: str, options: Mapping[str, str]) -> str:
    words = ",".join(f"{name}={value}" for name, value in options.items())
    return f"{key}:{words}" if words else key


# -- writing ------------------------------------------------------------------------------------------


def head_lines(session: Session) -> list[str]:
    """The lines that say what a session runs on."""
    lines = [MAGIC, f"title {quoted(session.title)}"]
    if session.designs:
        lines.append("designs " + " ".join(_name(key, options) for key, options in session.designs))
    if session.machine.calls != Machine().calls:
        lines.append(f"calls {session.machine.calls}")
    lines += _machine_lines(session.machine)
    if session.view:
        lines.append(f"view {session.view}")
    if session.selection is not None and session.selection[0]:
        pid, vpn = session.selection
        lines.append(f"select {pid}{f' {vpn:x}' if vpn >= 0 else ''}")
    return lines


def _machine_lines(machine: Machine) -> list[str]:
    words = []
    for word, (name, kind) in MACHINE.items():
        value = getattr(machine, name)
        if value is not None and value != getattr(Machine(), name):
            words.append(f"{word}={value if kind is not None else quoted(value)}")
    lines = [f"machine {' '.join(words)}"] if words else []
    lines += [f"file {quoted(name)} pages {pages}" for name, pages in machine.files.items()]
    lines += [f"process {pid}{f' {quoted(comm)}' if comm else ''}" for pid, comm in machine.processes]
    return lines


def script_lines(session: Session) -> Iterator[str]:
    """The script of the current branch of a session, line by line: what it runs on, operations, bookmarks."""
    yield from head_lines(session)
    yield ""
    notes: dict[int, list[str]] = {}
    for note in session.notes:
        if getattr(note, "branch", "") in ("", session.branch):
            notes.setdefault(note.position, []).append(note.text)
    yield from marked(notes, 0)
    for position, index in enumerate(session.line(), 1):
        yield print_operation(session.operations[index])
        yield from marked(notes, position)


def marked(notes: Mapping[int, Sequence[str]], position: int) -> Iterator[str]:
    """The bookmark lines of a position."""
    for text in notes.get(position, ()):
        yield f"mark {quoted(text)}"


def to_script(session: Session) -> str:
    """The whole script of a session."""
    return "".join(f"{line}\n" for line in script_lines(session))


def write_script(lines: Iterable[str], path: str) -> None:
    """Write the lines as a file; FormatError in one sentence where it cannot be."""
    write_file("".join(f"{line}\n" for line in lines).encode("utf-8", "replace"), path)


def has_heads(program: Program) -> bool:
    """Whether a text says itself what it runs on."""
    return any(getattr(statement.what, "word", "") in HEADS for statement in program.statements)
