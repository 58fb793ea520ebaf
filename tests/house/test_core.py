"""The core decides: it reads no clock, throws no dice, does no I/O, and its money is never a float."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from house import tree

CORE = (
    "types.py",
    "money.py",
    "timestamp.py",
    "events.py",
    "commands.py",
    "state.py",
    "engine.py",
    "rules",
    "market",
    "ledger",
    "strategy",
    "risk",
    "execution",
)

# (file under src/crossbook, rule) -> why this file may. An entry that is no longer needed fails.
ALLOWED = {
    ("rules/kernel.py", "io"): "finds the folder of compiled kernels, when it is imported and never after",
    ("rules/kernel.py", "division"): "joins paths",
    ("ledger/metrics.py", "float"): "statistics such as Sharpe are ratios, not money",
    ("ledger/metrics.py", "division"): "statistics such as Sharpe are ratios, not money",
}

IMPORTS = {
    "clock": {"time"},
    "chance": {"random", "secrets", "uuid"},
    "thread": {"threading", "asyncio", "multiprocessing", "concurrent", "queue", "selectors", "signal"},
    "io": {"os", "io", "pathlib", "socket", "ssl", "subprocess", "shutil", "tempfile", "logging", "urllib"}
    | {"http", "sqlite3", "mmap", "rich", "typer", "polars"},
}
CALLS = {"open": "io", "print": "io", "input": "io", "hash": "chance"}
ATTRIBUTES = {
    "random": "chance",
    "read_text": "io",
    "write_text": "io",
    "read_bytes": "io",
    "write_bytes": "io",
}


def violations(module: ast.Module) -> Iterator[tuple[str, int]]:
    """Every (rule, line) that the module breaks."""
    for node in ast.walk(module):
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Import() | ast.ImportFrom():
                for rule, banned in IMPORTS.items():
                    if banned & _imported(node):
                        yield rule, line
            case ast.Call(func=ast.Name(id=word)) if word in CALLS:
                yield CALLS[word], line
            case ast.Attribute(attr="now" | "utcnow" | "today") if _owner(node) in ("datetime", "date"):
                yield "clock", line  # `state.now` is an event's stamp
            case ast.Attribute(attr=word) if word in ATTRIBUTES:
                yield ATTRIBUTES[word], line
            case ast.Name(id="float" | "complex") | ast.Constant(value=float() | complex()):
                yield "float", line
            case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
                yield "division", line
            case ast.AsyncFunctionDef() | ast.Await() | ast.AsyncFor() | ast.AsyncWith():
                yield "await", line
            case ast.For(iter=source) | ast.comprehension(iter=source) if _is_set(source):
                yield "set order", source.lineno


def _imported(node: ast.Import | ast.ImportFrom) -> set[str]:
    """The first words of what is imported; a relative import is ours."""
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    return set() if node.level or not node.module else {node.module.split(".")[0]}


def _owner(node: ast.Attribute) -> str:
    return ast.unparse(node.value).rpartition(".")[2]


def _is_set(node: ast.expr) -> bool:
    """A set's order follows the hash seed of the process. `sorted(...)` around it gives it one."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id in ("set", "frozenset")
    return isinstance(node, ast.Set | ast.SetComp)


def _rules(path: Path) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for rule, line in violations(tree.parsed(path)):
        found.setdefault(rule, []).append(line)
    return found


@pytest.mark.parametrize("path", tree.modules(*CORE), ids=tree.name)
def test_core_module_decides_and_nothing_else(path: Path) -> None:
    inside = path.relative_to(tree.PACKAGE).as_posix()
    broken = {rule: lines for rule, lines in _rules(path).items() if (inside, rule) not in ALLOWED}
    assert not broken, f"{tree.name(path)} breaks rule: lines {broken}"


def test_every_exception_is_still_needed() -> None:
    spare = [
        (inside, rule)
        for inside, rule in ALLOWED
        if (tree.PACKAGE / inside).exists() and rule not in _rules(tree.PACKAGE / inside)
    ]
    assert not spare


def test_only_the_rim_reads_a_clock_and_the_simulator_is_seeded() -> None:
    for path in tree.modules("sim"):
        for node in ast.walk(tree.parsed(path)):
            if isinstance(node, ast.Import | ast.ImportFrom):
                assert not _imported(node) & {"time", "secrets", "uuid"}, f"{tree.name(path)}:{node.lineno}"
            match node:
                case ast.Attribute(value=ast.Name(id="random"), attr=word):
                    assert word == "Random", f"{tree.name(path)}:{node.lineno}: random.{word} has no seed"
                case ast.Attribute(value=ast.Attribute(attr="random"), attr=word):
                    seeded = ("default_rng", "Generator", "PCG64", "Philox", "SeedSequence")
                    assert word in seeded, f"{tree.name(path)}:{node.lineno}: numpy's {word} has no seed"


def test_torch_stays_in_learn() -> None:
    for path in tree.modules():
        if path.relative_to(tree.PACKAGE).parts[0] != "learn":
            for node in ast.walk(tree.parsed(path)):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    assert "torch" not in _imported(node), f"{tree.name(path)}:{node.lineno}"


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        ("import time", "clock"),
        ("from time import time_ns", "clock"),
        ("from datetime import datetime\ndatetime.now()", "clock"),
        ("import datetime\ndatetime.datetime.utcnow()", "clock"),
        ("import random", "chance"),
        ("from uuid import uuid4", "chance"),
        ("import numpy as np\nnp.random.rand()", "chance"),
        ("hash('x')", "chance"),
        ("import os", "io"),
        ("import os.path", "io"),
        ("open('x')", "io"),
        ("print('x')", "io"),
        ("import threading", "thread"),
        ("x = 0.5", "float"),
        ("x = float('1')", "float"),
        ("def f(x: float): ...", "float"),
        ("x = 1 / 2", "division"),
        ("x = 4\nx /= 2", "division"),
        ("async def f(): ...", "await"),
        ("for x in {1, 2}: ...", "set order"),
        ("[x for x in set('ab')]", "set order"),
    ],
)
def test_the_lint_itself_finds(source: str, rule: str) -> None:
    assert rule in dict(violations(ast.parse(source)))


def test_the_lint_itself_lets_pass() -> None:
    source = "from .clock import time\nage = self.state.now - 4 // 2\nfor open in sorted({1, 2}): ..."
    assert not list(violations(ast.parse(source)))
