"""``harness init``: a small benchmarks/ with a model, limits, a profile and a workflow, in the current folder."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.cli.demo import MODELS
from harness.profiles import available, load
from harness.records.errors import GitError, UsageError
from harness.records.files import replace_file
from harness.store import git

_TEMPLATES: Final = Path(__file__).with_name("init_files")
_RUNNER: Final = "ci-runner"
"""The profile that is written where no device is named."""
_HOSTED: Final = "runs-on: ubuntu-24.04"
_BESIDE_A_BOARD: Final = (
    "# Code of a fork never runs beside the board.\n"
    "    if: github.event_name != 'pull_request' || "
    "github.event.pull_request.head.repo.full_name == github.repository\n"
    "    runs-on: [self-hosted, edge-lab]"
)


@dataclass(frozen=True)
class StarterFile:
    """One file that init writes: its path from the current folder, and what stands in it."""

    path: Path
    content: bytes


def write_benchmarks(device: str | None, *, devices_dir: Path | None, as_json: bool) -> None:
    """Write the files that are not there, say which were, and what to type next. Raises UsageError, ProfileError."""
    files = starter_files(device, devices_dir=devices_dir)
    kept = [file.path for file in files if file.path.exists() or file.path.is_symlink()]
    for file in files:
        if file.path not in kept:
            _write(file)
    written = [file.path for file in files if file.path not in kept]
    if as_json:
        found = {"written": list(map(str, written)), "kept": list(map(str, kept))}
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return
    lines = [*(f"wrote {path}" for path in written), *(f"left as it is, since it exists: {path}" for path in kept)]
    if Path(".gitignore") in kept:
        lines.append("see to it that .gitignore has the lines .venv and reports/")
    sys.stdout.write("\n".join([*lines, "", *_next(device or _RUNNER)]) + "\n")


def starter_files(device: str | None, *, devices_dir: Path | None) -> list[StarterFile]:
    """What init writes for a device; for None a profile of the machine that runs the workflow is among it.

    Raises UsageError for a device without a profile, ProfileError for one whose profile is wrong.
    """
    own = None
    if device is None:
        profile = (devices_dir or Path("devices")) / f"{_RUNNER}.toml"
        own = StarterFile(profile, _filled("profile.toml.in", {}))
    elif device not in available(devices_dir):
        raise UsageError(f"no profile {device}: harness add {device} USER@HOST writes one")
    local = device is None or load(device, devices_dir).connection.transport == "local"
    words = {
        "DEVICE": device or _RUNNER,
        "BRANCH": _default_branch(),
        "WHERE": _HOSTED if local else _BESIDE_A_BOARD,
    }
    model = (MODELS / "keyword_spotting_int8.tflite").read_bytes()
    return [
        *([own] if own else []),
        StarterFile(Path("benchmarks/models/keyword_spotting.tflite"), model),
        StarterFile(Path("benchmarks/test_models.py"), _filled("test_models.py.in", words)),
        StarterFile(Path("benchmarks/budgets.toml"), _filled("budgets.toml.in", words)),
        StarterFile(Path(".github/workflows/benchmarks.yml"), _filled("workflow.yml.in", words)),
        StarterFile(Path(".gitignore"), b".venv\nreports/\n"),
    ]


def _filled(template: str, words: dict[str, str]) -> bytes:
    text = (_TEMPLATES / template).read_text(encoding="utf-8")
    for name, word in words.items():
        text = text.replace(f"@{name}@", word)
    return text.encode()


def _write(file: StarterFile) -> None:
    try:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file.path, file.content)
    except OSError as error:
        raise UsageError(f"{file.path} cannot be written: {error.strerror}") from error


def _default_branch() -> str:
    """The branch that origin has checked out, where this clone knows it; else main."""
    try:
        return (git.ask("rev-parse", "--abbrev-ref", "origin/HEAD") or "origin/main").partition("/")[2]
    except GitError:
        return "main"


def _next(device: str) -> list[str]:
    return [
        "What to type next:",
        f"  pytest benchmarks/ --device={device}",
        *_to_push(),
        "The workflow then measures each pull request against its merge base, and is red where a limit is broken.",
        "Put models of your own into benchmarks/models; limits stand in benchmarks/budgets.toml.",
    ]


def _to_push() -> list[str]:
    """The commands that bring the workflow to where it runs; of a folder outside of git those that begin with it."""
    try:
        git.ask("rev-parse", "--git-dir")
    except GitError:
        return [
            "  git init -b main && git add . && git commit -m 'Benchmarks'",
            "  git remote add origin URL && git push -u origin main",
        ]
    return ["  git add . && git commit -m 'Benchmarks' && git push"]
