"""Which Pythons tests are run on: found on PATH or among pyenv's, those that are not there named in the last line."""

import os
import re
import sys
from pathlib import Path

import pytest
from pythons import pythons

ROOT = pythons.ROOT


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with no Python on PATH and none of pyenv's."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    return tmp_path


def interpreter(path: Path, version: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {version}\n" if version else "#!/bin/sh\nexit 127\n")
    path.chmod(0o755)
    return path


def test_one_on_path_that_starts_is_found(nowhere: Path) -> None:
    assert pythons.find_interpreter("3.7") is None
    there = interpreter(nowhere / "bin" / "python3.7", "3.7")
    assert pythons.find_interpreter("3.7") == there


@pytest.mark.parametrize("shim", ["", "3.8"])
def test_a_shim_that_leads_nowhere_or_elsewhere_is_passed_over_for_pyenv_s_newest(nowhere: Path, shim: str) -> None:
    interpreter(nowhere / "bin" / "python3.7", shim)
    for patch in ("3.7.9", "3.7.16"):
        newest = interpreter(nowhere / "pyenv" / "versions" / patch / "bin" / "python", "3.7")
    interpreter(nowhere / "pyenv" / "versions" / "3.17.1" / "bin" / "python", "3.17")
    assert pythons.find_interpreter("3.7") == newest


def test_what_a_machine_lacks_is_the_last_line(nowhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert pythons.main([]) == 0
    others = ", ".join(one.version for one in pythons.PYTHONS if one.version != own)
    assert capsys.readouterr().out == f"not on this machine: Python {others}\n"


def test_each_python_of_the_harness_is_in_the_project_and_those_of_boards_begin_with_the_agent_s() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    (oldest,) = re.findall(r'requires-python = ">=(.+)"', project)
    assert next(one.version for one in pythons.PYTHONS if one.harness) == oldest
    assert pythons.PYTHONS[0].version == "3.7"
    assert {one.runtime for one in pythons.PYTHONS if not one.harness} == {"tflite", "litert"}


def test_the_environments_are_not_part_of_the_repository() -> None:
    assert pythons.ENVIRONMENTS.is_relative_to(ROOT / ".venv")
    assert os.fspath(ROOT / "constraints.txt") in pythons.HARNESS
