"""Has anything that is installed a known vulnerability, or a licence that nobody agreed to?

    python tests/supply_chain/audit.py [--requirements requirements-dev.txt] [--osv-url URL]

Vulnerabilities of the pinned versions are asked of the index, or of an OSV service at the URL; licences are those of
this Python's environment, held against [tool.pip-licenses] of pyproject.toml. Exit status 0 nothing was found and
every package was asked about; 1 something was found; 3 the advisory service did not answer for every package.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOUND, OUT_OF_REACH = 1, 3


@dataclass(frozen=True)
class Advisories:
    """What the service said: how many packages were asked about, a line a vulnerability, and who has no answer."""

    asked: int
    found: tuple[str, ...]
    unanswered: tuple[str, ...]


def ask_advisories(requirements: Path, osv_url: str | None) -> Advisories | None:
    """None where the service cannot be reached."""
    service = () if osv_url is None else ("--vulnerability-service", "osv", "--osv-url", osv_url)
    words = (*("--require-hashes", "--disable-pip", "--progress-spinner", "off", "--format", "json"), *service)
    said = _run("pip_audit", "--requirement", str(requirements), *words)
    try:
        packages = json.loads(said.stdout)["dependencies"]
    except (ValueError, KeyError):
        return None
    return Advisories(
        len(packages),
        tuple(_describe(package, one) for package in packages for one in package.get("vulns", ())),
        tuple(package["name"] for package in packages if "skip_reason" in package),
    )


def _describe(package: dict[str, Any], vulnerability: dict[str, Any]) -> str:
    mended = " or ".join(vulnerability["fix_versions"]) or "no version"
    return f"{package['name']} {package['version']}: {vulnerability['id']}, mended in {mended}"


def refused_licence(folder: Path = ROOT) -> str | None:
    """What the licence check says of the first package that the pyproject.toml in a folder does not allow."""
    said = _run("piplicenses", "--python", sys.executable, folder=folder)
    return None if said.returncode == 0 else (said.stderr or said.stdout).strip().splitlines()[-1]


def _run(module: str, *words: str, folder: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", module, *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def judge(advisories: Advisories | None, licence: str | None) -> tuple[list[str], int]:
    """What to print, and the exit status."""
    lines = ["licences: all are allowed" if licence is None else f"licences: {licence}"]
    if advisories is None:
        lines.append("vulnerabilities: not known: the advisory service cannot be reached")
    elif advisories.unanswered:
        names, number = ", ".join(advisories.unanswered[:3]), len(advisories.unanswered)
        lines.append(
            f"vulnerabilities: not known for {number} of {advisories.asked} packages ({names}...): "
            "the advisory service has no answer for these versions"
        )
    elif not advisories.found:
        lines.append(f"vulnerabilities: none is known in {advisories.asked} packages")
    found = () if advisories is None else advisories.found
    lines.extend(f"vulnerability: {line}" for line in found)
    if found or licence is not None:
        return lines, FOUND
    return lines, OUT_OF_REACH if advisories is None or advisories.unanswered else 0


def main(words: Sequence[str] | None = None) -> int:
    """Ask, print, and give the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requirements", type=Path, default=ROOT / "requirements-dev.txt")
    parser.add_argument("--osv-url", help="ask this OSV service, not the index")
    asked = parser.parse_args(words)
    lines, status = judge(ask_advisories(asked.requirements, asked.osv_url), refused_licence())
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return status


if __name__ == "__main__":
    sys.exit(main())
