"""`./run`: teaches when asked nothing, stops in one line when it cannot go on, and knows when it is ready."""

import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest
from house import tree

RUN = tree.ROOT / "run"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, in a copy of its surroundings without `.venv`."""
    for name in ("run", "pyproject.toml", "requirements.lock", "requirements-test.lock"):
        (tmp_path / name).write_text((tree.ROOT / name).read_text())
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loader = SourceFileLoader("run", str(tmp_path / "run"))
    spec = spec_from_loader("run", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def _filled(run: ModuleType, lock: str) -> None:
    run.BIN.mkdir(parents=True, exist_ok=True)
    run.PYTHON.write_text("")
    run.stamp(lock).write_text(run.fingerprint(lock))


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_alone_it_teaches(arguments: list[str]) -> None:
    done = subprocess.run([sys.executable, RUN, *arguments], capture_output=True, text=True, check=True)
    assert "./run demo" in done.stdout
    assert "./run test" in done.stdout
    assert not done.stderr


def test_an_old_python_is_told_so_in_one_line(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    with pytest.raises(SystemExit) as stopped:
        run.main("demo")
    said = capsys.readouterr()
    assert stopped.value.code == 2
    assert said.err == "run: crossbook needs Python 3.11 or newer, and this is 3.10\n"
    assert said.out == ""


def test_a_failing_install_is_told_in_a_line(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _filled(run, "python")
    monkeypatch.setattr(run, "attempt", lambda command: "" if "venv" in command else "ERROR: no network")
    with pytest.raises(SystemExit) as stopped:
        run.set_up(run.DESK)
    said = capsys.readouterr()
    assert stopped.value.code == 2
    assert said.err.splitlines()[-1] == "run: installing requirements.lock failed: ERROR: no network"
    assert said.out == ""
    assert not run.ready(run.DESK)


def test_attempt_gives_the_reason(run: ModuleType) -> None:
    fails = "print('collecting'); print('ERROR: hash mismatch'); print('bye'); raise SystemExit(1)"
    assert run.attempt([sys.executable, "-c", "print('fine')"]) == ""
    assert run.attempt([sys.executable, "-c", fails]) == "ERROR: hash mismatch"
    assert run.attempt([sys.executable, "-c", "raise SystemExit(3)"]) == "exit status 3"


@pytest.mark.parametrize("change", ["requirements.lock", "pyproject.toml", "run"])
def test_a_change_of_what_decides_the_contents_means_set_up_again(run: ModuleType, change: str) -> None:
    assert not run.ready(run.DESK)
    _filled(run, run.DESK)
    assert run.ready(run.DESK)
    assert not run.ready(run.TEST)
    path = run.ROOT / change
    path.write_text(path.read_text() + "\n")
    assert not run.ready(run.DESK)


def test_the_test_environment_serves_the_desk(run: ModuleType) -> None:
    _filled(run, run.TEST)
    assert run.ready(run.DESK)


def test_another_python_means_set_up_again(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    _filled(run, run.DESK)
    monkeypatch.setattr(sys, "version", "3.99.0 (main)")
    assert not run.ready(run.DESK)
