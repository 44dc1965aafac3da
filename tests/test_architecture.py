"""The rules that keep the project readable: who may know Qt, how long things get, what has to be explained.

The layers themselves are import-linter's job (pyproject.toml).
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "rmapexplorer").rglob("*.py"))
MAX_FILE_LINES = 450
MAX_FUNCTION_LINES = 60
MAX_ARCHITECTURE_LINES = 150
TOP_LEVEL = {
    *("rmapexplorer", "resources", "tests", "packaging", "pyproject.toml", ".ci", ".gitignore"),
    *("README.md", "ARCHITECTURE.md", "CHANGELOG.md", "LICENSE"),
}

IMPORT_ALL = """
import importlib, pkgutil, sys

for name in ("PySide6", "shiboken6", "pyqtgraph"):
    sys.modules[name] = None
import rmapexplorer

def names(path, prefix):
    for module in pkgutil.iter_modules(path, prefix):
        if module.name in ("rmapexplorer.gui", "rmapexplorer.__main__"):
            continue
        yield module.name
        if module.ispkg:
            yield from names(importlib.import_module(module.name).__path__, module.name + ".")

for name in names(rmapexplorer.__path__, "rmapexplorer."):
    importlib.import_module(name)
    print(name)
"""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_everything_but_the_gui_is_imported_without_qt() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "rmapexplorer.engine.frames" in done.stdout.split()


def test_every_module_says_what_it_is() -> None:
    assert MODULES
    assert [_name(p) for p in MODULES if not ast.get_docstring(_tree(p))] == []


def test_files_are_short() -> None:
    lines = {_name(p): len(p.read_text(encoding="utf-8").splitlines()) for p in MODULES}
    assert {name: n for name, n in lines.items() if n > MAX_FILE_LINES} == {}


def test_functions_are_short() -> None:
    long = {
        f"{_name(path)}:{node.lineno} {node.name}": _lines(node)
        for path in MODULES
        for node in ast.walk(_tree(path))
        if isinstance(node, Function) and _lines(node) > MAX_FUNCTION_LINES
    }
    assert long == {}


def _lines(node: Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_the_public_names_of_core_and_designs_are_explained() -> None:
    trees = {p: _tree(p) for part in ("core", "designs") for p in sorted((ROOT / "rmapexplorer" / part).rglob("*.py"))}
    classes = [node for tree in trees.values() for node in tree.body if isinstance(node, ast.ClassDef)]
    explained = {f.name for c in classes for f in _public(c) if ast.get_docstring(f)}
    silent = [f"{_name(p)}:{n.lineno} {n.name}" for p, tree in trees.items() for n in _silent(tree, explained)]
    assert silent == []


def _public(parent: ast.Module | ast.ClassDef) -> Iterator[Function | ast.ClassDef]:
    for node in parent.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and not node.name.startswith("_"):
            yield node


def _silent(tree: ast.Module, explained: set[str]) -> Iterator[Function | ast.ClassDef]:
    """Public names without a docstring; an override in a subclass inherits the one of the hook it overrides."""
    for node in _public(tree):
        if not ast.get_docstring(node):
            yield node
        if isinstance(node, ast.ClassDef):
            inherited = explained if node.bases else set()
            yield from (f for f in _public(node) if not ast.get_docstring(f) and f.name not in inherited)


def test_the_top_level_stays_short() -> None:
    assert _top_level() - TOP_LEVEL == set()


def _top_level() -> set[str]:
    """What git knows or would add; without git, what is there and not a cache."""
    if not (ROOT / ".git").exists():
        return {n for n in os.listdir(ROOT) if not n.startswith((".venv", ".pytest", ".mypy", ".ruff", ".hypothesis"))}
    command = ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60)
    return {line.strip('"').split("/")[0] for line in listed.stdout.splitlines()}


def test_the_architecture_page_stays_short() -> None:
    page = ROOT / "ARCHITECTURE.md"
    if not page.exists():
        pytest.skip("there is no ARCHITECTURE.md yet")
    assert len(page.read_text(encoding="utf-8").splitlines()) < MAX_ARCHITECTURE_LINES
