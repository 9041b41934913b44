"""Does any good model FAIL for its outputs? Prints a table; exit status 1 where one does, or none was measured.

    python tests/fidelity/verdicts.py MODEL...            (files, or folders of .tflite and .bin files)

Each file is measured by ``harness run`` on this machine with every runtime, with its own choice of XNNPACK and with
``delegate = "none"``. A runtime that is not here is put here by ``harness provision``. Imports nothing of the harness.
"""

import argparse
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

PROFILE = """extends = "local"
[runtime]
package = "{package}"
delegate = "{delegate}"
num_threads = 1
"""
PACKAGES = ("litert", "tflite")
DELEGATES = ("xnnpack", "none")
KINDS = ("bit-equal", "agree", "not judged", "unchecked", "FAIL", "ERROR")
SHORT = ("--trials", "1", "--min-secs", "0.01", "--num-runs", "5")
DEADLINE_S = 1800


@dataclass(frozen=True)
class Verdict:
    """One model's entry: which of KINDS, and the sentence behind it."""

    model: str
    kind: str
    sentence: str


@dataclass(frozen=True)
class Row:
    """All verdicts of one runtime, as the results name it, and delegate."""

    runtime: str
    delegate: str
    verdicts: tuple[Verdict, ...]

    def count(self, kind: str) -> int:
        """How many models came out so."""
        return sum(verdict.kind == kind for verdict in self.verdicts)


class NoResultsError(Exception):
    """The harness gave no results; the message is its last line."""


def kind_of(entry: dict[str, str]) -> str:
    """What an entry says of its outputs."""
    if entry["status"] in ("FAIL", "ERROR"):
        return entry["status"]
    said = entry["outputs"]
    return next((kind for kind in KINDS[:-2] if said.removeprefix("outputs ").startswith(kind)), "unchecked")


def read_row(text: str, delegate: str) -> Row:
    """The row that a results file makes. Raises NoResultsError."""
    try:
        results = json.loads(text)
        entries = results["entries"]
        verdicts = [Verdict(e["candidate"], kind_of(e), e["reason"] if kind_of(e) in KINDS[-2:] else e["outputs"])
                    for e in entries]  # fmt: skip
        runtimes = Counter(entry["runtime"] for entry in entries)
        return Row(runtimes.most_common(1)[0][0], delegate, tuple(verdicts))
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise NoResultsError(f"no results on stdout ({type(error).__name__})") from error


def said_by(command: Sequence[str]) -> str:
    """What a command printed; exit statuses of measured entries are no failure. Raises NoResultsError."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoResultsError(str(error)) from error
    if done.returncode != 0 and not done.stdout.strip():
        raise NoResultsError((done.stderr.strip() or "nothing was printed").splitlines()[-1])
    return done.stdout


def measured(package: str, delegate: str, *, models: Sequence[Path], harness: Sequence[str], work: Path) -> Row:
    """Every model on one runtime and delegate."""
    device = f"{package}-{delegate}"
    (work / f"{device}.toml").write_text(PROFILE.format(package=package, delegate=delegate))
    said_by([*harness, "provision", device, "--devices-dir", str(work)])
    files = [str(model) for model in models]
    words = ["--device", device, "--devices-dir", str(work), "--reports-dir", str(work / "reports"), "--json", *SHORT]
    return read_row(said_by([*harness, "run", *files, *words]), delegate)


def model_files(paths: Sequence[Path], work: Path) -> Iterator[Path]:
    """The files, those of folders among them; one that is not named .tflite as a copy that is."""
    for path in paths:
        found = sorted(path.iterdir()) if path.is_dir() else [path]
        for file in found:
            if file.suffix == ".tflite":
                yield file
            elif file.suffix == ".bin":
                yield Path(shutil.copyfile(file, work / f"{file.stem}.tflite"))


def table(rows: Sequence[Row]) -> str:
    """A line a row, and below it each verdict that is not plainly right, with its sentence."""
    lines = [f"| runtime | delegate | models | {' | '.join(KINDS)} |", "|" + "---|" * (len(KINDS) + 3)]
    for row in rows:
        counts = " | ".join(str(row.count(kind)) for kind in KINDS)
        lines.append(f"| {row.runtime} | {row.delegate} | {len(row.verdicts)} | {counts} |")
    told = [(row, verdict) for row in rows for verdict in row.verdicts if verdict.kind in KINDS[2:]]
    lines += [f"{row.runtime}, {row.delegate}: {one.model}: {one.kind}: {one.sentence}" for row, one in told]
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Measure and print; 1 where a model FAILs or a runtime gave nothing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL")
    parser.add_argument("--harness", default=str(Path(sys.executable).with_name("harness")), help="its command")
    parser.add_argument("--package", action="append", choices=PACKAGES, help="only this runtime (repeatable)")
    options = parser.parse_args(arguments)
    rows, failed = [], False
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        models = list(model_files(options.models, work))
        (work / "local.toml").write_text('[connection]\ntransport = "local"\n')
        for package in options.package or PACKAGES:
            for delegate in DELEGATES:
                try:
                    rows.append(measured(package, delegate, models=models, harness=shlex.split(options.harness),
                                         work=work))  # fmt: skip
                except NoResultsError as error:
                    failed = True
                    sys.stdout.write(f"{package}, {delegate}: {error}\n")
    sys.stdout.write(table(rows) + "\n")
    return int(failed or not rows or any(row.count("FAIL") for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
