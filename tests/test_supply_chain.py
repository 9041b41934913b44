"""What is installed has hashes, is asked about, and what is built from it is the same bytes each time."""

import json
import os
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from supply_chain import audit, pins

from harness.board.wheels import WHEEL_HASHES, published_requirements

ROOT = pins.ROOT
HASHED = re.compile(
    r"^(?P<name>[\w.-]+)==(?P<version>\S+?)(?: ; (?P<where>.*))? \\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+",
    re.MULTILINE,
)


def hashed(path: Path) -> list[re.Match[str]]:
    """What a file pins; every line of it is part of one, or a comment."""
    text = path.read_text(encoding="utf-8")
    rest = HASHED.sub("", text)
    assert all(line.startswith("#") for line in rest.splitlines()), rest[:200]
    return list(HASHED.finditer(text))


def pinned(path: Path) -> dict[str, str]:
    """Versions by name, of what this system takes."""
    here = [one for one in hashed(path) if one["where"] is None or Marker(one["where"]).evaluate()]
    return {canonicalize_name(one["name"]): one["version"] for one in here}


def constraints() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}


@pytest.mark.parametrize("path", [pins.REQUIREMENTS, pins.DEV_REQUIREMENTS], ids=lambda path: path.name)
def test_every_pinned_version_has_hashes(path: Path) -> None:
    held = constraints()
    assert {name: version for name, version in pinned(path).items() if held.get(name) != version} == {}


def test_all_that_the_project_declares_has_hashes() -> None:
    declared = [Requirement(line) for line in _declared()]
    here = {canonicalize_name(one.name) for one in declared if one.marker is None or one.marker.evaluate()}
    assert here <= set(pinned(pins.DEV_REQUIREMENTS))


def _declared() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [line for extra in project["optional-dependencies"].values() for line in extra]
    return [line for line in [*project["dependencies"], *extras] if not line.startswith("edge-harness")]


def test_what_is_installed_here_is_what_has_hashes() -> None:
    """A version that is not the pinned one was installed past the files."""
    asked = {name: pinned(pins.DEV_REQUIREMENTS)[name] for name in ("numpy", "paramiko", "pytest", "ai-edge-litert")}
    assert {name: version(name) for name in asked} == asked


def test_every_wheel_for_boards_has_hashes() -> None:
    assert [f"{one['name']}=={one['version']}" for one in hashed(WHEEL_HASHES)] == list(published_requirements())


class _Advisories(BaseHTTPRequestHandler):
    """Answers as an OSV service does, from what was stored."""

    answers: dict[str, dict[str, object]] = {}

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps(self.answers.get(asked["package"]["name"], {})).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""


@pytest.fixture
def osv_url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Advisories)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1/query"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    """Two packages."""
    path = tmp_path / "requirements.txt"
    line = "{}==1.0 --hash=sha256:" + "0" * 64 + "\n"
    path.write_text(line.format("jinja2") + line.format("requests"), encoding="utf-8")
    return path


VULNERABLE = {
    "id": "GHSA-0000-1111-2222",
    "aliases": ["CVE-2020-0001"],
    "summary": "It does what it should not.",
    "modified": "2020-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"name": "jinja2", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.5"}]}],
        }
    ],
}


@pytest.mark.parametrize(
    ("answers", "status", "said"),
    [
        ({}, 0, "vulnerabilities: none is known in 2 packages"),
        ({"jinja2": {"vulns": [VULNERABLE]}}, 1, "vulnerability: jinja2 1.0: CVE-2020-0001, mended in 1.5"),
    ],
)
def test_the_audit_by_stored_answers(osv_url: str, requirements: Path, answers, status: int, said: str) -> None:
    _Advisories.answers = answers
    lines, found = audit.judge(audit.ask_advisories(requirements, osv_url), audit.refused_licence())
    assert (lines, found) == (["licences: all are allowed", said], status)


def test_an_advisory_service_out_of_reach_is_no_pass(requirements, capsys) -> None:
    assert audit.main(["--osv-url", "http://127.0.0.1:9/", "--requirements", str(requirements)]) == 3
    said = capsys.readouterr().out.splitlines()
    assert said[1] == "vulnerabilities: not known: the advisory service cannot be reached"


def test_a_package_without_an_answer_is_no_pass() -> None:
    lines, status = audit.judge(audit.Advisories(148, (), ("absl-py", "numpy")), None)
    assert status == 3
    assert lines[1].startswith("vulnerabilities: not known for 2 of 148 packages (absl-py, numpy")


def test_a_licence_that_is_not_allowed_is_found(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.pip-licenses]\nallow-only = "MIT"\n', encoding="utf-8")
    said = audit.refused_licence(tmp_path)
    assert said is not None and "not in allow-only licenses was found" in said
    assert audit.judge(audit.Advisories(2, (), ()), said)[1] == 1


def test_the_wheel_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    wheels = []
    for name, when, mode in (("one", 1_000_000_000, 0o644), ("another/place", 1_700_000_000, 0o600)):
        _copy(tracked.strip("\0").split("\0"), tmp_path / name, when, mode)
        words = ("-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path / name / "dist", tmp_path / name)
        subprocess.run([sys.executable, *words], cwd=tmp_path, capture_output=True, check=True)
        wheels.append(next((tmp_path / name / "dist").glob("*.whl")).read_bytes())
    assert wheels[0] == wheels[1]


def _copy(names: list[str], folder: Path, when: int, mode: int) -> None:
    """Files of the repository with other times and rights."""
    for name in names:
        target = folder / name
        if (ROOT / name).is_dir() or not name.startswith(("harness/", "devices/", "pyproject", "README", "LICENSE")):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
        target.chmod(mode)
        os.utime(target, (when, when))
