"""A board's power mode: a Jetson's nvpmodel, or the platform profile of a board with ACPI."""

from __future__ import annotations

import os
import re
import subprocess
from typing import Dict, List, Optional

from edge_agent.sysfs import SUDO, Root, read_answer

NVPMODEL = "nvpmodel"
"""The key of a mode that this program sets. It outlasts a start of the board."""
PROFILE = "sys/firmware/acpi/platform_profile"
STATUS = "var/lib/nvpmodel/status"
_STATUS_NUMBER = re.compile(r"pmode:0*(\d+)")
_MODE = re.compile(r"<\s*POWER_MODEL\s+ID=(\d+)\s+NAME=(\S+)\s*>")
_MOST_MODES = 64
_PATIENCE_S = 5.0
_SWITCHING_S = 30.0


def mode_key(root: Root) -> Optional[str]:
    """Which setting the power mode is, of the two; None where the board has none."""
    if root.program(NVPMODEL) is not None:
        return NVPMODEL
    return PROFILE if root.read(PROFILE) is not None else None


def read_mode(root: Root) -> Optional[str]:
    """The mode now: nvpmodel's number, or the platform profile's name."""
    program = root.program(NVPMODEL)
    words = (read_answer([program, "-q"], _PATIENCE_S) or "").split() if program is not None else []
    if words:
        return words[-1]
    return _written_mode(root)


def _written_mode(root: Root) -> Optional[str]:
    """The mode as files tell it, without asking a program."""
    status = _STATUS_NUMBER.search(root.read(STATUS) or "")
    return status.group(1) if status is not None else root.read(PROFILE)


def mode_name(root: Root) -> Optional[str]:
    """The power mode by its name, such as MAXN; the number itself where no name is known for it."""
    return _name(root, read_mode(root))


def written_name(root: Root) -> Optional[str]:
    """The same as far as files tell it, at no cost; None where only a program does."""
    return _name(root, _written_mode(root))


def needs_program(root: Root) -> bool:
    """Whether only nvpmodel tells the mode, which takes milliseconds."""
    return root.program(NVPMODEL) is not None and _STATUS_NUMBER.search(root.read(STATUS) or "") is None


def _name(root: Root, now: Optional[str]) -> Optional[str]:
    return next((mode["name"] for mode in modes(root) if mode["key"] == now), now)


def modes(root: Root) -> List[Dict[str, str]]:
    """The modes there are; a number stands for each of nvpmodel's, the name itself for a platform profile."""
    numbered = _MODE.findall(root.read("etc/nvpmodel.conf") or "")
    names = (root.read(PROFILE + "_choices") or "").split()
    found = numbered or [(name, name) for name in names]
    return [{"key": key, "name": name} for key, name in found[:_MOST_MODES]]


def switch_mode(root: Root, number: str) -> Optional[str]:
    """Have nvpmodel set a mode; None, or why it did not."""
    program = root.program(NVPMODEL)
    if program is None:
        return "there is no nvpmodel"
    words = [program, "-m", number]
    try:
        done = subprocess.run(
            words if os.getuid() == 0 or not root.real else [*SUDO, *words],
            # It asks whether to start the board anew where a mode needs that: nobody says yes.
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_SWITCHING_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    now = read_mode(root)
    if now == number:
        return None
    said = done.stdout.decode("ascii", "replace").strip().splitlines()
    if any("reboot" in line.casefold() for line in said):
        return "the board has to be started anew for it"
    return "nvpmodel says: %s" % said[-1] if said else "it reads %s afterwards" % now
