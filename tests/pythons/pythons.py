"""Do the tests hold on other Pythons? The fast tier on those that the harness runs on, the agent's on those of boards.

    python tests/pythons/pythons.py [--processes 2] [VERSION...]

A Python is `pythonX.Y` on PATH, or one of pyenv's. Each gets an environment in .venv/pythons, without TensorFlow, made
again when what it is made of changes. The Python that runs this script is left out: its tests are `make test`. Of those
that this machine lacks, the last line says so. Exit status 1 where tests failed, 2 where an environment was not made.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ROOT / ".venv" / "pythons"
HARNESS = ("--constraint", str(ROOT / "constraints.txt"), "--editable", f"{ROOT}[test]")


@dataclass(frozen=True)
class Python:
    """A version, what is installed for it, and the runtime that its agent has; ``harness``: that it runs on, too."""

    version: str
    packages: tuple[str, ...] = HARNESS
    runtime: str = "litert"

    @property
    def harness(self) -> bool:
        return self.packages == HARNESS


PYTHONS = (
    Python("3.7", ("tflite-runtime==2.11.0", "numpy==1.21.6"), "tflite"),
    Python("3.8", ("tflite-runtime==2.14.0", "numpy==1.24.4"), "tflite"),
    Python("3.9", ("tflite-runtime==2.14.0", "numpy==1.26.4"), "tflite"),
    Python("3.10", ("ai-edge-litert==2.3.0", "numpy==2.2.6")),
    Python("3.11"),
    Python("3.12"),
    Python("3.13"),
)


def find_interpreter(version: str) -> Path | None:
    """An interpreter that starts and says that it is of this version; None where there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    on_path = shutil.which(f"python{version}")
    newest_last = sorted(pyenv.glob(f"{version}.*/bin/python"), key=lambda path: (len(str(path)), str(path)))
    for found in [*([on_path] if on_path else []), *reversed(newest_last)]:
        code = "import sys; print('%d.%d' % sys.version_info[:2])"
        said = subprocess.run([found, "-c", code], capture_output=True, text=True, check=False)
        if said.returncode == 0 and said.stdout.strip() == version:
            return Path(found)
    return None


def make_environment(python: Python, interpreter: Path) -> Path:
    """Its python, with the packages in it; CalledProcessError where they cannot be installed."""
    folder = ENVIRONMENTS / python.version
    stamp = folder / "made-of"
    files = [ROOT.joinpath(name).read_text("utf-8") for name in ("pyproject.toml", "constraints.txt")]
    made_of = hashlib.sha256("\n".join([*python.packages, *files]).encode()).hexdigest()
    if not stamp.is_file() or stamp.read_text("utf-8") != made_of:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([interpreter, "-m", "venv", folder], check=True)
        pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *python.packages], check=True, stderr=subprocess.DEVNULL)
        stamp.write_text(made_of, "utf-8")
    return folder / "bin" / "python"


def run_tests(python: Python, executable: Path, processes: int) -> bool:
    """Whether the tests hold: the agent's, run by this script's Python, and the fast tier where the harness runs."""
    common = ["-q", "--no-header", f"--numprocesses={processes}", "--dist=loadfile", "--no-loadscope-reorder"]
    agent = {"AGENT_PYTHON": str(executable), "AGENT_PACKAGE": python.runtime}
    held = [_pytest(python, "agent", Path(sys.executable), ["tests/agent", "-m", "board", *common], agent)]
    if python.harness:
        held.append(_pytest(python, "fast", executable, ["tests", "-m", "fast", *common], {}))
    return all(held)


def _pytest(python: Python, what: str, executable: Path, words: Sequence[str], env: dict[str, str]) -> bool:
    sys.stdout.write(f"Python {python.version}, {what}:\n")
    sys.stdout.flush()
    command = [executable, "-m", "pytest", *words]
    return subprocess.run(command, cwd=ROOT, env=os.environ | env, check=False).returncode == 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run all, print which Pythons there are none of; returns the exit status."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("versions", nargs="*", metavar="VERSION", help="only these, e.g. 3.12")
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args(argv)
    own = f"{sys.version_info[0]}.{sys.version_info[1]}"
    wanted = [one for one in PYTHONS if one.version != own and (not given.versions or one.version in given.versions)]
    found = {one: interpreter for one in wanted if (interpreter := find_interpreter(one.version))}
    failed = []
    for one, interpreter in found.items():
        try:
            executable = make_environment(one, interpreter)
        except subprocess.CalledProcessError as error:
            sys.stdout.write(f"Python {one.version}: {' '.join(map(str, error.cmd))} failed\n")
            return 2
        if not run_tests(one, executable, given.processes):
            failed.append(one.version)
    if failed:
        sys.stdout.write(f"tests failed on Python {', '.join(failed)}\n")
    lacking = [one.version for one in wanted if one not in found]
    if lacking:
        sys.stdout.write(f"not on this machine: Python {', '.join(lacking)}\n")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
