"""Does a run survive what happens to links and boards? Prints a table; exit status 1 where one did not.

    python tests/links/links.py --model LARGE.tflite --model SMALL.tflite [--count 100] [--slots 6] [--seed 1]

Needs root. Each run is a ``harness run`` against a real sshd in a network namespace of its own, joined by a link of
16 Mbit/s. One thing happens to it, at a random time of one moment: while it connects, while a file is uploaded, while
trials are measured. It must end right, with every entry measured once and every trial recorded once; or it must say
what is missing, and ``--resume`` must complete it.
"""

import argparse
import contextlib
import itertools
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support import agent_damage
from support.sshd import Sshd, loopback_sshd

DEVICE = "veth-links"
MOMENTS = ("connecting", "uploading", "measuring")
DOWN_S = (5, 15, 40)
ASLEEP_S = 20
DAMAGES = (
    agent_damage.empty_module,
    agent_damage.missing_module,
    agent_damage.cut_off_compiled,
    agent_damage.other_compiled,
    agent_damage.file_in_its_place,
)
SCENARIOS = (
    *(f"link down for {seconds} s" for seconds in DOWN_S),
    "sshd killed",
    f"host stopped for {ASLEEP_S} s",
    *(f"power cut, agent damaged: {damage.__name__}" for damage in DAMAGES),
)
RUN_S = 400
"""A run that takes longer hangs."""
GONE_S = 30
"""By then a board that was left is free of processes."""
TRIALS = 10
MEASURE = ("--trials", str(TRIALS), "--min-secs", "0.4", "--num-runs", "5")


@dataclass(frozen=True)
class Outcome:
    """What became of one run."""

    scenario: str
    moment: str
    ended: str
    """right | resumed | WRONG"""
    seconds: float
    codes: tuple[int, ...]
    """The run's exit code, and that of its resumption where it took one."""
    lost: bool
    """Whether the link was lost and made again; what happens may also find nothing under way."""
    why: str = ""


@dataclass(frozen=True)
class Slot:
    """Two network namespaces and the link between them."""

    number: int

    @property
    def host(self) -> str:
        return f"links-host-{os.getpid()}-{self.number}"

    @property
    def board(self) -> str:
        return f"links-board-{os.getpid()}-{self.number}"

    @property
    def address(self) -> str:
        return f"10.77.{self.number}.2"

    @contextlib.contextmanager
    def made(self) -> Iterator["Slot"]:
        """The namespaces, while they are needed."""
        try:
            for name in (self.host, self.board):
                _ip("netns", "add", name)
                _ip("-n", name, "link", "set", "lo", "up")
            _ip("-n", self.host, "link", "add", DEVICE, "type", "veth", "peer", "name", DEVICE, "netns", self.board)
            for name, last in ((self.host, 1), (self.board, 2)):
                _ip("-n", name, "address", "add", f"10.77.{self.number}.{last}/24", "dev", DEVICE)
                _ip("-n", name, "link", "set", DEVICE, "up")
                shape = ("root", "tbf", "rate", "16mbit", "burst", "64kb", "latency", "400ms")
                subprocess.run(["tc", "-n", name, "qdisc", "add", "dev", DEVICE, *shape], check=True)
            yield self
        finally:
            for name in (self.host, self.board):
                subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)

    def set_link(self, state: str) -> None:
        """Up or down, at the board's end."""
        _ip("-n", self.board, "link", "set", DEVICE, state)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


@dataclass
class Attempt:
    """One run: its folder, its board, and what happens to it."""

    slot: Slot
    server: Sshd
    folder: Path
    models: list[Path]
    chance: random.Random

    def command(self, *words: str) -> list[str]:
        harness = str(Path(sys.executable).with_name("harness"))
        return ["ip", "netns", "exec", self.slot.host, harness, *words]

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """A command of ours in the host's namespace and this attempt's folder, in a process group of its own."""
        env = {**os.environ, "XDG_CACHE_HOME": str(self.folder / "cache"), "XDG_DATA_HOME": str(self.folder / "data")}
        return subprocess.Popen(
            self.command(*words),
            cwd=self.folder,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *words: str) -> int:
        return self.ended(self.start("run", *words, "--device=board", *MEASURE))[0]

    def ended(self, process: "subprocess.Popen[str]") -> tuple[int, str]:
        """Exit code and what was said; -999 for a run that hangs."""
        try:
            said = process.communicate(timeout=RUN_S)[0]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return -999, process.communicate()[0]
        return process.returncode, said

    def await_moment(self, moment: str, process: "subprocess.Popen[str]") -> None:
        """Wait for the moment, then for a random time within it."""
        connections = self.server.log.count("Connection from")
        begun: dict[str, Callable[[], bool]] = {
            "connecting": lambda: self.server.log.count("Connection from") > connections,
            "uploading": lambda: any(
                not path.name.startswith("agent-") for path in (self.server.cache / "incoming").glob("*")
            ),
            "measuring": lambda: any(path.stat().st_size for path in self.folder.glob("reports/*/trials.jsonl")),
        }
        while process.poll() is None and not begun[moment]():
            time.sleep(0.02)
        time.sleep(self.chance.uniform(0.0, {"connecting": 0.8, "uploading": 2.5, "measuring": 5.0}[moment]))

    def strike(self, scenario: str, process: "subprocess.Popen[str]") -> None:
        """What happens."""
        if scenario.startswith("link down"):
            self.slot.set_link("down")
            time.sleep(next(seconds for seconds in DOWN_S if f" {seconds} s" in scenario))
            self.slot.set_link("up")
        elif scenario == "sshd killed":
            self.server.cut_links()
        elif scenario.startswith("host stopped"):
            os.killpg(process.pid, signal.SIGSTOP)
            time.sleep(ASLEEP_S)
            os.killpg(process.pid, signal.SIGCONT)
        else:
            for pid in self.server.processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.damage(scenario)

    def damage(self, scenario: str) -> None:
        name = scenario.rpartition(" ")[2]
        for agent in (self.server.cache / "agents").glob("*"):
            # While the agent is on its way for the first time, there is nothing yet to damage.
            if agent.is_dir():
                with contextlib.suppress(FileNotFoundError, StopIteration):
                    getattr(agent_damage, name)(agent)

    def lost(self) -> bool:
        """Whether the results tell of a link that was made again."""
        results = self.folder / "reports" / "latest" / "results.json"
        return results.exists() and "the link was lost and made again" in results.read_text()

    def wrong(self, code: int) -> str:
        """What is wrong with the run that ended, "" where nothing is."""
        try:
            results = json.loads((self.folder / "reports" / "latest" / "results.json").read_text())
        except OSError as error:
            return f"no results: {error.strerror}"
        names = Counter(entry["candidate"] for entry in results["entries"])
        if code != 0 or names != Counter(path.stem for path in self.models):
            return f"exit code {code}, entries {dict(names)}: {' '.join(results['run']['notes'])[:300]}"
        problems = [problem for entry in results["entries"] for problem in _doubled(entry)]
        return "; ".join(problems)

    def recorded_twice(self) -> str:
        lines = [
            json.loads(line) for path in self.folder.glob("reports/2*/trials.jsonl") for line in path.open() if line
        ]
        twice = [key for key, count in Counter((x["entry"], x["trial"]["index"]) for x in lines).items() if count > 1]
        return f"trials recorded twice: {twice}" if twice else ""

    def left_running(self) -> str:
        """Agents that are still on the board after a while."""
        until = time.monotonic() + GONE_S
        while time.monotonic() < until:
            left = [pid for pid in Path("/proc").glob("[0-9]*") if _names(pid, str(self.server.cache))]
            if not left:
                return ""
            time.sleep(0.5)
        return f"{len(left)} processes were left on the board"


def _doubled(entry: dict) -> list[str]:  # type: ignore[type-arg]
    """Trials of an entry that stand twice, or are missing."""
    counted = [(trial["block"], trial["arm"]) for trial in entry["trials"] if trial.get("void") is None]
    if len(counted) == TRIALS and set(Counter(counted).values()) == {5}:
        return []
    return [f"{entry['candidate']}: trials by block {dict(Counter(counted))} ({entry['reason']})"]


def _names(process: Path, text: str) -> bool:
    try:
        return text.encode() in (process / "cmdline").read_bytes()
    except OSError:
        return False


def attempt(slot: Slot, scenario: str, moment: str, *, models: list[Path], seed: int) -> Outcome:
    """One run with what happens to it."""
    folder = Path(tempfile.mkdtemp(prefix="links-"))
    prefix = ("ip", "netns", "exec", slot.board)
    try:
        with loopback_sshd(folder / "sshd", host=slot.address, prefix=prefix) as server:
            (folder / "devices").mkdir()
            (folder / "devices" / "board.toml").write_text(server.profile_text("board"))
            one = Attempt(slot, server, folder, models, random.Random(seed))  # noqa: S311 - moments, no secrets
            return _played(one, scenario, moment)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _played(one: Attempt, scenario: str, moment: str) -> Outcome:
    if scenario.startswith("power cut"):
        one.ended(one.start("doctor", "board"))
        if moment == "connecting":
            one.damage(scenario)
    began = time.monotonic()
    process = one.start("run", *map(str, one.models), "--device=board", *MEASURE)
    one.await_moment(moment, process)
    if not (scenario.startswith("power cut") and moment == "connecting"):
        one.strike(scenario, process)
    code, said = one.ended(process)
    seconds = time.monotonic() - began
    codes = [code]
    ended, why = "right", one.wrong(code) or one.recorded_twice()
    if why and code in (1, 10, 11):
        codes.append(one.run(*map(str, one.models), "--resume=reports/latest"))
        ended, again = "resumed", one.wrong(codes[-1]) or one.recorded_twice()
        why = f"{why} | resumed: {again}" if again else ""
    why = why or one.left_running()
    if why:
        ended, why = "WRONG", f"{why} | {' '.join(said.split())[-600:]}"
    return Outcome(scenario, moment, ended, round(seconds, 1), tuple(codes), one.lost(), why)


def play_all(scenarios: Sequence[str], count: int, slots: int, *, models: list[Path], seed: int) -> Iterator[Outcome]:
    """Outcomes as they come: every scenario at every moment, again and again until there are so many."""
    pairs = list(itertools.islice(itertools.cycle(itertools.product(scenarios, MOMENTS)), count))
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(slots) as pool:
        free = [stack.enter_context(Slot(number).made()) for number in range(slots)]

        def play(number: int) -> Outcome:
            slot = free.pop()
            try:
                return attempt(slot, *pairs[number], models=models, seed=seed + number)
            finally:
                free.append(slot)

        yield from pool.map(play, range(count))


def table(outcomes: list[Outcome]) -> str:
    """Markdown: per scenario and moment how many runs ended right at once, and after a resumption; seconds."""
    cells = defaultdict(list)
    for outcome in outcomes:
        cells[outcome.scenario, outcome.moment].append(outcome)
    lines = ["| what happened | " + " | ".join(MOMENTS) + " |", "|---|" + "---|" * len(MOMENTS)]
    for scenario in dict.fromkeys(outcome.scenario for outcome in outcomes):
        lines.append(f"| {scenario} | " + " | ".join(_cell(cells[scenario, moment]) for moment in MOMENTS) + " |")
    return "\n".join(lines)


def _cell(outcomes: list[Outcome]) -> str:
    if not outcomes:
        return ""
    ended = Counter(outcome.ended for outcome in outcomes)
    words = ", ".join(f"{ended[word]} {word}" for word in ("right", "resumed", "WRONG") if ended[word])
    lost = sum(outcome.lost for outcome in outcomes)
    return f"{words} ({lost} by another link), {statistics.median(outcome.seconds for outcome in outcomes):.0f} s"


def main() -> int:
    """Play, print, and say by the exit status whether all is well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", type=Path, required=True)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--slots", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scenario", action="append", choices=SCENARIOS)
    options = parser.parse_args()
    outcomes = []
    models = [path.resolve() for path in options.model]
    for outcome in play_all(
        options.scenario or SCENARIOS, options.count, options.slots, models=models, seed=options.seed
    ):
        outcomes.append(outcome)
        sys.stderr.write(json.dumps(asdict(outcome)) + "\n")
    good = sum(outcome.ended != "WRONG" for outcome in outcomes)
    sys.stdout.write(f"{table(outcomes)}\n\n{good} of {len(outcomes)} ended right, at once or resumed\n")
    return 0 if good == len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
