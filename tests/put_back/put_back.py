"""Is a tuned board put back, whatever ends the run? Prints a table; exit status 1 where one was not.

    python tests/put_back/put_back.py --model FILE.tflite [--count 50] [--event "link cut"] [--slots 2] [--seed 1]

Needs root. Each run is a ``harness run`` against a board in namespaces of its own: a real sshd over made-up files, with
governor, limits of CPU and GPU clocks, power mode and interrupts that the profile tunes. At a random time one thing
happens to it. Then all settings must be as before, no process of ours left, and the lease free within its time to live
and five seconds more; a run that goes on after that must end right, and leave the same.
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
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from links.links import Slot
from support.made_board import POLICY, TUNABLE, TUNING, MadeBoard, made_board

LIVES_S = 15.0
"""The lease's time to live: how long a steward waits for its host."""
MORE_S = 5.0
LEASE = "@edge-harness-lease"
RESTART_S = 3.0
RUN_S = 300.0
"""A run that takes longer hangs."""
MEASURE = ("--trials", "10", "--min-secs", "0.5", "--num-runs", "5")
BOOTED = {f"{POLICY}/scaling_governor": "powersave", f"{POLICY}/scaling_max_freq": "1500000"}
"""What a start of the board sets by itself, other than it was before the run."""


@dataclass(frozen=True)
class Outcome:
    """What became of one run: seconds until the board was as before, and what was wrong, "" where nothing."""

    event: str
    seconds: float
    wrong: str


@dataclass
class Attempt:
    """One run on one board."""

    slot: Slot
    board: MadeBoard
    folder: Path
    host: "subprocess.Popen[bytes]"

    def kill(self, word: str) -> None:
        """Kill the agent's processes of this kind."""
        for pid in self.agents():
            with contextlib.suppress(OSError):
                if word.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                    os.kill(pid, signal.SIGKILL)

    def agents(self) -> list[int]:
        """The agent's processes on the board."""
        found = []
        for pid in self.board.sshd.processes():
            with contextlib.suppress(OSError):
                if str(self.board.sshd.cache).encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                    found.append(pid)
        return found

    def leased(self) -> bool:
        """Whether somebody holds the board, whose network namespace has the lease."""
        return LEASE in Path(f"/proc/{self.board.inner}/net/unix").read_text()

    def lacks(self, expected: dict[str, str]) -> str:
        """What is not as it should be, "" where all is."""
        found = self.board.settings()
        other = [f"{path} is {found[path]}, was {value}" for path, value in expected.items() if found[path] != value]
        left = ["the lease is held"] if self.leased() else []
        return "; ".join([*other, *left, *(f"process {pid} is left" for pid in self.agents())])

    def end_host(self, signal_number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.host.pid, signal_number)


def kill_host(one: Attempt) -> None:
    one.end_host(signal.SIGKILL)


def cut_link(one: Attempt) -> None:
    one.slot.set_link("down")


def restart_sshd(one: Attempt) -> None:
    one.board.sshd.cut_links()


def kill_steward(one: Attempt) -> None:
    one.end_host(signal.SIGSTOP)
    one.kill("steward")


def kill_steward_and_watchdog(one: Attempt) -> None:
    one.end_host(signal.SIGKILL)
    one.kill("watchdog")
    one.kill("steward")
    look(one)


def reboot(one: Attempt) -> None:
    """All processes end at once, the kernel's settings are what a start makes of them, the power mode stays."""
    one.end_host(signal.SIGKILL)
    for pid in one.board.sshd.processes()[1:]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for path, text in {**TUNABLE, **BOOTED}.items():
        one.board.write(path, text)
    one.board.run("for file in /proc/irq/*/smp_affinity_list; do echo 0-1 > $file; done")
    (one.board.made / "boot_id").write_text("66666666-7777-8888-9999-000000000000\n")
    look(one)


def look(one: Attempt) -> None:
    """Somebody leases the board again."""
    until = time.monotonic() + LIVES_S
    while not _answers(one) and time.monotonic() < until:
        time.sleep(0.2)
    subprocess.run(command(one.slot, "doctor", "board"), cwd=one.folder, stdout=subprocess.DEVNULL, check=False)


def _answers(one: Attempt) -> bool:
    """Whether the sshd listens again."""
    return f":{one.board.sshd.port:04X} 00000000:0000 0A" in Path(f"/proc/{one.board.inner}/net/tcp").read_text()


EVENTS: dict[str, Callable[[Attempt], None]] = {
    "host killed": kill_host,
    "link cut": cut_link,
    "sshd restarted": restart_sshd,
    "steward killed": kill_steward,
    "steward and watchdog killed": kill_steward_and_watchdog,
    "board started anew": reboot,
}
GOES_ON = ("link cut", "sshd restarted", "steward killed")
"""Where the host lives, and measures on."""


def command(slot: Slot, *words: str) -> list[str]:
    return ["ip", "netns", "exec", slot.host, str(Path(sys.executable).with_name("harness")), *words]


def attempt(slot: Slot, event: str, *, model: Path, seed: int) -> Outcome:
    """One run, and what happens to it."""
    folder = Path(tempfile.mkdtemp(prefix="put-back-"))
    prefix = ("ip", "netns", "exec", slot.board)
    own = {"XDG_CACHE_HOME": str(folder / "cache"), "XDG_DATA_HOME": str(folder / "data")}
    try:
        with made_board(folder / "board", restarts_s=RESTART_S, host=slot.address, prefix=prefix) as board:
            board.make_tunable()
            (folder / "devices").mkdir()
            (folder / "devices/board.toml").write_text(board.sshd.profile_text("board", extra=TUNING))
            before = board.settings()
            words = command(slot, "run", str(model), "--device=board", *MEASURE)
            with (
                (folder / "said").open("wb") as said,
                subprocess.Popen(
                    words, cwd=folder, env=os.environ | own, stdout=said, stderr=said, start_new_session=True
                ) as host,
            ):
                one = Attempt(slot, board, folder, host)
                try:
                    return _played(one, event, before, random.Random(seed).uniform(0.0, 4.0))  # noqa: S311 - no secret
                finally:
                    one.end_host(signal.SIGKILL)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _played(one: Attempt, event: str, before: dict[str, str], wait_s: float) -> Outcome:
    until = time.monotonic() + RUN_S
    while one.board.settings() == before or not list(one.folder.glob("reports/*/trials.jsonl")):
        if one.host.poll() is not None or time.monotonic() > until:
            return Outcome(event, 0.0, f"the run did not get so far: {(one.folder / 'said').read_text()[-600:]}")
        time.sleep(0.05)
    time.sleep(wait_s)
    begun = time.monotonic()
    EVENTS[event](one)
    expected = before | (BOOTED if event == "board started anew" else {})
    wrong = _await_put_back(one, expected)
    seconds = time.monotonic() - begun
    if not wrong and event in GOES_ON:
        one.slot.set_link("up")
        one.end_host(signal.SIGCONT)
        wrong = _await_end(one) or _await_put_back(one, expected)
    one.slot.set_link("up")
    return Outcome(event, round(seconds, 1), wrong)


def _await_put_back(one: Attempt, expected: dict[str, str]) -> str:
    until = time.monotonic() + LIVES_S + MORE_S
    while (lacks := one.lacks(expected)) and time.monotonic() < until:
        time.sleep(0.05)
    return lacks


def _await_end(one: Attempt) -> str:
    """The run goes on, tuned again, and ends right."""
    try:
        code = one.host.wait(RUN_S)
    except subprocess.TimeoutExpired:
        return "the run hangs"
    said = (one.folder / "said").read_text()
    if code != 0:
        return f"exit code {code}: {said[-600:]}"
    device = json.loads((one.folder / "reports/latest/results.json").read_text())["devices"]["board"]
    refused = [setting for setting in device["operating_point"]["settings"] if setting["problem"]]
    return f"not tuned: {refused}" if refused else ""


def play_all(events: Sequence[str], count: int, slots: int, *, model: Path, seed: int) -> Iterator[Outcome]:
    """Outcomes as they come, one event after the other until there are so many."""
    chosen = list(itertools.islice(itertools.cycle(events), count))
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(slots) as pool:
        free = [stack.enter_context(Slot(number).made()) for number in range(slots)]

        def play(number: int) -> Outcome:
            slot = free.pop()
            try:
                return attempt(slot, chosen[number], model=model, seed=seed + number)
            finally:
                free.append(slot)

        yield from pool.map(play, range(count))


def table(outcomes: list[Outcome]) -> str:
    """Markdown: of each event how often all was back in time, and after how many seconds."""
    lines = ["| what happened | put back | median | longest |", "|---|---|---|---|"]
    for event in dict.fromkeys(outcome.event for outcome in outcomes):
        own = [outcome for outcome in outcomes if outcome.event == event]
        seconds = [outcome.seconds for outcome in own]
        right = sum(not outcome.wrong for outcome in own)
        lines.append(f"| {event} | {right} of {len(own)} | {statistics.median(seconds):.1f} s | {max(seconds):.1f} s |")
    return "\n".join(lines)


def main() -> int:
    """Play, print, and say by the exit status whether all is well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--event", action="append", choices=EVENTS)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    outcomes = []
    events = given.event or list(EVENTS)
    for outcome in play_all(events, given.count, given.slots, model=given.model.resolve(), seed=given.seed):
        outcomes.append(outcome)
        sys.stderr.write(f"{len(outcomes)} {outcome.event}: {outcome.wrong or 'right'}, {outcome.seconds} s\n")
    right = sum(not outcome.wrong for outcome in outcomes)
    sys.stdout.write(f"{table(outcomes)}\n\n{right} of {len(outcomes)} put back in time\n")
    return 0 if right == len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
