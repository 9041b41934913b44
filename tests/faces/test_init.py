"""What ``harness init`` writes works: its workflow, run step by step, is green at first and red for what is slower."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faces.conftest import Place
from faces.test_docs_workflows import FORK_RULE, PINNED, executable, parsed, tool
from support.made_graphs import Graph, Made, Op, constant, model

WORKFLOW = ".github/workflows/benchmarks.yml"
WRITTEN = {
    ".gitignore",
    WORKFLOW,
    "benchmarks/budgets.toml",
    "benchmarks/models/keyword_spotting.tflite",
    "benchmarks/test_models.py",
    "devices/ci-runner.toml",
}
# Stands for a runner's python3: the environment that it makes is the one of this test.
_PYTHON = '#!/bin/sh\nmkdir -p "$(dirname "$3")"\nln -sfn "{environment}" "$3"\n'
_WIDE, _LAYERS = 64, 300


def slow_model() -> bytes:
    """A network of many layers with shared weights: a smaller file than the shipped model, and more to compute."""
    names = ["x", *(f"h{number}" for number in range(1, _LAYERS)), "out"]
    tensors = {name: Made((1, _WIDE)) for name in names} | {"w": constant(np.eye(_WIDE, dtype=np.float32))}
    layers = [Op("FULLY_CONNECTED", [one, "w", ""], [other]) for one, other in pairwise(names)]
    return model(Graph(tensors, layers, ["x"], ["out"]))


@dataclass(frozen=True)
class Job:
    """How a job of the workflow ended: which step failed, and what the steps printed."""

    failed: str | None
    out: str


@dataclass(frozen=True)
class Repository:
    """A user's repository, and its workflow as a runner goes through it."""

    place: Place
    runner: Path

    def git(self, *arguments: str) -> None:
        identity = ("-c", "user.name=me", "-c", "user.email=me@localhost")
        subprocess.run(["git", *identity, *arguments], cwd=self.place.folder, check=True, capture_output=True)

    def commit(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def workflow(self) -> Any:
        return parsed((self.place.folder / WORKFLOW).read_text(encoding="utf-8"))

    def bench(self, event: str) -> Job:
        """The steps of the job that measures, one after the other until one fails."""
        out = ""
        for step in self.workflow()["jobs"]["bench"]["steps"]:
            if "run" not in step:
                assert PINNED.fullmatch(step["uses"])
                continue
            done = self.step(step["run"], GITHUB_EVENT_NAME=event)
            out += done.stdout + done.stderr
            if done.returncode:
                return Job(step["name"], out)
        return Job(None, out)

    def gate(self, bench: Job) -> int:
        (step,) = self.workflow()["jobs"]["gate"]["steps"]
        return self.step(step["run"], MEASURED="failure" if bench.failed else "success").returncode

    def step(self, script: str, **told: str) -> subprocess.CompletedProcess[str]:
        outer = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "PYTEST_"))}
        own = {
            "PATH": f"{self.runner / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "RUNNER_TOOL_CACHE": str(self.runner / "tools"),
            "GITHUB_REPOSITORY_ID": "7",
            **self.place.homes(),
            **told,
        }
        command = ["bash", "-e", "-c", script]
        return subprocess.run(
            command, cwd=self.place.folder, env=outer | own, capture_output=True, text=True, check=False
        )


@pytest.fixture
def repository(tmp_path: Path, leased: None) -> Repository:
    """An empty repository on its main branch, and a runner."""
    place, runner = Place(tmp_path / "project"), tmp_path / "runner"
    place.folder.mkdir()
    executable(runner / "bin/python3", _PYTHON.format(environment=Path(sys.executable).parents[1]))
    made = Repository(place, runner)
    made.git("init", "--quiet", "--initial-branch=main")
    place.write(".git/info/exclude", "cache\ndata\n")
    return made


def test_the_workflow_is_green_at_the_first_push_and_red_for_a_planted_slowdown(repository: Repository) -> None:
    said = repository.place.harness("init")
    assert said.code == 0, said.text
    repository.commit("Benchmarks")
    repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
    first = repository.bench("push")
    assert (first.failed, repository.gate(first)) == (None, 0), first.out
    assert repository.place.statuses() == ["PASS"]

    repository.git("checkout", "--quiet", "-b", "slower")
    (repository.place.folder / "benchmarks/models/keyword_spotting.tflite").write_bytes(slow_model())
    repository.commit("A slower model")
    second = repository.bench("pull_request")
    assert (second.failed, repository.gate(second)) == ("benchmarks", 1), second.out
    (entry,) = repository.place.results()["entries"]
    statuses = {(one["metric"], one["gate"]): one["status"] for one in entry["findings"]}
    assert statuses[("latency_p50", "regression")] == "FAIL"
    assert set(statuses.values()) == {"FAIL", "PASS"}


def test_a_pull_request_that_brings_the_first_benchmarks_is_green(repository: Repository) -> None:
    repository.place.write("README.md", "# Mine\n")
    repository.commit("Nothing is measured yet")
    repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
    repository.git("checkout", "--quiet", "-b", "benchmarks")
    assert repository.place.harness("init").code == 0
    repository.commit("Benchmarks")
    job = repository.bench("pull_request")
    assert (job.failed, repository.gate(job)) == (None, 0), job.out
    assert repository.place.results()["entries"][0]["baseline"]["state"] == "new"


def test_what_init_says_to_type_begins_a_repository_where_there_is_none(place: Place) -> None:
    said = place.harness("init")
    assert said.code == 0, said.text
    typed = [line.strip() for line in said.out.splitlines() if line.startswith("  git ")]
    remote = place.folder.parent / "remote.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(remote)], check=True)
    names = {f"GIT_{who}_{what}": "me@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    for line in typed:
        command = line.replace("URL", str(remote))
        subprocess.run(
            ["bash", "-e", "-c", command], cwd=place.folder, env=os.environ | names, check=True, capture_output=True
        )
    assert (
        subprocess.check_output(["git", "-C", str(remote), "log", "--format=%s", "main"], text=True) == "Benchmarks\n"
    )
    again = place.harness("init")
    assert "  git add . && git commit -m 'Benchmarks' && git push\n" in again.out


def test_what_exists_is_kept_and_said(place: Place) -> None:
    own = place.write("benchmarks/test_models.py", "# mine\n")
    place.write(".gitignore", "build\n")
    said = place.harness("init", "--json")
    assert said.code == 0, said.text
    found = json.loads(said.out)
    assert set(found["kept"]) == {"benchmarks/test_models.py", ".gitignore"}
    assert set(found["written"]) == WRITTEN - set(found["kept"])
    assert own.read_text(encoding="utf-8") == "# mine\n"
    again = place.harness("init")
    assert again.code == 0
    assert again.out.count("left as it is, since it exists: ") == len(WRITTEN)
    assert "see to it that .gitignore has the lines .venv and reports/" in again.out


def test_a_named_board_has_its_own_profile_and_a_runner_beside_it(place: Place) -> None:
    said = place.harness("init", "--device=rpi4")
    assert said.code == 0, said.text
    assert not (place.folder / "devices").exists()
    job = parsed((place.folder / WORKFLOW).read_text(encoding="utf-8"))["jobs"]["bench"]
    assert job["runs-on"] == ["self-hosted", "edge-lab"]
    assert job["if"] == f"github.event_name != 'pull_request' || {FORK_RULE}"
    assert "--device=rpi4 --baseline=origin/main" in job["steps"][2]["run"]
    assert '[rpi4."*"]' in (place.folder / "benchmarks/budgets.toml").read_text(encoding="utf-8")
    assert "pytest benchmarks/ --device=rpi4" in said.out


def test_a_board_without_a_profile_is_one_line(place: Place) -> None:
    said = place.harness("init", "--device=pi-07")
    assert (said.code, said.err) == (4, "harness: no profile pi-07: harness add pi-07 USER@HOST writes one\n")
    assert not (place.folder / "benchmarks").exists()


def test_a_folder_that_cannot_be_written_is_one_line(place: Place) -> None:
    place.write("benchmarks", "no folder\n")
    said = place.harness("init")
    assert said.code == 4
    assert said.err.startswith("harness: benchmarks/models/keyword_spotting.tflite cannot be written: ")


@pytest.mark.parametrize("device", [(), ("--device=rpi4",)], ids=["hosted", "beside a board"])
def test_linters_find_nothing_in_the_workflow(place: Place, device: tuple[str, ...]) -> None:
    assert place.harness("init", *device).code == 0
    file = place.folder / WORKFLOW
    linter = [tool("jactionlint"), "--strict-exit", "--shellcheck=", "--no-color", "--oneline", str(file)]
    found = subprocess.run(linter, capture_output=True, text=True, check=False).stdout.splitlines()
    assert [line for line in found if not line.endswith("[self-hosted-runner]")] == []
    schema = [tool("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", str(file)]
    done = subprocess.run(schema, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
