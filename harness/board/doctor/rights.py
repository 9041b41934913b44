"""The rights that tuning needs and no others: a udev rule that survives a restart, applied at once."""

import re

from harness.board.doctor.check import SUDO, Examination, at_root, harness_words, on_board
from harness.records.errors import BoardAnswerError
from harness.records.health import SystemState

RULE_FILE = "/etc/udev/rules.d/99-edge-harness.rules"
_PLAIN = re.compile(r"[\w./][\w./-]*", re.ASCII)
_GOVERNORS = "sys/devices/system/cpu/cpufreq/policy*/scaling_governor"


def rights_script(state: SystemState) -> str:
    """A shell script for root on the board: the account's group may write every policy's governor, and nothing else.

    BoardAnswerError where the board names a group, or a root, that no script should hold.
    """
    files, group = at_root(state, _GOVERNORS), state.group
    if not _PLAIN.fullmatch(group) or not _PLAIN.fullmatch(state.root):
        raise BoardAnswerError(f"the board calls its account's group {group!r}: expected letters, digits, -, _ and .")
    given = f"chgrp {group} {files} && chmod g+w {files}"
    rule = f'ACTION=="add", SUBSYSTEM=="cpu", RUN+="/bin/sh -c \'{given}\'"'
    return "\n".join(
        [
            f"# lets the group {state.group} set the CPU governor, now and after every start of the board",
            f"cat > {RULE_FILE} << 'END' &&",
            rule,
            "END",
            given,
            "",
        ]
    )


def rights_command(found: Examination) -> str:
    """What is typed here to have that script run on the board."""
    return f"{harness_words(found, 'doctor', '--rights')} | {on_board(found, f'{SUDO}sh')}"
