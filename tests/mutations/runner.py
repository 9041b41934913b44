"""Do files of strangers ever end a command in a traceback, hang it, or make it write elsewhere? Exit status 1: yes.

    python tests/mutations/runner.py --count 2000 --commands 200 [--seed 0] [KIND...]

Each mutation is one file or folder made wrong (see mutators.py); what is typed of it runs in this process, or with
--commands as a real command under GitHub Actions' environment. A fault keeps its folder and is told with the seed
that makes it again: --seed SEED --count 1 KIND.
"""

import argparse
import contextlib
import hashlib
import io
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mutations.subjects import SUBJECTS, Place, Subject
from support.own_lease import own_lease

HANG_S = 60.0
"""Of waiting: a busy machine is slow, a pipe that nobody writes to is for ever."""
MOST_CPU_S = 10.0
EXIT_CODES = frozenset({0, 1, 2, 4, 5, 10, 11})
_HARNESS = "import sys; from harness.cli.app import main; sys.argv[0] = 'harness'; main()"


class HungError(BaseException):
    """What was run in this process did not end; no handler of errors takes it for one of its own."""


@dataclass
class Tally:
    """What became of the mutations of one kind."""

    kind: str
    how: str
    mutations: int = 0
    calls: int = 0
    held: int = 0
    """Calls that ended well."""
    refused: int = 0
    slowest_s: float = 0.0
    """Processor time of the slowest call."""
    faults: list[str] = field(default_factory=list)

    def line(self) -> str:
        return (
            f"{self.kind:10} {self.how:10} {self.mutations:6} {self.calls:6} {self.held:6} {self.refused:8} "
            f"{self.slowest_s:8.2f} {len(self.faults):6}"
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Run mutations of each kind, print a table and every fault; returns 1 where there is one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", choices=[[], *SUBJECTS], default=list(SUBJECTS), metavar="KIND")
    parser.add_argument("--count", type=int, default=150, help="mutations of each kind in this process")
    parser.add_argument("--commands", type=int, default=5, help="mutations of each kind as real commands")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for what made a fault (default: none is kept)")
    given = parser.parse_args(argv)
    tallies = [tally for kind in given.kinds or SUBJECTS for tally in run_kind(kind, given)]
    sys.stdout.write(
        f"{'kind':10} {'run':10} {'made':>6} {'calls':>6} {'held':>6} {'refused':>8} {'CPU s':>8} {'faults':>6}\n"
    )
    sys.stdout.writelines(f"{tally.line()}\n" for tally in tallies)
    sys.stdout.writelines(f"\n{tally.kind}, {tally.how}: {fault}\n" for tally in tallies for fault in tally.faults)
    return int(any(tally.faults for tally in tallies))


def run_kind(kind: str, given: argparse.Namespace) -> Iterator[Tally]:
    """The tallies of one kind: in this process, and as commands."""
    with tempfile.TemporaryDirectory(prefix="mutations-") as made, own_lease(), _here_again():
        subject = SUBJECTS[kind](Path(made) / "template")
        for how, count in (("in process", given.count), ("command", given.commands)):
            tally = Tally(kind, how)
            for seed in range(given.seed, given.seed + count):
                before = len(tally.faults)
                run_one(subject, Place(Path(made) / "place"), seed, tally)
                kept = given.keep and given.keep / f"{kind}-{seed}"
                if kept and len(tally.faults) > before and not kept.exists():
                    shutil.copytree(Path(made) / "place", kept, symlinks=True, ignore=_pipes)
            yield tally


def run_one(subject: Subject, place: Place, seed: int, tally: Tally) -> None:
    """One mutation, and all that is typed of it; a real command is slow, so that of those only one is."""
    rng = random.Random(f"{subject.kind} {seed}")  # noqa: S311 - the same for the same seed is what is wanted
    shutil.rmtree(place.folder, ignore_errors=True)
    shutil.copytree(subject.template, place.folder, symlinks=True)
    place.make_outside()
    os.chdir(place.work)
    os.environ.update(place.homes)
    before = _fingerprint(place.outside)
    subject.mutate(rng, place)
    tally.mutations += 1
    calls = subject.calls(rng, place)
    for argv in calls if tally.how == "in process" else calls[:1]:
        began = _cpu_s()
        said = _in_process(argv) if tally.how == "in process" else _as_command(argv)
        spent = _cpu_s() - began
        if said in _GOOD and spent > MOST_CPU_S:
            said = f"took {spent:.1f} s of processor time"
        if said in _GOOD and _fingerprint(place.outside) != before:
            said = "wrote outside"
        tally.calls += 1
        tally.slowest_s = max(tally.slowest_s, spent)
        tally.held += said == ""
        tally.refused += said == _REFUSED
        if said not in _GOOD:
            tally.faults.append(f"seed {seed}: harness {' '.join(argv)}: {said}")


_REFUSED = "refused"
_GOOD = ("", _REFUSED)


def _in_process(argv: Sequence[str]) -> str:
    """Run a command's body here; what it raises and is no error of ours is a fault."""
    from harness.cli.app import app
    from harness.records.errors import HarnessError

    out, before = io.StringIO(), signal.signal(signal.SIGALRM, _hung)
    signal.setitimer(signal.ITIMER_REAL, HANG_S)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = app(list(argv), standalone_mode=False)
    except HarnessError as error:
        return _REFUSED if "\n" not in str(error).strip() and len(str(error)) < 20_000 else f"no one line: {error!r}"
    except HungError:
        return f"hung: {_where()}"
    except SystemExit as end:
        code = end.code
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:200]!r}: {_where()}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return "" if code in (None, 0) else _REFUSED if code in EXIT_CODES else f"exit code {code}"


def _as_command(argv: Sequence[str]) -> str:
    """Run the real command as a job of GitHub Actions would; tracebacks, odd exit codes and steered logs are faults."""
    environment = {**os.environ, "GITHUB_ACTIONS": "true", "PYTHONWARNINGS": "ignore"}
    process = subprocess.Popen(
        [sys.executable, "-c", _HARNESS, *argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        start_new_session=True,
    )
    try:
        said = process.communicate(timeout=HANG_S)[0].decode("utf-8", "replace")
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return f"hung for {HANG_S:g} s"
    steered = sorted(set(said) & set("\x1b\x07\x9b\u202e\ufffe\x00"))
    commands = [line for line in said.splitlines() if line.lstrip().startswith("::") or "##[" in line]
    if "Traceback" in said or ("Error: " in said.split("harness:")[0] and process.returncode not in EXIT_CODES):
        return f"traceback: {said[-600:]!r}"
    if process.returncode not in EXIT_CODES:
        return f"exit code {process.returncode}: {said[-300:]!r}"
    if steered or commands:
        return f"steers the log: {steered} {commands[:2]}"
    return _REFUSED if process.returncode else ""


def _hung(_number: int, _frame: object) -> None:
    raise HungError


def _where() -> str:
    """The last three places of a traceback."""
    frames = traceback.extract_tb(sys.exc_info()[2])[-4:]
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames))


def _cpu_s() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _fingerprint(folder: Path) -> str:
    """Names, kinds, times and contents of all that lies in a folder."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        stat = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found.update(repr((str(path), stat.st_mode, stat.st_mtime_ns, content)).encode())
    return found.hexdigest()


def _pipes(folder: str, names: list[str]) -> list[str]:
    return [
        name
        for name in names
        if not (Path(folder, name).is_symlink() or Path(folder, name).is_file() or Path(folder, name).is_dir())
    ]


@contextlib.contextmanager
def _here_again() -> Iterator[None]:
    before, environment = Path.cwd(), dict(os.environ)
    try:
        yield
    finally:
        os.chdir(before)
        os.environ.clear()
        os.environ.update(environment)


if __name__ == "__main__":
    sys.exit(main())
