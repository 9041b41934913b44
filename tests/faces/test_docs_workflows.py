"""The documentation's pipelines: read by linters, their scripts run, their rules on forks and rights held."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faces.test_docs_commands import FIRST_DAY, ROOT, fences
from support import needs

from harness.records.settings import Settings
from harness.report.summary import MARKER

GITHUB = ROOT / "docs/ci/github-workflow.yml"
GITLAB = ROOT / "docs/ci/gitlab-ci.yml"
ACTION = ROOT / "docs/ci/action/action.yml"
FORK_RULE = "github.event.pull_request.head.repo.full_name == github.repository"
_COMMAND = re.compile(r"\.venv/bin/(?:python -m )?(?P<command>(?:pytest|harness) .*?)(?: \|\| .*)?$", re.MULTILINE)
PINNED = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40}")
_JUNIT = " --junitxml=junit.xml"
# Ends with the attempts it has made, by codes it is told one after the other.
_STAND_IN = """#!/bin/sh
echo run >> attempts
echo "$*" > called
echo "$PYTEST_ADDOPTS" >> shares
exit $(sed -n "$(wc -l < attempts)p" codes)
"""
# Makes an environment in the folder that it is told, and its pip, which writes down what it is to install.
_PYTHON = """#!/bin/sh
mkdir -p "$3/bin"
printf '#!/bin/sh\\necho "$*" >> "%s/installed"\\n' "$3" > "$3/bin/pip"
chmod +x "$3/bin/pip"
"""
# Writes down how it was called; asked for comments it answers as the file "comments" says.
_GH = """#!/bin/sh
printf '%s\\n' "$*" >> calls
case "$*" in *--jq*) cat comments ;; esac
"""


def parsed(text: str) -> Any:
    """YAML as Python has it."""
    try:
        from ruamel.yaml import YAML
    except ImportError:
        needs.missing("ruamel.yaml is not installed: nothing else here reads YAML")
        raise
    return YAML(typ="safe").load(io.StringIO(text))


def github() -> Any:
    return parsed(GITHUB.read_text(encoding="utf-8"))


def workflows() -> list[Any]:
    """GitHub's workflows: those in yaml blocks and the file that is to be copied."""
    return [*(parsed(fence.text) for fence in fences("yaml")), github()]


def steps(workflow: Any) -> Iterator[dict[str, Any]]:
    for job in workflow["jobs"].values():
        yield from job["steps"]


def script(part: str) -> str:
    """The only script of GitHub's workflow in which something stands."""
    (found,) = [step["run"] for step in steps(github()) if part in step.get("run", "")]
    return str(found)


def tool(name: str) -> str:
    path = Path(sys.executable).parent / name
    if not path.exists():
        needs.missing(f"{name} is not installed: make installs it")
    return str(path)


def test_github_s_linter_and_security_audit_find_nothing() -> None:
    done = subprocess.run(
        [tool("jactionlint"), "--strict-exit", "--shellcheck=", "--no-color", "--oneline", str(GITHUB)],
        capture_output=True,
        text=True,
        check=False,
    )
    allowed = ("[self-hosted-runner]",)
    assert [line for line in done.stdout.splitlines() if not line.endswith(allowed)] == []
    assert done.returncode in (0, 1), done.stderr


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        (("vendor.github-workflows",), GITHUB),
        (("vendor.github-actions",), ACTION),
        (("vendor.gitlab-ci", "--data-transform", "gitlab-ci"), GITLAB),
    ],
    ids=["github", "action", "gitlab"],
)
def test_pipelines_fit_their_schemas(schema: tuple[str, ...], file: Path) -> None:
    command = [tool("check-jsonschema"), "--builtin-schema", *schema, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pipelines_run_only_what_is_tested() -> None:
    gitlab = parsed(GITLAB.read_text(encoding="utf-8"))
    scripts = [step["run"] for workflow in workflows() for step in steps(workflow) if "run" in step]
    scripts += [line for job in ("build", "measure") for line in gitlab[job]["script"]]
    scripts = [re.sub(r"^ +", "", text, flags=re.MULTILINE) for text in scripts]
    found = [command.removesuffix(_JUNIT) for text in scripts for command in _COMMAND.findall(text)]
    assert len(found) == len(fences("yaml")) + 8
    assert set(found) <= set(FIRST_DAY)


def test_code_of_forks_stays_away_from_the_boards() -> None:
    beside_boards = [job for one in workflows() for job in one["jobs"].values() if "self-hosted" in job["runs-on"]]
    assert len(beside_boards) == len(workflows())
    for job in beside_boards:
        assert job["if"] in (FORK_RULE, f"github.event_name != 'pull_request' || {FORK_RULE}")
    assert "pull_request_target" not in GITHUB.read_text(encoding="utf-8")
    never = parsed(GITLAB.read_text(encoding="utf-8"))["measure"]["rules"][0]
    assert never["when"] == "never"
    assert "$CI_MERGE_REQUEST_SOURCE_PROJECT_PATH != $CI_PROJECT_PATH" in never["if"]


def test_each_job_has_the_least_rights_and_pinned_actions() -> None:
    workflow = github()
    assert workflow["permissions"] == {}
    assert {name: job["permissions"] for name, job in workflow["jobs"].items()} == {
        "build": {"contents": "read"},
        "measure": {"contents": "read"},
        "comment": {"pull-requests": "write"},
        "gate": {},
    }
    for step in steps(workflow):
        assert "uses" not in step or PINNED.fullmatch(step["uses"])
        assert not step.get("uses", "").startswith("actions/checkout") or not step["with"]["persist-credentials"]


def test_gitlab_runs_again_only_what_was_not_judged() -> None:
    assert parsed(GITLAB.read_text(encoding="utf-8"))["measure"]["retry"] == {"max": 2, "exit_codes": [10, 11]}


def executable(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def bash(text: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """A step's script as GitHub runs it."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith("GITHUB_")}
    return subprocess.run(
        ["bash", "-e", "-c", text], cwd=cwd, env=outer | env, capture_output=True, text=True, check=False
    )


def test_merge_queues_are_measured_and_the_gate_runs_always() -> None:
    for workflow in workflows():
        assert "merge_group" in workflow["on"]
        gate = workflow["jobs"]["gate"]
        assert gate["if"] == "always()"
        assert {"measure", "bench"} & {*([gate["needs"]] if isinstance(gate["needs"], str) else gate["needs"])}


@pytest.mark.parametrize("head", ["me/models", "stranger/models"])
@pytest.mark.parametrize("measured", ["success", "failure", "cancelled", "skipped", ""])
def test_only_what_was_measured_and_held_passes_the_gate(tmp_path: Path, measured: str, head: str) -> None:
    told = {"GITHUB_REPOSITORY": "me/models", "HEAD": head, "BUILT": "success", "MEASURED": measured}
    done = bash(script("$MEASURED"), tmp_path, **told)
    assert done.returncode == (0 if measured == "success" else 1), done.stderr
    if measured != "success":
        (line,) = done.stdout.splitlines()
        fork = head != "me/models"
        assert line.startswith("::error title=not measured")
        assert ("Code of a fork does not run" in line) == fork
        assert (f"measure: {measured}" in line) != fork


def test_a_fork_s_merge_request_is_not_green() -> None:
    gitlab = parsed(GITLAB.read_text(encoding="utf-8"))
    (rule,) = gitlab["gate"]["rules"]
    assert rule["if"] == gitlab["measure"]["rules"][0]["if"]
    assert gitlab["gate"]["script"][-1] == "exit 1"


@pytest.mark.parametrize("event", ["pull_request", "merge_group", "workflow_dispatch", "push"])
def test_all_but_what_was_merged_is_measured_against_its_base(tmp_path: Path, event: str) -> None:
    executable(tmp_path / ".venv/bin/python", _STAND_IN)
    (tmp_path / "codes").write_text("0\n", encoding="utf-8")
    assert bash(script("attempt"), tmp_path, GITHUB_EVENT_NAME=event).returncode == 0
    called = (tmp_path / "called").read_text(encoding="utf-8")
    assert ("--baseline=origin/main" in called) == (event != "push")
    built = {step["if"]: step["run"] for step in steps(github()) if "harness build" in step.get("run", "")}
    assert {rule: "--baseline" in command for rule, command in built.items()} == {
        "github.event_name != 'push'": True,
        "github.event_name == 'push'": False,
    }


def test_the_environment_outlives_a_wiped_checkout(tmp_path: Path) -> None:
    executable(tmp_path / "bin/python3", _PYTHON)
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    subprocess.run(["git", "init", "--quiet"], cwd=checkout, check=True)
    github_s = {"RUNNER_TOOL_CACHE": str(tmp_path / "tools"), "GITHUB_REPOSITORY_ID": "7"}
    gitlab_s = {"HOME": str(tmp_path / "home"), "CI_PROJECT_ID": "7", "CI_CONCURRENT_ID": "0"}
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    lines = parsed(GITLAB.read_text(encoding="utf-8"))["measure"]["script"][:3]
    for text, told in ((script("RUNNER_TOOL_CACHE"), github_s), ("\n".join(lines), gitlab_s)):
        for _ in range(2):
            subprocess.run(["git", "clean", "-ffdxq"], cwd=checkout, check=True)
            done = bash(text, checkout, PATH=path, **told)
            assert done.returncode == 0, done.stderr
        installed = (checkout / ".venv/installed").read_text(encoding="utf-8")
        assert installed == "install --upgrade edge-harness\n" * 2


@pytest.mark.parametrize(
    ("codes", "attempts", "status"),
    [((0,), 1, 0), ((1,), 1, 1), ((4,), 1, 4), ((10, 1), 2, 1), ((10, 11, 0), 3, 0), ((11, 11, 11), 3, 11)],
)
def test_github_runs_again_only_what_was_not_judged(
    tmp_path: Path, codes: tuple[int, ...], attempts: int, status: int
) -> None:
    executable(tmp_path / ".venv/bin/python", _STAND_IN)
    (tmp_path / "codes").write_text("".join(f"{code}\n" for code in codes), encoding="utf-8")
    done = bash(script("attempt"), tmp_path, PAUSE_SECONDS="0", GITHUB_EVENT_NAME="pull_request")
    assert done.returncode == status
    assert len((tmp_path / "attempts").read_text(encoding="utf-8").split()) == attempts


def test_all_attempts_together_err_no_more_often_than_one(tmp_path: Path) -> None:
    executable(tmp_path / ".venv/bin/python", _STAND_IN)
    (tmp_path / "codes").write_text("10\n10\n10\n", encoding="utf-8")
    bash(script("attempt"), tmp_path, PAUSE_SECONDS="0", GITHUB_EVENT_NAME="pull_request")
    told = (tmp_path / "shares").read_text(encoding="utf-8")
    retried = parsed(GITLAB.read_text(encoding="utf-8"))["measure"]
    own = "\n".join(line for line in retried["script"] if "PYTEST_ADDOPTS" in line)
    for name, most in (("alpha", Settings().alpha), ("miss", Settings().miss)):
        shares = [float(share) for share in re.findall(rf"--{name}=(\S+)", told)]
        assert len(shares) == 3 and sum(shares) <= most * (1 + 1e-9)
        (each,) = re.findall(rf"--{name}=([\d.]+)", own)
        assert float(each) * (1 + retried["retry"]["max"]) <= most


def action(tmp_path: Path, codes: str, **inputs: str) -> subprocess.CompletedProcess[str]:
    """The measuring step of the action, where pytest ends with codes one after the other."""
    executable(tmp_path / ".venv/bin/python", _STAND_IN)
    (tmp_path / "codes").write_text(codes, encoding="utf-8")
    (step,) = [step for step in parsed(ACTION.read_text(encoding="utf-8"))["runs"]["steps"] if step.get("id")]
    given = dict.fromkeys(step["env"], "") | {"BENCHMARKS": "benchmarks/"} | inputs
    return bash(step["run"], tmp_path, PAUSE_SECONDS="0", GITHUB_OUTPUT=str(tmp_path / "output"), **given)


def test_the_action_measures_what_it_is_told_and_hands_its_code_on(tmp_path: Path) -> None:
    done = action(tmp_path, "10\n1\n", DEVICE="pi-07 pi-08", BASELINE="origin/main", ARTIFACTS="built/")
    assert done.returncode == 1, done.stderr
    assert (tmp_path / "output").read_text(encoding="utf-8") == "exit-code=1\n"
    assert (tmp_path / "attempts").read_text(encoding="utf-8") == "run\nrun\n"
    called = (tmp_path / "called").read_text(encoding="utf-8").split()
    boards = ["--device=pi-07", "--device=pi-08"]
    assert called == ["-m", "pytest", "benchmarks/", *boards, "--artifacts=built/", "--baseline=origin/main"]


def test_an_input_of_the_action_is_no_command(tmp_path: Path) -> None:
    action(tmp_path, "0\n", DEVICE="pi-07", BASELINE="$(touch evil)`touch evil`")
    assert not (tmp_path / "evil").exists()
    assert "${{" not in "".join(
        step.get("run", "") for step in parsed(ACTION.read_text(encoding="utf-8"))["runs"]["steps"]
    )


def test_the_action_s_attempts_err_no_more_often_than_one(tmp_path: Path) -> None:
    action(tmp_path, "10\n10\n10\n", DEVICE="pi-07")
    told = (tmp_path / "shares").read_text(encoding="utf-8")
    for name, most in (("alpha", Settings().alpha), ("miss", Settings().miss)):
        shares = [float(share) for share in re.findall(rf"--{name}=(\S+)", told)]
        assert len(shares) == 3 and sum(shares) <= most * (1 + 1e-9)


def test_the_action_has_pinned_actions() -> None:
    used = [step["uses"] for step in parsed(ACTION.read_text(encoding="utf-8"))["runs"]["steps"] if "uses" in step]
    assert used and all(PINNED.fullmatch(one) for one in used)


def commented(folder: Path, comments: str) -> list[str]:
    """How the comment's script called gh, where the pull request has comments with some ids."""
    executable(folder / "bin/gh", _GH)
    (folder / "comments").write_text(comments, encoding="utf-8")
    own = {
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "REPOSITORY": "me/models",
        "NUMBER": "7",
        "RUN_URL": "https://example.org/run",
    }
    done = bash(script("gh api"), folder, **own)
    assert done.returncode == 0, done.stderr
    return (folder / "calls").read_text(encoding="utf-8").splitlines()


def test_the_first_comment_is_made(tmp_path: Path) -> None:
    (tmp_path / "summary").mkdir()
    (tmp_path / "summary/summary.md").write_text(f"{MARKER}\n# 1 passed\n", encoding="utf-8")
    asked, made = commented(tmp_path, "")
    assert asked.startswith("api --paginate repos/me/models/issues/7/comments --jq .[] | ")
    assert f'startswith("{MARKER}")' in asked
    assert made == "api --silent --method POST repos/me/models/issues/7/comments --field body=@summary/summary.md"


def test_the_same_comment_is_written_anew_and_told_where_nothing_was_measured(tmp_path: Path) -> None:
    _, made = commented(tmp_path, "41\n42\n")
    assert made == "api --silent --method PATCH repos/me/models/issues/comments/41 --field body=@summary/summary.md"
    written = (tmp_path / "summary/summary.md").read_text(encoding="utf-8")
    assert written == f"{MARKER}\n# Nothing was measured\n\n[What was said](https://example.org/run)\n"
