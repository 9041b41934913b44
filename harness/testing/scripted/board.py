"""A scripted board: the real agent behind a real sshd, over the made-up /sys and /proc of a board of a kind.

::

    with scripted_board("rpi4", devices_dir=Path("devices")) as board:   # pytest benchmarks/ --device=scripted-rpi4
        board.play([Event(2.0, {"under_voltage": True}, lasting_s=0.5)])
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from harness.records.errors import BoardUnavailableError, UsageError
from harness.testing.scripted.boards import BOARDS
from harness.testing.scripted.clocks import EMC
from harness.testing.scripted.kinds import BoardKind
from harness.testing.scripted.programs import MAILBOX_S, write_programs
from harness.testing.scripted.rails import INA3221
from harness.testing.scripted.script import Event
from harness.testing.sshd import VENV_SITE, Sshd, loopback_sshd

LABEL = "simulated: timings of this machine"
"""What stands wherever such a board is named."""
LABEL_FILE = "etc/edge-harness/simulated"
_CGROUPS = Path("/sys/fs/cgroup")
_ENDING_S = 5.0
_LOOKS = "looks"
_SITE = Path(__file__).with_name("board_site")
_STUB = Path(__file__).with_name("stub_site")
_I2C_S = 0.0006
"""Two bytes of a register over I2C at 400 kHz: address, register, address again, value."""
_BPMP_S = 0.0001
"""A question to a Jetson's boot and power management processor: temperatures, the memory clock."""
_BOUND = "cpuinfo cmdline loadavg meminfo stat swaps vmstat pressure/cpu pressure/memory pressure/io"
"""Files of /proc that are made up."""
_ENTER = """
set -e
group=$1; made=$2; over=$3; shift 3
test -z "$group" || echo 0 > "$group"
mount --make-rprivate /
mkdir -p $made/sys/fs/cgroup
mount --rbind /sys/fs/cgroup $made/sys/fs/cgroup
mount -t tmpfs tmpfs $over; mkdir $over/etc $over/etc.work $over/lib $over/lib.work
mount -t overlay etc -o lowerdir=$made/etc:/etc,upperdir=$over/etc,workdir=$over/etc.work /etc
if test -d $made/var/lib/nvpmodel; then
    mkdir -p $over/lib/nvpmodel
    mount -t overlay lib -o lowerdir=/var/lib,upperdir=$over/lib,workdir=$over/lib.work /var/lib
    mount --bind $made/var/lib/nvpmodel /var/lib/nvpmodel
fi
mount --rbind $made/sys /sys
mount -t proc proc /proc
for name in {bound}; do test ! -e /proc/$name || mount --bind $made/proc/$name /proc/$name; done
exec "$@"
"""


@dataclass
class ScriptedBoard:
    """A board that runs: how it is reached, and what happens on it."""

    name: str
    kind: BoardKind
    sshd: Sshd | None
    """None where there is no more than the board's files: see ``root``."""
    made: Path
    """The root of its made-up files, as this machine sees them."""
    _simulation: "subprocess.Popen[bytes]" = field(repr=False)
    group: Path | None = None
    """Where a process is made one of the board's, by its control group."""

    @property
    def root(self) -> str:
        """Where the agent finds /sys and /proc: ``open_board(profile, root=board.root)``."""
        return str(self.made) if self.sshd is None else "/"

    def profile_text(self, extra: str = "") -> str:
        """The board's device profile; ``extra`` is appended to it."""
        if self.sshd is None:
            return f'description = "{self.name}, {LABEL}"\n[connection]\ntransport = "local"\n{extra}\n'
        return self.sshd.profile_text(self.name, extra=extra).replace("a loopback board", LABEL)

    def set(self, **changes: Any) -> None:  # noqa: ANN401 - a number or a word, by the change's name
        """Have something happen now, to last: ``set(temp_c=82.0, throttled=True)``.

        Raises UsageError for a change that this board does not know, BoardUnavailableError where it has ended.
        """
        self.play([Event(0.0, changes)])

    def play(self, events: Sequence[Event]) -> float:
        """Have a script's events happen; the time.monotonic from which their times count. Raises like ``set``."""
        return self._ask({"events": [asdict(event) for event in events]})

    def keep(self) -> None:
        """Have ``reset`` go back to what is now; without it, to the board as it was made."""
        self._ask({"keep": True})

    def reset(self) -> None:
        """Undo all that scripts had happen, and forget what is still to come."""
        self._ask({"reset": True})

    def _ask(self, request: dict[str, Any]) -> float:
        stdin, stdout = self._simulation.stdin, self._simulation.stdout
        if stdin is None or stdout is None:
            raise BoardUnavailableError(f"{self.name}: its simulation has no pipes")
        try:
            stdin.write(json.dumps(request).encode() + b"\n")
            stdin.flush()
            answer = json.loads(stdout.readline() or b"{}")
        except BrokenPipeError:
            answer = {}
        if "error" in answer:
            raise UsageError(answer["error"])
        if "ok" not in answer:
            raise BoardUnavailableError(f"{self.name}: its simulation has ended")
        return float(answer["now_s"])

    @property
    def looks(self) -> list[float]:
        """When the agent looked at the board's state, as at both ends of every trial, by time.monotonic."""
        return [int(line) / 1e9 for line in (self.made.parent / _LOOKS).read_text().splitlines()]

    def run(self, command: str) -> str:
        """What a shell command says that root runs on the board; subprocess.CalledProcessError where it fails."""
        return subprocess.run(self._words(command), check=True, stdout=subprocess.PIPE, text=True).stdout

    @contextlib.contextmanager
    def neighbour(self, command: str = "while :; do :; done") -> Iterator[None]:
        """Some other process of the board meanwhile: a shell command, by default one that keeps a CPU busy."""
        process = subprocess.Popen(self._words(command), start_new_session=True)
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _words(self, command: str) -> list[str]:
        """How a command becomes a process of the board: in its namespaces, its control group, with its programs."""
        if self.sshd is None:
            raise UsageError(f"{self.name} has no processes of its own")
        group = f"echo 0 > {self.group}; " if self.group is not None else ""
        path = f"PATH={self.made.parent}/bin:$PATH"
        inside = ["nsenter", "--mount", "--pid", "--target", str(inner_process(self.sshd)), "sh", "-c", command]
        return ["sh", "-c", f'{group}{path} exec "$@"', "sh", *inside]

    def read(self, relative: str) -> str:
        """What one of its made-up files holds now."""
        return (self.made / relative).read_text(encoding="utf-8").strip(" \t\r\n\0")


@contextlib.contextmanager
def scripted_board(  # noqa: PLR0913 - what a board may differ in, by keyword only
    kind: str,
    *,
    name: str | None = None,
    devices_dir: Path | None = None,
    account: str | None = None,
    sshd: bool = True,
    stub_cycles: float | None = None,
) -> Iterator[ScriptedBoard]:
    """A board of a kind of BOARDS, running until the block is left. Needs root, sshd and unshare.

    Without ``sshd`` none of these is needed: the board is no more than files, which the agent on this machine reads
    where ``open_board`` is given the board's ``root``; there are no programs, no slow reads and no CPUs of its own.
    With ``devices_dir`` its profile is written there for as long, as ``NAME.toml``; its name is scripted-KIND unless
    ``name`` says else. ``account`` is as in `loopback_sshd`. With ``stub_cycles`` its runtime, LiteRT, gives real
    outputs, but an inference of any model lasts stub_cycles / (clock x threads) by the scripted clock.
    Raises UsageError for an unknown kind, BoardUnavailableError where this machine cannot have such a board.
    """
    if kind not in BOARDS:
        raise UsageError(f"there is no scripted board {kind!r}; there are {', '.join(BOARDS)}")
    if sshd and os.geteuid() != 0:
        raise BoardUnavailableError("a scripted board behind sshd needs root, for its namespaces; or say sshd=False")
    with contextlib.ExitStack() as stack:
        base = Path(tempfile.mkdtemp(prefix="edge-scripted-"))
        stack.callback(shutil.rmtree, base, ignore_errors=True)
        base.chmod(0o755)
        group = stack.enter_context(_control_group(base.name)) if sshd else None
        made, simulation = stack.enter_context(_simulate(kind, base, group))
        served = _serve(BOARDS[kind], base, group, account=account, stub_cycles=stub_cycles)
        server = stack.enter_context(served) if sshd else None
        procs = None if group is None else group.with_name("cgroup.procs")
        board = ScriptedBoard(name or f"scripted-{kind}", BOARDS[kind], server, made, simulation, procs)
        if devices_dir is not None:
            profile = devices_dir / f"{board.name}.toml"
            profile.write_text(board.profile_text(), encoding="utf-8")
            stack.callback(profile.unlink, missing_ok=True)
        yield board


@contextlib.contextmanager
def _control_group(name: str) -> Iterator[Path]:
    """A control group for the board's processes, which counts their work apart from this machine's other work."""
    unified = (_CGROUPS / "cgroup.controllers").exists()
    group = (_CGROUPS if unified else _CGROUPS / "cpuacct") / name
    try:
        group.mkdir()
    except OSError as error:
        raise BoardUnavailableError(f"no control group can be made at {group}: {error.strerror}") from error
    try:
        yield group / ("cpu.stat" if unified else "cpuacct.usage")
    finally:
        _remove_group(group)


def _remove_group(group: Path) -> None:
    """Remove the group as soon as the last of its processes, which were killed, is gone."""
    deadline = time.monotonic() + _ENDING_S
    while True:
        try:
            group.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                return
            time.sleep(0.02)
        else:
            return


@contextlib.contextmanager
def _simulate(kind: str, base: Path, usage: Path | None) -> Iterator[tuple[Path, "subprocess.Popen[bytes]"]]:
    """Run the board's simulation; the root of its files, and its process."""
    made = base / "root"
    (made / "etc" / "edge-harness").mkdir(parents=True)
    (made / LABEL_FILE).write_text(LABEL + "\n")
    write_programs(BOARDS[kind], base / "bin", made)
    words = [sys.executable, "-m", "harness.testing.scripted.simulation", kind, str(made), str(base / "live")]
    words += [] if usage is None else [str(usage)]
    # In a session of its own, as Ctrl-C is for the caller: it ends when its pipe is closed.
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    try:
        if process.stdout is None or not process.stdout.readline():
            raise BoardUnavailableError(f"the simulation of {kind} did not start")
        yield made, process
    finally:
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        process.terminate()
        process.wait(timeout=10)


@contextlib.contextmanager
def _serve(
    kind: BoardKind, base: Path, usage: Path | None, *, account: str | None, stub_cycles: float | None
) -> Iterator[Sshd]:
    """An sshd within the board's namespaces."""
    over = base / "over"
    over.mkdir()
    shutil.copytree(_SITE, base / "site", ignore=shutil.ignore_patterns("__pycache__"))
    path = str(base / "site")
    if stub_cycles is not None:
        stub = _put_stub(base)
        path = f"{path}:{stub}" + (f":{VENV_SITE}" if account else "")
    told = base / "board.json"
    told.write_text(json.dumps(_told(kind, base, stub_cycles)))
    enter = _ENTER.format(bound=_BOUND)
    prefix = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", enter, "sh"]
    env = {
        "PATH": f"{base}/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "PYTHONPATH": path,
        "EDGE_SCRIPTED_BOARD": str(told),
    }
    prefix += ["" if usage is None else str(usage.with_name("cgroup.procs")), str(base / "root"), str(over)]
    with loopback_sshd(base / "ssh", account, env=env, prefix=prefix) as server:
        try:
            yield server
        finally:
            # The first process of the namespace: with it all others end, and unshare, which heeds no SIGTERM.
            with contextlib.suppress(StopIteration, ProcessLookupError):
                os.kill(inner_process(server), signal.SIGKILL)


def _put_stub(base: Path) -> Path:
    """Put the stub runtime on the board, where Python finds it before the real one; its version says what it is."""
    stub = base / "stub"
    shutil.copytree(_STUB, stub, ignore=shutil.ignore_patterns("__pycache__"))
    info = stub / f"ai_edge_litert-{version('ai_edge_litert')}+scripted.dist-info"
    info.mkdir()
    (info / "INSTALLER").write_text("pip\n")
    return stub


def _told(kind: BoardKind, base: Path, stub_cycles: float | None) -> dict[str, Any]:
    """What the modules of ours on the board are told."""
    looks = base / _LOOKS
    looks.touch()
    looks.chmod(0o666)
    told: dict[str, Any] = {"delays_s": _delays(kind), "cpus": kind.cpus, "looks": str(looks)}
    if stub_cycles is not None:
        policies = {cpu: number for number, cluster in enumerate(kind.clusters) for cpu in cluster.cpus}
        capacities = {cpu: cluster.capacity for cluster in kind.clusters for cpu in cluster.cpus}
        told |= {
            "stub_cycles": stub_cycles,
            "live": str(base / "live"),
            "policies": [policies[cpu] for cpu in range(kind.cpus)],
            "capacities": [capacities[cpu] for cpu in range(kind.cpus)],
        }
    return told


def inner_process(server: Sshd) -> int:
    """The sshd, by its number here."""
    return next(pid for pid in server.processes() if Path(f"/proc/{pid}/comm").read_text().startswith("sshd"))


def _delays(kind: BoardKind) -> dict[str, float]:
    """Seconds that a read takes on a board, by the file's path; others come from the kernel's memory at once."""
    found: dict[str, float] = {}
    if kind.rail_sensor == "ina3221":
        for number in range(1, len(kind.rails) + 1):
            for folder in ("/sys/class/hwmon/hwmon4", f"/{INA3221}"):
                found[f"{folder}/in{number}_input"] = _I2C_S
                found[f"{folder}/curr{number}_input"] = _I2C_S
    if kind.firmware_path is not None:
        found[f"/{kind.firmware_path}/get_throttled"] = MAILBOX_S / 4
        found["/sys/class/hwmon/hwmon1/in0_lcrit_alarm"] = MAILBOX_S / 4
    if kind.emc_hz:
        for number in range(len(kind.zones)):
            found[f"/sys/class/thermal/thermal_zone{number}/temp"] = _BPMP_S
        found[f"/{EMC}/rate"] = _BPMP_S
    return found
