"""A folder like a user's repository, and the commands that are typed in it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WITHOUT = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
"""Plugins that a session in a test has no use for; Hypothesis' alone takes longer to load than all the others."""
QUICK = ("--trials=2", "--min-secs=0.02", "--num-runs=5")
BENCHMARK = """
import pytest
from harness import candidates

@pytest.mark.parametrize("candidate", candidates("models"), ids=str)
{budget}def test_models(bench, candidate):
    bench(candidate)
"""


@dataclass(frozen=True)
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


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
        argv = (sys.executable, "-m", "pytest", *WITHOUT, *(QUICK if quick else ()), *args)
        return self.run(*argv, broken=broken, **env)

    def harness(self, *args: str, **env: str) -> Said:
        return self.run(str(Path(sys.executable).parent / "harness"), *args, **env)

    def homes(self) -> dict[str, str]:
        """The user's own folders."""
        return {"XDG_CACHE_HOME": str(self.folder / "cache"), "XDG_DATA_HOME": str(self.folder / "data")}

    def run(self, *argv: str, broken: bool = False, **env: str) -> Said:
        """What a command says; ``broken``: something else than the harness may show a traceback."""
        # What the pytest and the pipeline that run this test tell their processes is not for the one in the test.
        outer = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "GITHUB_"))}
        own = {**self.homes(), "COLUMNS": "80", **env}
        done = subprocess.run(argv, cwd=self.folder, capture_output=True, text=True, env=outer | own, check=False)
        for chained in () if broken else ("Traceback", "During handling of the above exception"):
            assert chained not in done.stdout + done.stderr, done.stdout + done.stderr
        return Said(done.returncode, done.stdout, done.stderr)

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
