"""The user's SSH configuration where HOME is not the account's own home.

ssh looks ``~`` up in the account's entry and never in HOME, which containers of CI and test runs set to another folder;
the harness follows HOME everywhere. So ssh is given a copy in which ``~`` and the included files are spelled out.
"""

import getpass
import os
import re
from collections.abc import Iterator
from pathlib import Path

from harness.records.files import expand_home

_MOST_FILES = 200
_INCLUDE = re.compile(r"(?i)(\s*include)(?:\s*=\s*|\s+)(.*)")
_COMMANDS = re.compile(r"(?i)\s*(match|host|proxycommand|localcommand|remotecommand|knownhostscommand)\b")
_TILDE = re.compile(r"""(?<=[\s="])~(?=/)""")
_HOME_TOKEN = re.compile(r"(?<!%)%d")


def account_home() -> Path | None:
    """The home folder that ssh goes by; None where this user has no account, as in a container of another's."""
    try:
        import pwd

        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except (ImportError, KeyError):
        return None


def local_user() -> str:
    """The name of this user; empty where nothing says one."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        return ""


def copied_config(config: Path, system: Path, folder: Path) -> dict[Path, Path]:
    """Copies of ``config`` and all it includes in ``folder``, the main one first, each with the file it is of.

    The main one ends with what ssh itself would go on with: the system's configuration, known_hosts files of HOME.
    """
    copies = _Copies(config.parent, folder)
    main = copies.of(config)
    known = " ".join(f'"{config.parent / name}"' for name in ("known_hosts", "known_hosts2"))
    with main.open("a", encoding="utf-8", errors="surrogateescape") as file:
        file.write(f'\nMatch all\nInclude "{system}"\nUserKnownHostsFile {known}\n')
    return {copy: original for original, copy in copies.made.items()}


class _Copies:
    """The copies made so far, by the file each is of."""

    def __init__(self, base: Path, folder: Path) -> None:
        self._base = base
        self._folder = folder
        self.made: dict[Path, Path] = {}

    def of(self, original: Path) -> Path:
        """The copy of one file, and with it of all it includes; of a missing file, an empty one."""
        if original not in self.made and len(self.made) < _MOST_FILES:
            copy = self.made[original] = self._folder / f"config-{len(self.made)}"
            text = original.read_text("utf-8", errors="surrogateescape") if original.is_file() else ""
            lines = [self._line(line) for line in text.split("\n")]
            copy.write_text("\n".join(lines), "utf-8", errors="surrogateescape")
        return self.made.get(original, original)

    def _line(self, line: str) -> str:
        match = _INCLUDE.fullmatch(line)
        if match is not None:
            places = [f'"{self.of(path)}"' for place in _places(match[2]) for path in self._included(place)]
            return f"{match[1]} {' '.join(places)}" if places else "#"
        if _COMMANDS.match(line):
            return line
        home = str(self._base.parent)
        return _HOME_TOKEN.sub(lambda _: home, _TILDE.sub(lambda _: home, line))

    def _included(self, place: str) -> Iterator[Path]:
        whole = self._base / expand_home(place)
        yield from sorted(Path(whole.anchor).glob(str(whole.relative_to(whole.anchor))))


def _places(text: str) -> list[str]:
    """The words of an Include, quotes taken off."""
    return [quoted or bare for quoted, bare in re.findall(r'"([^"]*)"|(\S+)', text.partition("#")[0])]
