"""Writes what is installed with its hashes, from constraints.txt and what the index says of each version.

    python tests/supply_chain/pins.py

requirements.txt is the harness with all that users may ask for, requirements-dev.txt that and what its tests need:
for every Python from 3.11 on and every machine that has wheels. harness/board/wheel_hashes.txt is what provisioning
puts on boards. Run it after a change of pyproject.toml, constraints.txt or the table in harness/board/wheels.py.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.board.wheels import WHEEL_HASHES, published_requirements

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements.txt"
DEV_REQUIREMENTS = ROOT / "requirements-dev.txt"
FOR_USERS = ("convert", "quantize", "postgres", "xdist")
SAID = "# Made by `make pins`."


def resolve(*words: str, python: str = "3.11", requirements: str | None = None) -> str:
    """Pinned requirements with the hash of every file that the index has of them; ends this script where it cannot."""
    said = subprocess.run(
        [
            *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", python),
            *("--generate-hashes", "--no-annotate", "--no-header", *words),
        ],
        input=requirements,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if said.returncode != 0:
        sys.exit(f"cannot be resolved: {said.stderr.strip()}")
    return said.stdout


def project(*extras: str) -> str:
    """The project with extras, each in the version that constraints.txt has."""
    words = [word for extra in extras for word in ("--extra", extra)]
    return resolve("pyproject.toml", "--constraint", "constraints.txt", *words)


def wheels_of_boards(requirements: Sequence[str]) -> str:
    """One after the other, as several versions of a package are among them; by the oldest Python of a board."""
    return "".join(
        resolve("-", "--no-deps", python=_oldest_python(pinned), requirements=pinned) for pinned in requirements
    )


def _oldest_python(pinned: str) -> str:
    """The resolver refuses versions without a file for the oldest Python asked for."""
    return "3.8" if pinned.startswith(("tflite-runtime", "numpy==1.24")) else "3.11"


def main() -> None:
    """Write the three files."""
    REQUIREMENTS.write_text(f"{SAID}\n{project(*FOR_USERS)}", encoding="utf-8")
    DEV_REQUIREMENTS.write_text(f"{SAID}\n{project('dev')}", encoding="utf-8")
    WHEEL_HASHES.write_text(f"{SAID}\n{wheels_of_boards(published_requirements())}", encoding="utf-8")


if __name__ == "__main__":
    main()
