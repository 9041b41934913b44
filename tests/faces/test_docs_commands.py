"""Every command of the documentation is run, in the order of a first day, in a folder like a user's.

The boards the documentation speaks of, 10.0.0.7 and 10.0.0.8, are a loopback sshd to which ~/.ssh/config leads.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support import needs
from support.commands import Said, run_started
from support.kept_cache import kept_cache_home
from support.sshd import Sshd, loopback_sshd
from support.warm import run_warm

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
BIN = Path(sys.executable).parent
INSTALLED = ROOT / ".venv/installed"
"""Made by make when everything is in .venv."""
QUICK = '[tool.pytest.ini_options]\ntestpaths = ["benchmarks"]\n\n[tool.harness]\n'
QUICK += "trials = 6\nmin-secs = 0.02\nnum-runs = 5\n"
BENCHMARK = """
import pytest
from harness import candidates

@pytest.mark.parametrize("candidate", candidates("../model.tflite"), ids=str)
@pytest.mark.budget(model_size="1 MB")
def test_model(bench, candidate):
    bench(candidate)
"""
ENDS = {"harness selftest pi-07": {0, 10}, "harness judge reports/latest --out broken": {1}}
"""Exit codes of a command where 0 is not the one: beside other tests a board may be too noisy to tell."""
SSH_CONFIG = """
Host 10.0.0.7 10.0.0.8
  HostName {board.host}
  Port {board.port}
  IdentityFile {board.identity_file}
"""
_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[a-z]*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\s*(?:\$ )?(?:harness|pytest|make|pip|python -m) ", re.MULTILINE)


@dataclass(frozen=True)
class Fence:
    """A fenced block: the document it stands in, its language, its text."""

    document: str
    language: str
    text: str

    @property
    def commands(self) -> list[str]:
        """Its lines without blank ones and comments."""
        lines = [line.strip() for line in re.sub(r"\s*\\\n\s*", " ", self.text).splitlines()]
        return [line for line in lines if line and not line.startswith("#")]


def fences(*languages: str, documents: tuple[Path, ...] = DOCUMENTS) -> list[Fence]:
    """The blocks of some languages, of all where none is named."""
    found = [
        Fence(document.name, match["language"], match["text"])
        for document in documents
        for match in _FENCE.finditer(document.read_text(encoding="utf-8"))
    ]
    return [fence for fence in found if not languages or fence.language in languages]


def documented() -> set[str]:
    """Every command of every ``sh`` block."""
    return {command for fence in fences("sh") for command in fence.commands}


@dataclass(frozen=True)
class Project:
    """A user's folder, home and shell."""

    folder: Path
    home: Path
    board_user: str = ""
    cache: Path | None = None
    extra: dict[str, str] = field(default_factory=dict)

    def type(self, command: str, cwd: Path | None = None) -> Said:
        """Run a line as it stands in the documents; only the account's name on the board is another.

        A shell starts what is not our own command; that is run in a fork of the warm process.
        """
        line = command.replace("me@10.", f"{self.board_user}@10.")
        env = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
        env |= {
            "HOME": str(self.home),
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "XDG_CACHE_HOME": str(self.cache or self.folder / "cache"),
            "XDG_DATA_HOME": str(self.folder / "data"),
            "COLUMNS": "80",
            **self.extra,
        }
        program, *words = shlex.split(line)
        if program == "harness" and ">" not in words:
            said = run_warm(program, words, cwd or self.folder, env)
        else:
            said = run_started("sh", "-c", line, cwd=cwd or self.folder, env=env)
        assert "Traceback" not in said.text, f"{command}\n{said.text}"
        assert said.code in ENDS.get(command, {0}), f"{command}\n{said.text}"
        return said

    def results(self) -> dict[str, Any]:
        """What the newest run found."""
        return dict(json.loads((self.folder / "reports/latest/results.json").read_text(encoding="utf-8")))


Check = Callable[[Project, Said], None]


def measured_on(*devices: str) -> Check:
    """The newest run has one entry on each device, and a summary for a pull request."""

    def check(project: Project, said: Said) -> None:
        assert sorted(entry["device"] for entry in project.results()["entries"]) == sorted(devices)
        assert (project.folder / "reports/latest/summary.md").is_file()
        assert "report: " in said.out

    return check


def says(*words: str) -> Check:
    """The command's output holds all of some words."""

    def check(_desk: Project, said: Said) -> None:
        missing = [word for word in words if word not in said.out]
        assert not missing, said.out

    return check


def wrote(name: str) -> Check:
    """The command wrote a page."""

    def check(project: Project, _said: Said) -> None:
        assert (project.folder / name).read_text(encoding="utf-8").startswith("<!doctype html>")

    return check


def wrote_an_archive(project: Project, _said: Said) -> None:
    """A zip file without the board's address."""
    with zipfile.ZipFile(project.folder / "pi-07.zip") as archive:
        assert "doctor.json" in archive.namelist()
        assert not any(b"10.0.0.7" in archive.read(name) for name in archive.namelist())


def wrote_a_profile(project: Project, _said: Said) -> None:
    """The profile names the board as it was typed; a second board of the kind extends it."""
    assert 'host = "10.0.0.7"' in (project.folder / "devices/pi-07.toml").read_text(encoding="utf-8")
    second = 'extends = "pi-07"\n[connection]\nhost = "10.0.0.8"\n'
    (project.folder / "devices/pi-08.toml").write_text(second, encoding="utf-8")


def stored_the_footprint(project: Project, _said: Said) -> None:
    """The file names the board."""
    assert json.loads((project.folder / "full.json").read_text(encoding="utf-8"))["device"] == "pi-07"


def copied_the_artifact(project: Project, _said: Said) -> None:
    """A model file as given is copied as it is."""
    copies = list((project.folder / "artifacts").rglob("model*.tflite"))
    assert [copy.read_bytes() for copy in copies] == [(project.folder / "model.tflite").read_bytes()]


def carried_the_base(project: Project, said: Said) -> None:
    """The merge base's model lies in a folder of its own, with its commit."""
    record = json.loads((project.folder / "artifacts/baseline/commit.json").read_text(encoding="utf-8"))
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=project.folder, capture_output=True, text=True, check=True)
    assert record["commit"] == head.stdout.strip()
    assert "baseline: 1 of 1 candidates are there" in said.err


def printed_results(project: Project, said: Said) -> None:
    """Standard output holds results.json and nothing else."""
    assert json.loads(said.out) == project.results()


def printed_openmetrics(project: Project, _said: Said) -> None:
    """The file has a figure of the newest run, and its end."""
    text = (project.folder / "edge-harness.prom").read_text(encoding="utf-8")
    assert re.search(r'^edge_harness_latency_p50_seconds\{.*device="pi-07"', text, re.MULTILINE)
    assert text.endswith("# EOF\n")


def proposed_limits(project: Project, said: Said) -> None:
    """The limits of the newest run, which was of a file alone, stand where the command was typed."""
    file = project.folder / "budgets.toml"
    table = tomllib.loads(file.read_text(encoding="utf-8"))["pi-07"]["model"]
    assert set(table) == {"latency_p50", "model_memory", "model_size"}
    assert "budgets.toml (new)" in said.out


def judged_anew(project: Project, said: Said) -> None:
    """The judged run has its own folder and its report."""
    (entry,) = json.loads((project.folder / "judged/results.json").read_text(encoding="utf-8"))["entries"]
    assert entry["status"] == "PASS" and (project.folder / "judged/report.html").is_file()
    assert "report: judged/report.html" in said.out


def judged_and_broken(project: Project, said: Said) -> None:
    """As above; then the newest run is one that broke a limit which is stricter by now."""
    judged_anew(project, said)
    budgets, latest = project.folder / "budgets.toml", project.folder / "reports/latest"
    text = budgets.read_text(encoding="utf-8")
    budgets.write_text(re.sub(r'model_size = ".*"', 'model_size = "1 B"', text), encoding="utf-8")
    project.type("harness judge reports/latest --out broken")
    (latest / "results.json").write_bytes((project.folder / "broken/results.json").read_bytes())


FIRST_DAY: dict[str, Check] = {
    "harness add pi-07 me@10.0.0.7": wrote_a_profile,
    "harness provision pi-07": says("runs a model"),
    "harness provision pi-07 --from wheels/": says("runs a model"),
    "harness provision pi-07 --remove": says("freed: provision puts a runtime there again"),
    "harness provision pi-07 --clean": says("freed: models and runtimes are sent again when needed"),
    "harness doctor pi-07": says("fit to measure"),
    "harness doctor pi-07 --archive pi-07.zip": wrote_an_archive,
    "harness doctor pi-07 --footprint --json > full.json": stored_the_footprint,
    "harness doctor pi-07 --footprint --against full.json": says("memory in use", "against", "difference"),
    "harness run model.tflite --device=pi-07": measured_on("pi-07"),
    "harness run model.tflite --device=pi-07 --operators": measured_on("pi-07"),
    "pytest benchmarks/ --device=pi-07": measured_on("pi-07"),
    "pytest benchmarks/ --device=pi-07 --device=pi-08": measured_on("pi-07", "pi-08"),
    "pytest benchmarks/ --device=pi-07 --device=pi-08 -n 2": measured_on("pi-07", "pi-08"),
    "pytest benchmarks/ --device=pi-07 --wait 20min": measured_on("pi-07"),
    "pytest benchmarks/ --collect-only -q": says("test_model[model]"),
    "pytest benchmarks/ --device=pi-07 --baseline=origin/main --plan-only": says("no board was touched"),
    "pytest benchmarks/ --device=pi-07 --baseline=origin/main": measured_on("pi-07"),
    "harness selftest pi-07": says("in 1 self-test"),
    "harness devices": says("pi-07", "pi-08", "rpi4", "local"),
    "harness build benchmarks/ --out artifacts/": copied_the_artifact,
    "pytest benchmarks/ --device=pi-07 --artifacts=artifacts/": measured_on("pi-07"),
    "harness build benchmarks/ --out artifacts/ --baseline origin/main": carried_the_base,
    "pytest benchmarks/ --device=pi-07 --artifacts=artifacts/ --baseline=origin/main": measured_on("pi-07"),
    "harness run model.tflite --device=pi-07 --json": printed_results,
    "harness inspect model.tflite": says("operator", "MACs", "sha256"),
    "harness cache size": says("golden", "all"),
    "harness history": says("pi-07", "latency p50"),
    "harness history --metric peak_memory --html history.html": wrote("history.html"),
    "harness compare latest latest": says("0 of ", "B / A", "model"),
    "harness report reports/latest": says("report.html"),
    "harness report latest --openmetrics > edge-harness.prom": printed_openmetrics,
    "harness report --index": wrote("reports/index.html"),
    "harness budgets propose reports/latest": proposed_limits,
    "harness budgets check": says("0 expired, 0 stale"),
    "harness budgets check --run reports/latest": says("0 expired, 0 stale"),
    "harness judge reports/latest": says("1 passed; exit code 0: everything held"),
    "harness judge reports/latest --out judged": judged_and_broken,
    'harness budgets waive reports/latest --reason "slower until its driver is out"': says(
        "model_size waived to", "1 waiver written"
    ),
    "python -m harness.testing.gatelab --question energy --sessions 5 --metrics 20 --max-blocks 15": says(
        "sessions failed", "blocks a metric"
    ),
    "python -m harness.testing.gatelab.comments --comments 2 --entries 5": says('"with_an_arrow": 0'),
    "python -m harness.testing.gatelab --sessions 20": says("sessions failed", "other gates on the same traces"),
}
"""What is typed in a user's folder, and what must be so afterwards."""
IN_THE_REPOSITORY = {"make bench", "make test"}
ON_AN_EMULATED_BOARD = [
    'eval "$(harness emulate)"',
    "harness provision emulated",
    "harness doctor emulated",
    "pytest benchmarks/ --device=emulated",
    "harness emulate --stop",
]
"""In this order: tests/emulated types them."""
IN_AN_EMPTY_FOLDER = {"pip install edge-harness", "harness demo", "harness init"}
"""Those of the README: test_wheel.py types them in an environment that has nothing else."""


@pytest.fixture
def project(tmp_path: Path, tiny_model: Path, leased: None) -> Iterator[Project]:
    """A folder with a model, benchmarks and quick settings; ~/.ssh/config leads to a loopback board."""
    folder, home = tmp_path / "project", tmp_path / "home"
    for path in (folder / "benchmarks", folder / "wheels", home / ".ssh"):
        path.mkdir(parents=True)
    (folder / "model.tflite").write_bytes(tiny_model.read_bytes())
    (folder / "pyproject.toml").write_text(QUICK, encoding="utf-8")
    (folder / "benchmarks/test_model.py").write_text(BENCHMARK, encoding="utf-8")
    _keep_in_git(folder)
    with loopback_sshd(tmp_path / "board", env={"PATH": f"{BIN}:/usr/bin:/bin"}) as board:
        _lead_to(board, home)
        yield Project(folder, home, board.user)


def _keep_in_git(folder: Path) -> None:
    """A repository with one commit, which a remote's main has too."""
    for line in (
        "init -q -b main",
        "add -A",
        "-c user.name=me -c user.email=me@localhost commit -q -m first",
        "update-ref refs/remotes/origin/main HEAD",
    ):
        subprocess.run(["git", *line.split()], cwd=folder, check=True)


def _lead_to(board: Sshd, home: Path) -> None:
    (home / ".ssh/config").write_text(SSH_CONFIG.format(board=board), encoding="utf-8")
    (home / ".ssh/known_hosts").write_text(board.known_hosts.read_text(encoding="utf-8"), encoding="utf-8")


def test_every_documented_command_has_a_test() -> None:
    assert documented() == {*FIRST_DAY, *IN_THE_REPOSITORY, *ON_AN_EMULATED_BOARD, *IN_AN_EMPTY_FOLDER}


def test_no_command_hides_in_a_block_of_another_language() -> None:
    hidden = [fence for fence in fences() if fence.language not in ("sh", "yaml") and _COMMAND.search(fence.text)]
    assert hidden == []


def test_the_commands_of_a_first_day(project: Project) -> None:
    for command, check in FIRST_DAY.items():
        check(project, project.type(command))


def test_make_bench_in_this_repository(tmp_path: Path, leased: None) -> None:
    if not INSTALLED.exists():
        needs.missing("this repository was not installed by make: run make test")
    short = {"PYTEST_ADDOPTS": "--min-secs=0.02 --num-runs=5"}
    here = Project(tmp_path, tmp_path, cache=kept_cache_home(), extra=short)
    said = here.type("make bench", cwd=ROOT)
    report = re.search(r"^report: (\S+)$", said.out, re.MULTILINE)
    assert report is not None, said.out
    assert (ROOT / report[1]).is_file()


def test_the_readme_s_benchmark_runs(tmp_path: Path, leased: None) -> None:
    (block,) = fences("python", documents=(ROOT / "README.md",))
    (tmp_path / "pyproject.toml").write_text(QUICK, encoding="utf-8")
    (tmp_path / "test_readme.py").write_text(block.text, encoding="utf-8")
    here = Project(tmp_path, tmp_path, cache=kept_cache_home())
    here.type("pytest test_readme.py --device=local")
    entries = here.results()["entries"]
    assert {entry["recipe"]: entry["status"] for entry in entries} == {"float32": "PASS", "int8": "PASS"}


def test_make_test_runs_the_tests() -> None:
    said = subprocess.run(["make", "-n", "test"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert re.search(r'-m pytest( -\S+)* tests -m "not emulated"$', said.stdout, re.MULTILINE), said.stdout
