"""The doctor over sshd: a board on which nothing is wrong, and broken ones, whose fixes are typed as printed."""

import json
import os
import platform
import re
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support import needs
from support.commands import Said, outer_environment, run_here
from support.made_board import FIRMWARE, INTERRUPTS, PI, POLICY, TUNING, MadeBoard, made_board
from support.own_lease import own_lease
from support.sshd import Sshd, free_port, loopback_sshd

from harness.board import open_board
from harness.board.doctor import CHECKS
from harness.board.wheels import choose_wheels, fetch_wheels
from harness.cli.footprint import StoredFootprint, describe_footprint
from harness.profiles import load
from harness.records.errors import BoardUnfitError

ROOT = Path(__file__).resolve().parents[2]
LEAST_CHECKS = 20
Checks = dict[str, dict[str, Any]]


def desk_cache(folder: Path) -> Path:
    """The cache of the machine where commands are typed."""
    return folder / "cache" / "edge-harness"


@dataclass(frozen=True)
class Desk:
    """A folder with the profile of one board, where commands are typed."""

    folder: Path

    @classmethod
    def at(cls, folder: Path, profile: str) -> "Desk":
        (folder / "devices").mkdir(parents=True, exist_ok=True)
        (folder / "devices/pi.toml").write_text(profile, encoding="utf-8")
        return cls(folder)

    @property
    def environment(self) -> dict[str, str]:
        own = {"XDG_CACHE_HOME": str(desk_cache(self.folder).parent), "XDG_DATA_HOME": str(self.folder / "data")}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return outer_environment() | own | {"COLUMNS": "80", "PATH": path}

    def doctor(self, *options: str) -> Said:
        return run_here(["doctor", "pi", *options], self.folder, self.environment)

    def checks(self, *options: str, code: int | None = None) -> Checks:
        said = self.doctor("--json", *options)
        assert code in (None, said.code), said.text
        return {check["name"]: check for check in json.loads(said.out)["checks"]}

    def type(self, command: str) -> None:
        """As a person does, in a shell."""
        done = subprocess.run(
            ["sh", "-c", command], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def shut_down(board: MadeBoard) -> None:
    """Bits of the firmware for under-voltage and throttling since boot."""
    board.write(FIRMWARE, "50000")


def limit_memory(board: MadeBoard) -> None:
    """A limit where the kernel has the account's memory cgroup."""
    groups = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    one = next((path for _, names, path in groups if "memory" in names.split(",")), None)
    group, name = ("sys/fs/cgroup/memory", "memory.limit_in_bytes") if one else ("sys/fs/cgroup", "memory.max")
    place = one or next(path for number, _, path in groups if number == "0")
    board.write(f"{group}{place.rstrip('/')}/{name}", "512000000")


def keep_busy(board: MadeBoard) -> None:
    board.run(f"{sys.executable} -S -c 'while True: pass' > /dev/null 2>&1 &")


BROKEN: dict[str, tuple[Callable[[MadeBoard], object], str]] = {
    "clock of day": (lambda board: board.clock(-86_400), "1.0 days behind"),
    "governor": (lambda board: board.write(f"{POLICY}/scaling_governor", "powersave"), "powersave on policy0"),
    "frequency cap": (lambda board: board.write(f"{POLICY}/scaling_max_freq", "900000"), "0.9 of 1.5 GHz"),
    "turbo": (lambda board: board.write("sys/devices/system/cpu/cpufreq/boost", "1"), "on"),
    "power mode": (lambda board: board.write("sys/firmware/acpi/platform_profile", "low-power"), "low-power"),
    "memory and accelerator clocks": (
        lambda board: [
            board.write("sys/class/devfreq/dmc/cur_freq", "528000000"),
            board.write("sys/class/devfreq/dmc/governor", "simple_ondemand"),
        ],
        "dmc at 528 of 1600 MHz",
    ),
    "throttling": (shut_down, "throttled at some time since boot"),
    "supply voltage": (shut_down, "under-voltage at some time since boot"),
    "swap": (lambda board: board.swap(51_200), "52.43 MB of 104.9 MB in use (/var/swap)"),
    "memory limit": (limit_memory, "512 MB"),
    "busy processes": (keep_busy, "of a core"),
    "hardware": (lambda _: None, "architecture is x86_64, the profile says aarch64"),
}
"""Set-ups that warn: what is done to the board, and what is said of it."""


@dataclass(frozen=True)
class Mended:
    """What the doctor said before and after its fixes were typed."""

    before: Checks
    after: Checks


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> Mended:
    """One board with all of them at a time, each fix typed once."""
    folder = tmp_path_factory.mktemp("mended")
    with own_lease(), made_board(folder) as board:
        desk = Desk.at(folder, board.sshd.profile_text("pi", extra='[hardware]\narch = "aarch64"'))
        for breaking, _ in BROKEN.values():
            breaking(board)
        before = desk.checks(code=0)
        for fix in dict.fromkeys(before[name]["fix"] for name in BROKEN):
            desk.type(fix)
        return Mended(before, desk.checks(code=0))


@pytest.mark.board
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_set_up_has_its_line_and_a_fix_that_works(mended: Mended, name: str) -> None:
    before, after = mended.before[name], mended.after[name]
    assert (before["status"], BROKEN[name][1] in before["said"]) == ("warn", True), before
    assert before["effect"]
    assert (after["status"], after["fix"]) == ("ok", None), after


@contextmanager
def fresh_board(folder: Path, extra: str = "", account: str | None = None) -> Iterator[tuple[MadeBoard, Desk]]:
    with own_lease(), made_board(folder, account) as board:
        yield board, Desk.at(folder, board.sshd.profile_text("pi", extra=extra))


@contextmanager
def plain_board(folder: Path, extra: str = "", **connection: str) -> Iterator[tuple[Sshd, Desk]]:
    """This machine over sshd, nothing made up."""
    with own_lease(), loopback_sshd(folder) as server:
        yield server, Desk.at(folder, server.profile_text("pi", extra=extra, **connection))


def mends(desk: Desk, name: str, said: str, code: int) -> None:
    """The check fails with these words, and is ok after its fix was typed."""
    check = desk.checks(code=code)[name]
    assert (check["status"], said in check["said"]) == ("fail", True), check
    assert check["effect"]
    desk.type(check["fix"])
    after = desk.checks(code=0)[name]
    assert (after["status"], after["fix"]) == ("ok", None), after


@pytest.mark.board
def test_a_fresh_board_lists_all_checks_and_is_fit(tmp_path: Path) -> None:
    with fresh_board(tmp_path) as (_, desk):
        said = desk.doctor("-v")
        assert said.code == 0, said.text
        listed = re.findall(r"^(ok|warn|fail) +([a-z -]+): ", said.out, re.MULTILINE)
        assert [name for _, name in listed] == [check.name for check in CHECKS]
        assert len(listed) >= LEAST_CHECKS and "fail" not in dict(listed)
        assert said.out.splitlines()[-1] == "fit to measure"
        assert [line for line in said.out.splitlines() if len(line) > 80 and "fix: " not in line] == []
        short = desk.doctor().out
        assert "the last time" not in said.out and "(-v shows them)" in short and "ok    connection" not in short
        assert "the last time" in desk.checks()["spread"]["said"]


@pytest.mark.board
def test_a_changed_host_key(tmp_path: Path) -> None:
    with plain_board(tmp_path) as (server, desk):
        place, kind, key = server.known_hosts.read_text().split()
        server.known_hosts.write_text(f"{place} {kind} {key[:-4]}AAAA\n")
        shown = desk.doctor()
        assert shown.out.splitlines()[-2:] == ["1 ok (-v shows them)", "not reached, or not leased"]
        mends(desk, "host key", "has changed, or another machine answers", 11)


@pytest.mark.board
def test_a_key_that_is_not_accepted_and_a_port_where_nobody_listens(tmp_path: Path) -> None:
    with plain_board(tmp_path) as (server, desk):
        (server.folder / "authorized_keys").write_text("")
        login = desk.checks(code=11)["login"]
        assert login["status"] == "fail" and login["fix"].startswith(f"ssh-copy-id -p {server.port} -i ")
        Desk.at(tmp_path, server.profile_text("pi", port=free_port()))
        assert [(name, check["status"]) for name, check in desk.checks(code=11).items()] == [("connection", "fail")]


@pytest.mark.board
def test_a_board_that_somebody_else_holds(tmp_path: Path) -> None:
    with plain_board(tmp_path) as (_, desk):
        with open_board(load("local"), holder="ann@lab, process 7", tune=False):
            lease = desk.checks(code=11)["lease"]
        assert (lease["status"], "held by ann@lab, process 7" in lease["said"]) == ("fail", True)
        desk.type(lease["fix"])
        assert desk.checks(code=0)["lease"]["status"] == "ok"


@pytest.mark.board
def test_a_server_that_offers_slow_ciphers_alone(tmp_path: Path) -> None:
    with plain_board(tmp_path) as (server, desk):
        config = server.folder / "sshd_config"
        config.write_text(f"{config.read_text()}\nCiphers aes256-ctr\n")
        server.reload()
        found = desk.checks(code=0)
    assert found["ssh cipher"]["status"] == "warn"
    assert found["ssh cipher"]["said"].startswith("aes256-ctr, since SSH-2.0-OpenSSH")
    assert (found["ssh delay"]["status"], "TCP_NODELAY is on" in found["ssh delay"]["said"]) == ("ok", True)


SMALL_DISK = "mkdir -p {cache} && mount -t tmpfs -o {room} tmpfs {cache} && mkdir -p {cache}/store {cache}/envs/old"
FULL = "head -c 1G /dev/zero > {cache}/store/old 2> /dev/null || true"
MANY = "cd {cache}/envs/old && seq 9000 | xargs touch 2> /dev/null || true"


def on_disk(board: MadeBoard, *commands: str, room: str) -> None:
    for command in commands:
        board.run(command.format(cache=board.sshd.cache, room=room))


@pytest.mark.board
@pytest.mark.parametrize(
    ("name", "room", "filling"),
    [("disk", "size=330m", FULL), ("inodes", "nr_inodes=6000", MANY)],
    ids=["no bytes", "no inodes"],
)
def test_a_full_disk(tmp_path: Path, name: str, room: str, filling: str) -> None:
    """Where the agent cannot even be sent, and where the board knows it already."""
    with fresh_board(tmp_path) as (board, desk):
        on_disk(board, SMALL_DISK, filling, room=room)
        mends(desk, name, "free", 11)
        on_disk(board, "mkdir -p {cache}/envs/old", filling, room=room)
        mends(desk, name, "free", 10)


@pytest.mark.board
def test_what_only_hands_mend_fails_while_it_lasts(tmp_path: Path) -> None:
    with fresh_board(tmp_path, "[limits]\nmax_temp_c = 70") as (board, desk):
        board.write(FIRMWARE, "5")
        board.write("sys/class/thermal/thermal_zone0/temp", "81500")
        board.write("sys/class/thermal/cooling_device0/cur_state", "2")
        found = desk.checks(code=10)
        failed = {name: check["said"] for name, check in found.items() if check["status"] == "fail"}
        assert set(failed) == {"temperature", "throttling", "supply voltage"}
        assert "81.5 C, above the limit of 70 C" in failed["temperature"]
        assert "throttled now" in failed["throttling"] and "under-voltage now" in failed["supply voltage"]
        assert "cpufreq-cpu0 at 2" in found["cooling"]["said"]
        for relative in (FIRMWARE, "sys/class/thermal/thermal_zone0/temp"):
            board.write(relative, PI[relative])
        assert (found["throttling"]["fix"], found["supply voltage"]["fix"]) == (None, None)
        desk.type(found["temperature"]["fix"])
        assert desk.checks(code=0)["temperature"]["status"] == "ok"


WANTS = f'{TUNING}[power]\nsensors = ["hwmon:ina226"]'
GIVEN = {
    *(f"/{POLICY}/scaling_{name}" for name in ("governor", "min_freq", "max_freq")),
    *(f"/sys/class/devfreq/{one}/{name}" for one in ("gpu", "dmc") for name in ("governor", "min_freq", "max_freq")),
    *(f"/proc/irq/{number}/smp_affinity_list" for number in INTERRUPTS),
}
REFUSED = (
    "id",
    "/usr/sbin/nvpmodel -m 2",
    "/usr/sbin/nvpmodel -m 1 -f /etc/shadow",
    "/usr/sbin/nvpmodel -q",
    "/sbin/sysctl -w vm.drop_caches=1",
    "/sbin/sysctl -w vm.drop_caches=3 kernel.panic=1",
    "/sbin/sysctl -w kernel.panic=1",
)


def say_as(board: MadeBoard, user: str, command: str) -> bool:
    """Whether a command succeeds on the board as this account."""
    return board.run(f"runuser -u {user} -- {command} > /dev/null 2>&1; echo $?").strip() == "0"


def writable(board: MadeBoard, user: str) -> set[str]:
    """Files of the kernel that an account may write there, those of its own processes left out."""
    places = "/sys/devices/system /sys/class/devfreq /sys/firmware/acpi /proc/irq /proc/sys/vm"
    return set(board.run(f"runuser -u {user} -- find {places} -type f -writable").split())


@pytest.mark.board
def test_an_account_without_rights_gets_those_that_tuning_needs_and_no_others(tmp_path: Path) -> None:
    needs.need("visudo")
    with other_account() as stranger, fresh_board(tmp_path, WANTS, account="edge") as (board, desk):
        board.make_tunable()
        user = board.sshd.user
        settings = board.settings()
        sensor = board.root / "sys/class/hwmon/hwmon1/power1_input"
        sensor.chmod(0o400)
        before = desk.checks(code=0)
        names = ("tuning rights", "power sensors", "governor")
        assert [before[name]["status"] for name in names] == ["warn"] * 3
        said = before["tuning rights"]["said"]
        assert "may not set the power mode, the governor of policy0, the highest frequency of policy0" in said
        assert "the page cache; as it is, p50 stays within" in said
        assert "permission denied" in before["power sensors"]["said"]
        assert writable(board, user) == set()
        # The account is one of those that may become root, while it types.
        admin = board.root / "etc/sudoers.d/admin"
        admin.write_text(f"{user} ALL=(ALL) NOPASSWD: ALL\n")
        for name in names[:2]:
            desk.type(before[name]["fix"])
        admin.unlink()
        after = desk.checks(code=0)
        assert [after[name]["status"] for name in names] == ["ok"] * 3
        assert after["tuning rights"]["said"] == f"{user} may set all that the profile asks for"
        assert after["governor"]["said"] == "ondemand on policy0; a run sets performance and puts it back"
        assert "as a run tunes it" in after["spread"]["said"]
        assert board.settings() == settings
        gives_exactly_these(board, user, stranger)
        # A start of the board gives the kernel's own modes back; then udev runs what the rules say.
        rules = (board.root / "etc/udev/rules.d/99-edge-harness.rules").read_text().splitlines()
        given = [re.fullmatch(r'ACTION=="add", SUBSYSTEM=="(cpu|devfreq)", RUN\+="(.+)"', rule) for rule in rules]
        board.run(f"chmod 644 {' '.join(GIVEN)}")
        assert writable(board, user) == set()
        for rule in given:
            assert rule is not None and len(rule[2]) < 1024
            board.run(rule[2])
        assert writable(board, user) == GIVEN


def gives_exactly_these(board: MadeBoard, user: str, stranger: str) -> None:
    """The account may do all that tuning does and nothing beside it; another account nothing of it."""
    assert (writable(board, user), writable(board, stranger)) == (GIVEN, set())
    for mode in ("1", "0"):
        assert say_as(board, user, f"sudo -n /usr/sbin/nvpmodel -m {mode}")
        assert board.read("etc/mode") == mode
        assert not say_as(board, stranger, f"sudo -n /usr/sbin/nvpmodel -m {mode}")
    assert say_as(board, user, "sudo -n /sbin/sysctl -w vm.drop_caches=3")
    assert [words for words in REFUSED if say_as(board, user, f"sudo -n {words}")] == []
    assert board.read("etc/asked") == "-w vm.drop_caches=3"
    assert board.run("visudo -c -q; echo $?").strip() == "0"


@contextmanager
def other_account() -> Iterator[str]:
    """Somebody else on the board."""
    name = f"other-{os.urandom(3).hex()}"
    subprocess.run(["useradd", "-M", "-p", "*", "-s", "/bin/sh", name], check=True)
    try:
        yield name
    finally:
        subprocess.run(["userdel", "-f", name], check=False, capture_output=True)


def fetch_runtime(folder: Path, package: str) -> None:
    """Have it in the host's cache before the test leaves the network for one of its own."""
    version, libc = ".".join(map(str, sys.version_info[:3])), " ".join(platform.libc_ver())
    try:
        fetch_wheels(choose_wheels(platform.machine(), version, libc, package=package), desk_cache(folder))
    except BoardUnfitError as error:
        needs.missing(f"no package index can be reached: {error}")


@pytest.mark.board
def test_a_board_without_a_runtime(tmp_path: Path) -> None:
    """Its Python has neither numpy nor an interpreter."""
    fetch_runtime(tmp_path, "litert")
    bare = tmp_path / "bare"
    venv.create(bare, symlinks=True)
    with plain_board(tmp_path, python=f"{bare}/bin/python3") as (_, desk):
        before = desk.checks(code=10)
        assert (before["runtime"]["status"], "no runtime" in before["runtime"]["said"]) == ("fail", True)
        assert "model run" not in before
        desk.type(before["runtime"]["fix"])
        after = desk.checks(code=0)
        assert [after[name]["status"] for name in ("runtime", "model run")] == ["ok", "ok"]


@pytest.mark.board
def test_a_runtime_with_the_wrong_numpy(tmp_path: Path) -> None:
    """As pip leaves it: tflite-runtime 2.14 beside a numpy that it was not built for."""
    fetch_runtime(tmp_path, "tflite")
    bare = tmp_path / "bare"
    venv.create(bare, symlinks=True)
    (site,) = bare.glob("lib/python*/site-packages")
    for name, text in {
        "tflite_runtime-2.14.0.dist-info/INSTALLER": "pip",
        "tflite_runtime/__init__.py": "",
        "tflite_runtime/interpreter.py": "",
        "numpy-2.2.1.dist-info/INSTALLER": "pip",
        "numpy/__init__.py": "raise ImportError('numpy.core.multiarray failed to import')",
    }.items():
        (site / name).parent.mkdir(exist_ok=True)
        (site / name).write_text(text)
    with plain_board(tmp_path, '[runtime]\npackage = "tflite"', python=f"{bare}/bin/python3") as (_, desk):
        before = desk.checks(code=10)["model run"]
        assert before["status"] == "fail"
        assert (
            "tflite 2.14.0 with numpy 2.2.1 does not run a model" in before["said"] and "multiarray" in before["said"]
        )
        desk.type(before["fix"])
        assert desk.checks(code=0)["model run"]["status"] == "ok"


@pytest.mark.board
def test_the_footprint_of_one_image_stands_beside_that_of_another(tmp_path: Path) -> None:
    """The board measures itself; the other image is a file of the same form, with more of everything."""
    with fresh_board(tmp_path) as (_, desk):
        told = json.loads(desk.doctor("--footprint", "--json").out)
        assert told["footprint"]["sensor"] == "hwmon:ina226"
        assert told["footprint"]["idle_w"] == pytest.approx([3.1] * 3)
    other = told["footprint"] | {"idle_w": [3.4, 3.6, 3.5], "memory_used_bytes": [10**11] * 3, "processes": 10**4}
    service = {"name": "cups.service", "processes": 1, "memory_bytes": 5_000_000, "wakeups_per_s": 2.0}
    stored = StoredFootprint.model_validate(
        told | {"system": "full", "footprint": other | {"services": [service]}}, strict=False
    )
    lines = list(describe_footprint(StoredFootprint.model_validate(told, strict=False), stored, None))
    rows = {line[:24].strip(): line[24:].split(maxsplit=4) for line in lines}
    assert rows["power at rest"] == ["3.1", "W", "3.5", "W", "-0.4 W"]
    assert rows["of it the kernel's own"][4] == "the same"
    assert rows["processes"][2].startswith("-9")
    assert lines[-1] == "services only there: cups.service"
    assert lines[2:4] == ["no model runs: medians of 3 windows of 4 s (least to largest)", "power by hwmon:ina226"]
    alone = list(describe_footprint(stored, None, None))
    assert "power at rest           3.5 W (3.4 W to 3.6 W)" in alone
    assert alone[-1] == "  cups.service: 5 MB, 2.0 wake-ups/s"


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"device": 1}', "[" * 100_000])
def test_a_file_that_is_no_footprint_is_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "other.json").write_text(content)
    said = run_here(["doctor", "local", "--against", "other.json"], tmp_path)
    assert said.code == 4
    assert said.err.startswith("harness: other.json: expected what harness doctor NAME --footprint --json prints: ")
    assert len(said.err.splitlines()) == 1


@pytest.mark.board
def test_what_a_profile_asks_for_and_no_board_has_is_the_profiles_matter(tmp_path: Path) -> None:
    with fresh_board(tmp_path, '[runtime]\nnum_threads = 200\n[tuning]\ngovernor = "warp"') as (_, desk):
        found = desk.checks(code=10)
    failed = {name: (check["said"], check["fix"]) for name, check in found.items() if check["status"] == "fail"}
    assert set(failed) == {"runtime", "tuning rights"}
    assert "200 threads were asked for" in failed["runtime"][0] and failed["runtime"][1] is None
    assert "policy0 has no governor warp" in failed["tuning rights"][0] and failed["tuning rights"][1] is None


def test_the_page_has_every_check() -> None:
    rows = re.findall(r"^\| `([a-z -]+)` \| (.+) \| (.+) \|$", (ROOT / "docs/doctor.md").read_text("utf-8"), re.M)
    told = [row for row in rows if row[0] in {check.name for check in CHECKS}]
    assert told == [(check.name, check.looks_at, check.effect) for check in CHECKS]
