"""What the SSH configuration says of a server: asked of OpenSSH's own ``ssh -G`` where it is installed.

It knows Include, Match, canonical names and the files of /etc/ssh; a ``Match exec`` of the user's own files runs its
command, as it does in ``ssh BOARD``. Where there is no ssh, ``Host`` blocks are read here, and a word that decides more
is named.
"""

import contextlib
import functools
import getpass
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import paramiko

from harness.records.errors import ProfileError, UnreachableError
from harness.records.files import expand_home, read_text
from harness.records.ssh_address import DEFAULT_PORT
from harness.records.text import visible

_MOST_FILES = 200
_INCLUDE = re.compile(r"(?i)(\s*include)(?:\s*=\s*|\s+)(.*)")
_COMMANDS = re.compile(r"(?i)\s*(match|host|proxycommand|localcommand|remotecommand|knownhostscommand)\b")
_TILDE = re.compile(r"""(?<=[\s="])~(?=/)""")
_HOME_TOKEN = re.compile(r"(?<!%)%d")
ASK_S = 30.0
SYSTEM_CONFIG = Path("/etc/ssh/ssh_config")
_WORD = re.compile(r"\s*(\w+)(?:\s*=\s*|\s+)(.*)")
_FOLLOWED_MATCHES = {"all", "host", "originalhost", "user", "localuser"}
_CANONICAL = "canonicalizehostname"
Options = Mapping[str, tuple[str, ...]]
"""A configuration's words in lower case, and what is said behind each, in order."""


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


@dataclass(frozen=True)
class NamedServer:
    """A server as a profile or a jump names it; None where the configuration decides."""

    host: str
    user: str | None = None
    port: int | None = None
    jump: str | None = None


def resolve(asked: NamedServer, device: str) -> Options:
    """What holds for the server.

    Raises ProfileError with ssh's own words where the configuration cannot be followed, UnreachableError where a
    command in it hangs.
    """
    program = shutil.which("ssh")
    # ssh refuses to do anything for a user without an account.
    if program is not None and account_home() is not None and _is_openssh(program):
        return _resolve_by_ssh(program, asked, device)
    return _resolve_here(asked, device)


@functools.cache
def _is_openssh(program: str) -> bool:
    """Whether it knows -G: other clients (Dropbear's) would connect, or take it for something else."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(
            [program, "-V"], stdin=subprocess.DEVNULL, capture_output=True, timeout=ASK_S, check=False
        )
        return b"OpenSSH" in done.stderr + done.stdout
    return False


def config_path() -> Path:
    """The user's own configuration."""
    return Path.home() / ".ssh" / "config"


def _resolve_by_ssh(program: str, asked: NamedServer, device: str) -> Options:
    words = [program, "-G"]
    words += ["-l", asked.user] if asked.user else []
    words += ["-p", str(asked.port)] if asked.port else []
    words += ["-o", f"ProxyJump={asked.jump}"] if asked.jump else []
    if Path.home() == account_home():
        return _ask_ssh([*words, "--", asked.host], {}, asked, device)
    with tempfile.TemporaryDirectory(prefix="edge-ssh-") as folder:
        copies = copy_config(config_path(), SYSTEM_CONFIG, Path(folder))
        copy = next(iter(copies))
        return _ask_ssh([*words, "-F", str(copy), "--", asked.host], copies, asked, device)


def _ask_ssh(words: list[str], copies: Mapping[Path, Path], asked: NamedServer, device: str) -> Options:
    try:
        status, answer, complaint = _run_ssh(words)
    except subprocess.TimeoutExpired as error:
        raise UnreachableError(
            f"{device}: ssh -G {asked.host} took more than {ASK_S:g} s: "
            "does a Match exec of your SSH configuration hang?"
        ) from error
    except OSError as error:
        raise ProfileError(f"{device}: {words[0]} does not start: {error.strerror}") from error
    if status != 0:
        said = complaint.decode(errors="replace")
        for copy, original in reversed(list(copies.items())):  # config-1 is a part of config-10
            said = said.replace(str(copy), str(original))
        lines = [" ".join(line.split()) for line in said.splitlines() if "Pseudo-terminal" not in line]
        raise ProfileError(
            f"{device}: ssh does not resolve {asked.host}: {visible('; '.join(lines))[:500] or 'no reason given'}"
        )
    return _group_words(line.partition(" ")[::2] for line in answer.decode(errors="replace").splitlines())


def _run_ssh(words: list[str]) -> tuple[int, bytes, bytes]:
    """Exit status, stdout, stderr; after `ASK_S` seconds it is ended, and with it what the configuration started."""
    with subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as child:
        try:
            answer, complaint = child.communicate(timeout=ASK_S)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            raise
        return child.returncode, answer, complaint


def _resolve_here(asked: NamedServer, device: str) -> Options:
    if not local_user():
        raise ProfileError(
            f"{device}: this user has no account on this host, and the SSH configuration cannot be followed without a "
            "name: set the environment variable USER"
        )
    texts = []
    for path in (config_path(), SYSTEM_CONFIG):
        text = _read(path, device)
        _refuse_deciding(text, path, device)
        texts.append(text)
    try:
        config = paramiko.SSHConfig.from_text("\nMatch all\n".join(texts))
        found = dict(config.lookup(asked.host))
    except (paramiko.SSHException, ImportError, ValueError, KeyError) as error:
        raise ProfileError(f"{device}: {config_path()} does not resolve {asked.host}: {error}") from error
    if asked.jump:
        found.pop("proxycommand", None)
    given = {"user": asked.user, "port": asked.port, "proxyjump": asked.jump}
    found.update({word: str(value) for word, value in given.items() if value})
    found.setdefault("user", local_user())
    found.setdefault("port", str(DEFAULT_PORT))
    own = " ".join(str(path) for name in ("known_hosts", "known_hosts2") if (path := Path.home() / ".ssh" / name))
    found.setdefault("userknownhostsfile", own)
    found.setdefault("globalknownhostsfile", "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2")
    return {word: tuple(value) if isinstance(value, list) else (value,) for word, value in found.items()}


def _read(path: Path, device: str) -> str:
    if not path.is_file():
        return ""
    try:
        return read_text(path)
    except OSError as error:
        raise ProfileError(f"{device}: {path} cannot be read: {error}") from error


def _refuse_deciding(text: str, path: Path, device: str) -> None:
    """ProfileError for a word that may lead to another server and that only ssh itself follows."""
    for number, word in _deciding_words(text, path.parent):
        raise ProfileError(
            f"{device}: {path} line {number}: {word} is followed only where OpenSSH's ssh is installed, "
            "and it is not here: install openssh-client, or write what it gives into the profile"
        )


def _deciding_words(text: str, folder: Path) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        match = _WORD.match(line)
        if match is None:
            continue
        word, value = match[1].lower(), match[2].strip().strip('"')
        if word == "include" and _includes_any(value, folder):
            yield number, "Include"
        if word == "match" and not _is_followed(value):
            yield number, f"Match {value}"
        if word == _CANONICAL and value.lower() not in ("no", "false"):
            yield number, match[1]


def _includes_any(value: str, folder: Path) -> bool:
    """Whether an Include takes any file in."""
    places = [str(folder / expand_home(place)) for place in value.split()]
    return any(True for place in places for _ in Path("/").glob(place.lstrip("/")))


def _is_followed(criteria: str) -> bool:
    try:
        words = shlex.split(criteria.lower())
    except ValueError:
        return False
    names = [word.lstrip("!") for word in words]
    return names == ["all"] or (len(names) % 2 == 0 and set(names[::2]) <= _FOLLOWED_MATCHES - {"all"})


def _group_words(pairs: Iterator[tuple[str, str]]) -> Options:
    found: dict[str, tuple[str, ...]] = {}
    for word, value in pairs:
        found[word.lower()] = (*found.get(word.lower(), ()), value)
    return found


def copy_config(config: Path, system: Path, folder: Path) -> dict[Path, Path]:
    """Copies of ``config`` and all it includes in ``folder``, the main one first, each with the file it is of.

    They are for an account whose own home is not HOME. ssh looks ``~`` up in the account's entry and never in HOME,
    which containers of CI and test runs set to another folder; the harness follows HOME everywhere. So in the copies
    ``~`` and the included files are spelled out.

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
