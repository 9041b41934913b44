"""Benchmarks on a whole ARM board that QEMU emulates, each command as a user types it, with both runtimes."""

import json
import os
import re
import shlex
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from faces.test_docs_commands import ON_AN_EMULATED_BOARD
from support.commands import HARNESS, Said, outer_environment, run_started
from support.kept_cache import kept_cache, kept_cache_home
from support.needs import need

from harness.profiles import load
from harness.records.device import Connection
from harness.records.emulation import EMULATED, WITHHELD
from harness.testing.emulated import EmulatedBoard, stop_board

BENCHMARK = """
import pytest
from harness import candidates

NETWORKS = ["kws_ds_cnn(epochs=1)", "ic_resnet8(epochs=1)"]

@pytest.mark.parametrize("candidate", candidates(*NETWORKS, recipes=["float32", "int8"]), ids=str)
@pytest.mark.budget(model_size="500 kB", peak_memory="200 MB", latency_p50="1 ms")
def test_network(bench, candidate):
    bench(candidate)
"""
OURS = "/home/debian/.cache/edge-harness"
FOUND = ["find", "/", "/tmp", "/run", "/dev/shm", "-xdev", "-cnewer", "/run/sshd"]
SYSTEM = {"/", "/dev/shm", "/run", "/run/sshd", "/run/sshd.pid", "/tmp"}
"""What changes on a board that starts."""
Steps = dict[str, float]


@pytest.fixture(autouse=True)
def programs() -> None:
    """What the tier cannot do without."""
    need("qemu")
    need("debootstrap")


@pytest.fixture
def user(tmp_path: Path) -> Path:
    """A user's folder with benchmarks."""
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks/test_networks.py").write_text(BENCHMARK, encoding="utf-8")
    return tmp_path


@pytest.fixture
def steps(record_property: Callable[[str, object], None]) -> Steps:
    """Seconds of each step, for the last line of the run."""
    found: Steps = {}
    record_property("emulated", found)
    return found


def type_line(folder: Path, line: str, steps: Steps | None = None, *, code: int = 0) -> Said:
    """What a line says that a user types in the folder; its seconds stand among the steps."""
    home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder / "data"), "XDG_CACHE_HOME": str(kept_cache_home())}
    path = f"{Path(HARNESS).parent}{os.pathsep}{os.environ['PATH']}"
    began = time.monotonic()
    said = run_started("sh", "-c", line, cwd=folder, env=outer_environment() | home | {"PATH": path, "COLUMNS": "80"})
    if steps is not None:
        words = line.replace('eval "$(', "").replace(')"', "").split()
        steps[" ".join(words[:3])] = time.monotonic() - began
    assert said.code == code, f"{line}: {said.text}"
    assert "Traceback" not in said.text
    return said


def on_board(connection: Connection, *words: str) -> subprocess.CompletedProcess[str]:
    """What the board's account says to a command, by OpenSSH with the profile's keys and no others."""
    options = ["StrictHostKeyChecking=yes", "IdentitiesOnly=yes", f"UserKnownHostsFile={connection.known_hosts}"]
    ssh = ["ssh", "-F", "none", "-i", str(connection.identity_file), *(f"-o{option}" for option in options)]
    target = ["-p", str(connection.port), f"{connection.user}@{connection.host}"]
    return subprocess.run([*ssh, *target, shlex.join(words)], capture_output=True, text=True, check=False)


def test_the_documented_commands_run_on_an_arm_board_without_internet(user: Path, steps: Steps) -> None:
    stop_board(cache_dir=kept_cache())
    try:
        said = {line: type_line(user, line, steps) for line in ON_AN_EMULATED_BOARD[:-1]}
        connection = load("emulated", user / "devices").connection
        changed = on_board(connection, *FOUND).stdout.splitlines()
    finally:
        assert "stopped" in type_line(user, ON_AN_EMULATED_BOARD[-1], steps).out
    booted, provisioned, examined, ran = said.values()
    assert "an emulator runs it" in booted.out
    assert "emulated: litert 2." in provisioned.out and "runs a model" in provisioned.out
    assert f"emulated ({EMULATED})" in examined.out and "fit to measure" in examined.out
    check_run(user, "litert", ran)
    check_changed(changed)


def test_so_they_do_with_tflite_runtime_and_512_mb(user: Path, steps: Steps) -> None:
    board = EmulatedBoard(memory="512 MB", name="test-tflite", cache_dir=kept_cache())
    stop_board(board.name, cache_dir=kept_cache())
    with board:
        steps |= board.seconds
        type_line(user, shlex.join(["harness", "add", "emulated", *board.add_arguments]), steps)
        unfit = type_line(user, "harness doctor emulated", code=10)
        assert "harness provision emulated" in unfit.out
        provisioned = type_line(user, "harness provision emulated --runtime tflite", steps)
        assert "emulated: tflite 2.14.0 runs a model" in provisioned.out
        ran = type_line(user, "pytest benchmarks/ --device=emulated", steps)
        changed = on_board(board.connection, *FOUND).stdout.splitlines()
    check_run(user, "tflite", ran)
    check_changed(changed)


def check_changed(changed: list[str]) -> None:
    """Of all files that changed since the board started none is outside of the harness' folder, but those of sshd."""
    assert any(path.startswith(OURS) for path in changed)
    assert {path for path in changed if not path.startswith(OURS)} <= {"/home/debian", "/home/debian/.cache", *SYSTEM}


def check_run(folder: Path, runtime: str, ran: Said) -> None:
    """Outputs are equal, everything says that the board is emulated, and nothing says how fast it was."""
    assert "4 passed; exit code 0" in ran.out
    run = folder / "reports/latest"
    results = json.loads((run / "results.json").read_text(encoding="utf-8"))
    assert results["devices"]["emulated"]["label"] == EMULATED
    assert results["devices"]["emulated"]["facts"]["arch"] == "aarch64"
    subjects = [f"{entry['candidate']}/{entry['recipe']}" for entry in results["entries"]]
    assert subjects == [
        f"{network}(epochs=1)/{recipe}" for network in ("kws_ds_cnn", "ic_resnet8") for recipe in ("float32", "int8")
    ]
    for entry in results["entries"]:
        assert entry["runtime"].startswith(runtime)
        assert entry["status"] == "PASS"
        assert entry["outputs"].startswith(("bit-equal with", "agree with"))
        measured = {one["metric"]: one for one in entry["measurements"]}
        assert (measured["latency_p50"]["value"], measured["latency_p50"]["reason"]) == (None, WITHHELD)
        assert measured["peak_memory"]["value"] > 0
        judged = {finding["metric"]: finding for finding in entry["findings"]}
        assert judged["latency_p50"]["reason"] == f"latency_p50: skipped, {WITHHELD}"
        assert {judged[metric]["status"] for metric in ("model_size", "peak_memory")} == {"PASS"}
        assert (entry["trials"], entry["comparisons"]) == ([], [])
    for text in (ran.out, (run / "summary.md").read_text("utf-8"), (run / "report.html").read_text("utf-8")):
        assert EMULATED in text
    for line in ("harness history", "harness compare latest latest"):
        assert not re.search(r"[0-9] (ns|µs|ms|s)\b", type_line(folder, line).out)


def test_an_old_glibc_is_refused_and_nothing_is_reached_but_ssh(tmp_path: Path, steps: Steps) -> None:
    stop_board("test-old", cache_dir=kept_cache())
    try:
        emulate = 'harness emulate --release bullseye --memory "512 MB" --name test-old'
        told = json.loads(type_line(tmp_path, f"{emulate} --json", steps).out)
        twice = type_line(tmp_path, emulate, code=4)
        assert twice.err.startswith("harness: an emulated board named test-old runs already")
        type_line(tmp_path, shlex.join([*told["add"][:2], "old", *told["add"][3:]]), steps)
        reach_nothing(Connection.model_validate(told["connection"]))
        profile = tmp_path / "devices/old.toml"
        profile.write_text(profile.read_text("utf-8") + '[runtime]\npackage = "tflite==2.14.0"\n', encoding="utf-8")
        refused = type_line(tmp_path, "harness provision old", steps, code=11).err
        assert "old: aarch64, Python 3.9.2, glibc 2.31: no runtime fits: " in refused
        assert "glibc 2.34" in refused
    finally:
        stopped = type_line(tmp_path, "harness emulate --stop --name test-old")
    assert stopped.out == "test-old: stopped\n"
    again = type_line(tmp_path, "harness emulate --stop --name test-old")
    assert again.out == "test-old: no such board runs\n"


def reach_nothing(connection: Connection) -> None:
    """The board opens no connection, not even to the machine that emulates it, which listens for one."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.settimeout(0.0)
        opening = "import socket, sys; socket.create_connection(('10.0.2.2', int(sys.argv[1])), timeout=5)"
        tried = on_board(connection, "python3", "-c", opening, str(listening.getsockname()[1]))
        assert tried.returncode == 1 and "Error" in tried.stderr
        with pytest.raises(BlockingIOError):
            listening.accept()
    asked = on_board(connection, "python3", "-c", "import socket; socket.getaddrinfo('name.example', 80)")
    assert "gaierror" in asked.stderr
