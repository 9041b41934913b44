"""A team's week of pull requests in a repository of their own, with the wheel installed: each ends with one exit code.

The process, the terminal, summary.md, results.json, the index and the history tell the same one.
"""

import json
import os
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.made_graphs import Graph, Made, Op, constant, model
from support.own_lease import own_lease

BENCHMARK = """
import pytest
from harness import candidates

@pytest.mark.parametrize("candidate", candidates("models/{name}.tflite"{more}), ids=str)
def test_{name}(bench, candidate):
    bench(candidate)
"""
CONFTEST = """
import os
import signal

def pytest_addoption(parser):
    parser.addoption("--seed", default="theirs")

def pytest_runtest_setup(item):
    if "stream" in item.nodeid and os.environ.get("CANCELLED"):
        os.kill(os.getpid(), signal.SIGINT)
"""
BUDGETS = """
[desk.points]
model_size_regression = "5 %"
accuracy_regression = "2 pt"
[desk.stream]
latency_p50_regression = "200 %"
"""
SETTINGS = """
[tool.harness]
device = "desk"
min-secs = 0.02
num-runs = 5
time-limit = 60
"""
WIDE = 128


def points(threshold: float, *, unread_bytes: int = 2000) -> bytes:
    """A classifier of points, right where its threshold is one half, with bytes that nobody reads."""
    tensors = {
        "x": Made((1, 4)),
        "w": constant(np.array([[-1, 0, 0, 0], [1, 0, 0, 0]], np.float32)),
        "b": constant(np.array([threshold, -threshold], np.float32)),
        "out": Made((1, 2)),
    }
    return model(Graph(tensors, [Op("FULLY_CONNECTED", ["x", "w", "b"], ["out"])], ["x"], ["out"])) + bytes(
        unread_bytes
    )


def stream(layers: int) -> bytes:
    """Layers that share their weights, so that the file hardly grows with their number."""
    names = ["x", *(f"h{number}" for number in range(1, layers)), "out"]
    tensors = {name: Made((1, WIDE)) for name in names} | {"w": constant(np.eye(WIDE, dtype=np.float32))}
    layer = [Op("FULLY_CONNECTED", [one, "w", ""], [other]) for one, other in pairwise(names)]
    return model(Graph(tensors, layer, ["x"], ["out"]))


def labelled() -> dict[str, Any]:
    """Points and their classes, evenly spread."""
    values = np.random.default_rng(7).random((600, 4)).astype(np.float32)
    values[:, 0] = np.linspace(0.0005, 0.9995, 600)
    order = np.random.default_rng(8).permutation(600)
    values = values[order]
    labels = (values[:, 0] > 0.5).astype(np.int64)
    return {"train_x": values[:200], "train_y": labels[:200], "test_x": values[200:], "test_y": labels[200:]}


@dataclass(frozen=True)
class Ended:
    """How a job ended: its exit code, its terminal, its results."""

    code: int
    out: str
    results: dict[str, Any]

    @property
    def words(self) -> str:
        return " ".join(self.out.split())

    def tells(self, metric: str, candidate: str) -> bool:
        """Whether an arrow stands below the candidate's figure of a metric, which is not what it was."""
        lines = self.out.splitlines()
        at = next(at for at, line in enumerate(lines) if line.startswith(f"{candidate} "))
        head = next(line for line in reversed(lines[:at]) if " p50 " in line)
        below = lines[at + 1][: head.index(metric) + len(metric)]
        return re.search(r" [▲▼] [\d.]+ (%|pt)$", below) is not None

    def entry(self, candidate: str) -> dict[str, Any]:
        (found,) = (entry for entry in self.results["entries"] if entry["candidate"] == candidate)
        return dict(found)


@dataclass(frozen=True)
class Team:
    """The team's repository, its environment with the installed wheel, and the home of its runner."""

    folder: Path
    bin: Path
    home: Path

    def write(self, name: str, content: str | bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def git(self, *arguments: str) -> None:
        identity = ("-c", "user.name=team", "-c", "user.email=team@localhost")
        subprocess.run(["git", *identity, *arguments], cwd=self.folder, check=True, capture_output=True)

    def request(self, **files: str | bytes | None) -> None:
        """A branch from main with files changed; "__" is a slash, the last "_" the ending, None takes a file away."""
        self.git("checkout", "--quiet", "-B", "change", "main")
        for name, content in files.items():
            path = ".".join(name.replace("__", "/").rsplit("_", 1))
            if content is None:
                (self.folder / path).unlink()
            else:
                self.write(path, content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", "a change")

    def job(self, *arguments: str, wiped: bool = True, **env: str) -> Ended:
        """Measure what is checked out, in a checkout that was wiped; every place must tell the same exit code."""
        if wiped:
            self.git("clean", "-ffdx")
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PYTEST", "GITHUB"))}
        homes = {"XDG_CACHE_HOME": str(self.home / "cache"), "XDG_DATA_HOME": str(self.home / "data")}
        done = subprocess.run(
            [str(self.bin / "python"), "-m", "pytest", "benchmarks", "tests", "--seed=theirs", *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            env=clean | homes | {"COLUMNS": "80"} | env,
            check=False,
        )
        assert "INTERNALERROR" not in done.stdout, done.stdout
        reports = self.folder / "reports"
        results = json.loads((reports / "latest/results.json").read_text(encoding="utf-8"))
        assert self.told(done.stdout, results) == dict.fromkeys(self.told(done.stdout, results), done.returncode)
        return Ended(done.returncode, done.stdout, results)

    def told(self, out: str, results: dict[str, Any]) -> dict[str, int]:
        """The exit code as each place has it."""
        run, reports = results["run"], self.folder / "reports"
        summary = (reports / "latest/summary.md").read_text(encoding="utf-8")
        lines = map(json.loads, (reports / "index.jsonl").read_text(encoding="utf-8").splitlines())
        (database,) = (self.home / "data/edge-harness/history").glob("*.db")
        with closing(sqlite3.connect(database)) as history:
            ((kept,),) = history.execute("select exit_code from runs where id = ?", (run["id"],))
        return {
            "terminal": int(re.findall(r"exit code (\d+):", " ".join(out.split()))[-1]),
            "summary": int(re.findall(r"[Ee]xit code (\d+):", summary)[0]),
            "results": run["exit_code"],
            "index": next(line["exit_code"] for line in lines if line["id"] == run["id"]),
            "history": kept,
        }


@pytest.fixture(scope="module")
def team(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """A repository with two models, an origin, and nothing of ours but the wheel."""
    home = tmp_path_factory.mktemp("team")
    folder = home / "repository"
    folder.mkdir()
    found = Team(folder, installed, home)
    found.git("init", "--quiet", "--initial-branch=main")
    found.write("pyproject.toml", SETTINGS)
    found.write(".gitignore", "__pycache__/\n.pytest_cache/\nreports/\n")
    found.write("devices/desk.toml", 'extends = "local"\ndescription = "the team\'s own machine"\n')
    found.write("benchmarks/conftest.py", CONFTEST)
    found.write("benchmarks/budgets.toml", BUDGETS)
    found.write("benchmarks/test_points.py", BENCHMARK.format(name="points", more=', data="points.npz"'))
    found.write("benchmarks/test_stream.py", BENCHMARK.format(name="stream", more=""))
    found.write("benchmarks/models/points.tflite", points(0.45))
    found.write("benchmarks/models/stream.tflite", stream(3))
    np.savez(folder / "benchmarks/points.npz", **labelled())
    found.write("tests/test_app.py", "def test_app():\n    assert True\n")
    found.git("add", "--all")
    found.git("commit", "--quiet", "-m", "first")
    found.git("clone", "--quiet", "--bare", ".", str(home / "origin.git"))
    found.git("remote", "add", "origin", str(home / "origin.git"))
    found.git("fetch", "--quiet", "origin")
    with own_lease():
        yield found


BASE = "--baseline=origin/main"


def test_one_that_changes_no_model_measures_nothing_and_passes(team: Team) -> None:
    team.request(README_md="# Ours\n")
    ended = team.job(BASE)
    assert ended.code == 0, ended.out
    assert {entry["baseline"]["state"] for entry in ended.results["entries"]} == {"identical"}


def test_one_that_is_slower_fails(team: Team) -> None:
    team.request(benchmarks__models__stream_tflite=stream(60))
    ended = team.job(BASE)
    assert ended.code == 1, ended.out
    assert ended.entry("stream")["status"] == "FAIL"
    assert "latency_p50" in ended.entry("stream")["reason"]
    assert ended.entry("points")["status"] == "PASS"


def test_one_that_is_slimmer_passes_and_says_so(team: Team) -> None:
    team.request(benchmarks__models__points_tflite=points(0.45, unread_bytes=0))
    ended = team.job(BASE)
    assert ended.code == 0, ended.out
    assert ended.tells("size", "points")


@pytest.mark.parametrize(("threshold", "code"), [(0.5, 0), (0.35, 1)], ids=["more", "less"])
def test_what_accuracy_is_gained_or_lost_is_told_and_judged(team: Team, threshold: float, code: int) -> None:
    team.request(benchmarks__models__points_tflite=points(threshold))
    ended = team.job(BASE)
    assert ended.code == code, ended.out
    assert ended.entry("points")["status"] == ("FAIL" if code else "PASS")
    assert ended.tells("accuracy", "points")


def test_one_whose_own_test_fails_is_red_though_every_limit_holds(team: Team) -> None:
    team.request(tests__test_app_py="def test_app():\n    assert 1 == 2\n")
    ended = team.job(BASE)
    assert ended.code == 1, ended.out
    assert {entry["status"] for entry in ended.results["entries"]} == {"PASS"}
    assert "1 test failed by itself: tests/test_app.py::test_app" in ended.words


def test_one_that_takes_the_limits_away_says_that_nothing_is_limited(team: Team) -> None:
    team.request(benchmarks__budgets_toml=None)
    ended = team.job(BASE)
    assert ended.code == 0, ended.out
    assert "no entry has a limit" in ended.words


def test_a_job_that_is_cancelled_says_so_and_goes_on_where_it_was(team: Team) -> None:
    team.request(NEWS_md="more\n")
    ended = team.job(BASE, CANCELLED="1")
    assert ended.code == 2, ended.out
    assert "interrupted: 1 of 2 measured" in ended.words
    resumed = team.job(BASE, "--resume=reports/latest", wiped=False)
    assert resumed.code == 0, resumed.out
    assert resumed.results["run"]["id"] == ended.results["run"]["id"]
    assert [entry["candidate"] for entry in resumed.results["entries"]] == ["points", "stream"]


def test_main_skips_limits_on_regressions_and_says_so(team: Team) -> None:
    team.git("checkout", "--quiet", "main")
    ended = team.job()
    assert ended.code == 0, ended.out
    assert "skipped" in ended.words
    database = next((team.home / "data/edge-harness/history").glob("*.db"))
    with closing(sqlite3.connect(database)) as history:
        ((runs,),) = history.execute("select count(*) from runs")
    assert runs >= 1
