"""What the doctor prints to be typed: quoted, by the profile's own way, as root by the means that the board has."""

from dataclasses import replace

import pytest

from harness.board.doctor import CHECKS, Examination, rights_script
from harness.board.doctor.check import Answer, on_board
from harness.records.device import Connection, DeviceProfile
from harness.records.errors import BoardAnswerError
from harness.records.health import BusyProcess, CpuPolicy, PowerMode, Pressure, SystemState
from harness.records.operating_point import OperatingPoint, SettingReached

STATE = SystemState(
    root="/",
    uid=1000,
    account="pi",
    group="pi",
    sudo=True,
    time_s=0.0,
    disk=None,
    cache_bytes=0,
    cache_files=0,
    memory_available_bytes=None,
    swap_bytes=None,
    swap_used_bytes=None,
    swaps=(),
    memory_limit_file=None,
    policies=(),
    turbo=None,
    power_mode=None,
    power_modes=(),
    devices=(),
    cooling=(),
    supply_alarm=None,
    busy=(),
    steal=None,
    pressure=(),
    users=(),
    unreadable=(),
    command_line=None,
)


def found(connection: Connection | None = None, **state: object) -> Examination:
    """A board of which nothing but its state is known."""
    there = connection or Connection(host="10.0.0.7", user="pi")
    return Examination(
        DeviceProfile(name="pi", lineage=("pi",), connection=there), state=STATE.model_copy(update=state)
    )


def answer(name: str, one: Examination) -> tuple[str, str, str | None]:
    (check,) = [check for check in CHECKS if check.name == name]
    said = check.judge(one)
    assert said is not None
    return said.status, said.said, said.fix


@pytest.mark.parametrize(
    ("connection", "state", "typed"),
    [
        (Connection(host="h", user="pi"), {}, "ssh -t pi@h 'sudo reboot'"),
        (Connection(host="h", user="pi"), {"sudo": False}, "ssh root@h reboot"),
        (Connection(host="h", user="root"), {"uid": 0}, "ssh root@h reboot"),
        (
            Connection(host="h", port=2222, identity_file="~/.ssh/a b", known_hosts="/k", proxy_jump="gate"),
            {"uid": 0},
            "ssh -p 2222 -i '~/.ssh/a b' -o UserKnownHostsFile=/k -J gate h reboot",
        ),
        (Connection(transport="local"), {}, "sudo reboot"),
        (Connection(transport="local"), {"sudo": False}, "su -c reboot"),
        (Connection(transport="local"), {"uid": 0}, "reboot"),
    ],
)
def test_a_command_reaches_the_board_as_its_profile_does(
    connection: Connection, state: dict[str, object], typed: str
) -> None:
    assert on_board(found(connection, **state), "{sudo}reboot") == typed


def test_a_service_that_is_busy_is_stopped_and_what_it_is_called_stays_a_word() -> None:
    process = BusyProcess(pid=7, name="x", account="root", share=0.6, unit="a'; reboot '.service")
    status, said, fix = answer("busy processes", found(busy=(process, replace_pid(process, 8, None))))
    assert (status, said) == ("warn", "x (root, process 7) 60 % of a core, x (root, process 8) 60 % of a core")
    assert fix is not None and fix.startswith("ssh -t pi@10.0.0.7 'sudo systemctl stop ")
    assert "; reboot" in fix and "sudo kill 8" in fix


def replace_pid(process: BusyProcess, pid: int, unit: str | None) -> BusyProcess:
    return process.model_copy(update={"pid": pid, "unit": unit})


def test_a_jetson_below_its_fastest_mode() -> None:
    modes = (PowerMode(key="0", name="15W"), PowerMode(key="2", name="MAXN_SUPER"))
    slow = answer("power mode", found(power_mode="0", power_modes=modes))
    assert slow == ("warn", "15W, where MAXN_SUPER is the fastest", "ssh -t pi@10.0.0.7 'sudo nvpmodel -m 2'")
    assert answer("power mode", found(power_mode="2", power_modes=modes))[:2] == ("ok", "MAXN_SUPER")


def test_other_people_steal_and_pressure() -> None:
    assert answer("other users", found(users=("ann",)))[2] == "ssh -t pi@10.0.0.7 'sudo pkill -HUP -u ann'"
    assert answer("steal", found(steal=0.07))[:2] == (
        "warn",
        "the host of this virtual machine gave 7 % of the CPUs to others",
    )
    waits = (Pressure(resource="cpu", percent=90.0), Pressure(resource="io", percent=31.0))
    assert answer("memory and disk pressure", found(pressure=waits))[:2] == (
        "warn",
        "processes waited 31 % of the time for io",
    )


def test_what_no_script_should_hold_is_refused() -> None:
    policies = (
        CpuPolicy(name="policy0", governor=None, offered=(), max_khz=None, hardware_max_khz=None, writable=False),
    )
    modes = (PowerMode(key="0", name="15W"), PowerMode(key="1; reboot", name="MAXN"))
    script = rights_script(STATE.model_copy(update={"policies": policies, "power_modes": modes}))
    files = (f"/sys/devices/system/cpu/cpufreq/policy*/scaling_{name}" for name in ("governor", "min_freq", "max_freq"))
    assert f"\nchgrp pi {' '.join(files)} && chmod g+w " in script
    assert "\npi ALL=(root) NOPASSWD: /sbin/sysctl -w vm.drop_caches\\=3, /usr/sbin/nvpmodel -m 0\n" in script
    assert "devfreq" not in script and "platform_profile" not in script
    for odd in ({"group": "a'; reboot '"}, {"root": "/tmp/$(reboot)"}, {"account": "ALL, pi"}):
        with pytest.raises(BoardAnswerError, match="expected letters"):
            rights_script(STATE.model_copy(update=odd))


def test_without_sudo_and_for_root_nothing_is_written_for_it() -> None:
    assert all("sudoers" not in rights_script(STATE.model_copy(update=odd)) for odd in ({"sudo": False}, {"uid": 0}))


def test_what_the_board_did_not_take_of_its_tuning_is_told() -> None:
    def answer(problem: str | None, *, denied: bool) -> Answer | None:
        setting = SettingReached(
            what="governor of policy0", wanted="performance", before="x", reached="x", problem=problem, denied=denied
        )
        point = OperatingPoint(power_mode=None, clocks=(), cpus=None, settings=(setting,))
        return next(check for check in CHECKS if check.name == "tuning rights").judge(replace(found(), point=point))

    denied = answer("Permission denied", denied=True)
    assert denied and (denied.status, denied.said) == ("warn", "pi may not set the governor of policy0")
    assert denied.fix and denied.fix.startswith("harness doctor ")
    kept = answer("it reads x afterwards", denied=False)
    assert kept and (kept.status, kept.fix) == ("warn", None)
    assert kept.said == "governor of policy0 is x, not performance: it reads x afterwards"
    taken = answer(None, denied=False)
    assert taken and (taken.status, taken.said) == ("ok", "pi may set all that the profile asks for")


def test_every_check_has_a_name_of_its_own_and_judges_a_board_of_which_nothing_is_known() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS) >= 20
    nothing = replace(found(), state=None)
    assert [answer for check in CHECKS if (answer := check.judge(nothing)) and answer.status != "ok"] == []
