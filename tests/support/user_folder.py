"""A folder like a user's repository, and the commands that are typed in it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.commands import HARNESS, Said, outer_environment, run_here, run_started
from support.warm import is_fit, run_warm

WITHOUT = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
"""Plugins that a session in a test has no use for; Hypothesis' alone takes longer to load than all the others."""
SESSIONS = ("run", "selftest", "build", "board", "demo")
"""Commands that measure, build or hold a link."""
QUICK = ("--trials=2", "--min-secs=0.02", "--num-runs=5")
BENCHMARK = """
import pytest
from harness import candidates

@pytest.mark.parametrize("candidate", candidates("models"), ids=str)
{budget}def test_models(bench, candidate):
    bench(candidate)
"""


@dataclass(frozen=True)
class Place:
    """A folder like a user's repository, with a cache of its own."""

    folder: Path

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def benchmark(self, budget: str = "") -> None:
        marker = f"@pytest.mark.budget({budget})\n" if budget else ""
        self.write("test_bench.py", BENCHMARK.format(budget=marker))

    def pytest(self, *args: str, quick: bool = True, broken: bool = False, **env: str) -> Said:
        """A session of pytest, in a fork of the warm process."""
        return self._warm("pytest", (*WITHOUT, *(QUICK if quick else ()), *args), broken=broken, **env)

    def harness(self, *args: str, **env: str) -> Said:
        """A command: in this process, or where it measures or builds in a fork of the warm one."""
        if args and args[0] in SESSIONS:
            return self._warm("harness", args, **env)
        return _checked(run_here(args, self.folder, self._environment(env)))

    def homes(self) -> dict[str, str]:
        """The user's own folders."""
        return {"XDG_CACHE_HOME": str(self.folder / "cache"), "XDG_DATA_HOME": str(self.folder / "data")}

    def run(self, *argv: str, broken: bool = False, **env: str) -> Said:
        """What a process says that is started; ``broken``: something else than the harness may show a traceback."""
        return _checked(run_started(*argv, cwd=self.folder, env=self._environment(env)), broken=broken)

    def _warm(self, program: str, args: Sequence[str], *, broken: bool = False, **env: str) -> Said:
        environment = self._environment(env)
        if is_fit(environment):
            return _checked(run_warm(program, args, self.folder, environment), broken=broken)
        argv = (sys.executable, "-m", "pytest") if program == "pytest" else (HARNESS,)
        return _checked(run_started(*argv, *args, cwd=self.folder, env=environment), broken=broken)

    def _environment(self, env: Mapping[str, str]) -> dict[str, str]:
        return outer_environment() | self.homes() | {"COLUMNS": "80"} | dict(env)

    def results(self) -> dict[str, Any]:
        text = (self.folder / "reports" / "latest" / "results.json").read_text(encoding="utf-8")
        return dict(json.loads(text))

    def statuses(self) -> list[str]:
        return [entry["status"] for entry in self.results()["entries"]]


def run(*argv: str | Path, cwd: Path, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PYTEST"))}
    done = subprocess.run(
        [str(part) for part in argv], cwd=cwd, capture_output=True, text=True, env={**clean, **env}, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def _checked(said: Said, *, broken: bool = False) -> Said:
    for chained in () if broken else ("Traceback", "During handling of the above exception"):
        assert chained not in said.text, said.text
    return said
