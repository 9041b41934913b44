"""The rights that tuning needs and no others: udev rules that survive a restart, applied at once, and a file of sudo.

Files of /sys and of /proc/irq get the group of the board's account. Programs and /proc/sys have no such modes: what is
set through them the account may do by sudo, each with all its words.
"""

import re

from harness.board.doctor.check import SUDO, Examination, at_root, harness_words, on_board
from harness.records.errors import BoardAnswerError
from harness.records.health import SystemState

RULE_FILE = "/etc/udev/rules.d/99-edge-harness.rules"
SUDOERS_FILE = "/etc/sudoers.d/edge-harness"
_PLAIN = re.compile(r"[\w./][\w./-]*", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,3}", re.ASCII)
_POLICY = "sys/devices/system/cpu/cpufreq/policy*"
_POLICY_FILES = tuple(f"{_POLICY}/scaling_{name}" for name in ("governor", "min_freq", "max_freq"))
_DEVICE_FILES = tuple(f"sys/class/devfreq/*/{name}" for name in ("governor", "min_freq", "max_freq"))
_PROFILE = "sys/firmware/acpi/platform_profile"
_INTERRUPTS = "proc/irq/*/smp_affinity_list"
_NVPMODEL = "/usr/sbin/nvpmodel"
_DROP_CACHES = "/sbin/sysctl -w vm.drop_caches=3"


def rights_script(state: SystemState) -> str:
    """A shell script for root on the board: its account may write what tuning sets, and nothing else.

    BoardAnswerError where the board names a group, an account, or a root, that no script should hold.
    """
    for what, name in (("group", state.group), ("name", state.account)):
        if not _PLAIN.fullmatch(name) or not _PLAIN.fullmatch(state.root):
            raise BoardAnswerError(
                f"the board calls its account's {what} {name!r}: expected letters, digits, -, _ and ."
            )
    rules = [(subsystem, _giving(state, files)) for subsystem, files in _files(state) if files]
    return "\n".join(
        [
            f"# lets the group {state.group} set what tuning sets, now and after every start of the board",
            f"cat > {RULE_FILE} << 'END' &&",
            *(f'ACTION=="add", SUBSYSTEM=="{subsystem}", RUN+="/bin/sh -c \'{given}\'"' for subsystem, given in rules),
            "END",
            " &&\n".join(given for _, given in rules),
            *_sudoers(state),
            "",
        ]
    )


def _files(state: SystemState) -> list[tuple[str, tuple[str, ...]]]:
    """Files that the account's group may write, and at which devices' coming they are there."""
    numbered = any(_NUMBER.fullmatch(mode.key) for mode in state.power_modes)
    profile = (_PROFILE,) if state.power_modes and not numbered else ()
    return [
        ("cpu", _POLICY_FILES if state.policies else ()),
        ("cpu", profile),
        ("cpu", (_INTERRUPTS,)),
        ("devfreq", _DEVICE_FILES if state.devices else ()),
    ]


def _giving(state: SystemState, files: tuple[str, ...]) -> str:
    paths = " ".join(at_root(state, file) for file in files)
    return f"chgrp {state.group} {paths} && chmod g+w {paths}"


def _sudoers(state: SystemState) -> list[str]:
    """The account's own words for sudo; a file that visudo does not take is not left behind."""
    if not state.sudo or state.uid == 0:
        return []
    modes = [mode.key for mode in state.power_modes if _NUMBER.fullmatch(mode.key)]
    allowed = [_DROP_CACHES.replace("=", "\\="), *(f"{_NVPMODEL} -m {key}" for key in modes)]
    new = f"{SUDOERS_FILE}.new"  # sudo passes over names with a dot
    return [
        f"# lets {state.account} switch power modes and drop the page cache by sudo, with these words and no others",
        f"cat > {new} << 'END' &&",
        f"{state.account} ALL=(root) NOPASSWD: {', '.join(allowed)}",
        "END",
        f"chmod 440 {new} && visudo -cqf {new} && mv {new} {SUDOERS_FILE}",
    ]


def rights_command(found: Examination) -> str:
    """What is typed here to have that script run on the board."""
    return f"{harness_words(found, 'doctor', '--rights')} | {on_board(found, f'{SUDO}sh')}"
