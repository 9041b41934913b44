"""What the SSH configuration says of a server: asked of OpenSSH's own ``ssh -G`` where it is installed.

It knows Include, Match, canonical names and the files of /etc/ssh; a ``Match exec`` of the user's own files runs its
command, as it does in ``ssh BOARD``. Where there is no ssh, ``Host`` blocks are read here, and a word that decides more
is named.
"""

import contextlib
import functools
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
from harness.transport.ssh_options_home import account_home, copied_config, local_user

ASK_S = 30.0
SYSTEM_CONFIG = Path("/etc/ssh/ssh_config")
_WORD = re.compile(r"\s*(\w+)(?:\s*=\s*|\s+)(.*)")
_FOLLOWED_MATCHES = {"all", "host", "originalhost", "user", "localuser"}
_CANONICAL = "canonicalizehostname"

Options = Mapping[str, tuple[str, ...]]
"""A configuration's words in lower case, and what is said behind each, in order."""


@dataclass(frozen=True)
class Asked:
    """A server as a profile or a jump names it; None where the configuration decides."""

    host: str
    user: str | None = None
    port: int | None = None
    jump: str | None = None


def resolve(asked: Asked, device: str) -> Options:
    """What holds for the server.

    Raises ProfileError with ssh's own words where the configuration cannot be followed, UnreachableError where a
    command in it hangs.
    """
    program = shutil.which("ssh")
    # ssh refuses to do anything for a user without an account.
    if program is not None and account_home() is not None and _is_openssh(program):
        return _resolved_by_ssh(program, asked, device)
    return _resolved_here(asked, device)


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


def _resolved_by_ssh(program: str, asked: Asked, device: str) -> Options:
    words = [program, "-G"]
    words += ["-l", asked.user] if asked.user else []
    words += ["-p", str(asked.port)] if asked.port else []
    words += ["-o", f"ProxyJump={asked.jump}"] if asked.jump else []
    if Path.home() == account_home():
        return _answer([*words, "--", asked.host], {}, asked, device)
    with tempfile.TemporaryDirectory(prefix="edge-ssh-") as folder:
        copies = copied_config(config_path(), SYSTEM_CONFIG, Path(folder))
        copy = next(iter(copies))
        return _answer([*words, "-F", str(copy), "--", asked.host], copies, asked, device)


def _answer(words: list[str], copies: Mapping[Path, Path], asked: Asked, device: str) -> Options:
    try:
        status, answer, complaint = _asked(words)
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
    return _grouped(line.partition(" ")[::2] for line in answer.decode(errors="replace").splitlines())


def _asked(words: list[str]) -> tuple[int, bytes, bytes]:
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


def _resolved_here(asked: Asked, device: str) -> Options:
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
    for number, word in _deciding(text, path.parent):
        raise ProfileError(
            f"{device}: {path} line {number}: {word} is followed only where OpenSSH's ssh is installed, "
            "and it is not here: install openssh-client, or write what it gives into the profile"
        )


def _deciding(text: str, folder: Path) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        match = _WORD.match(line)
        if match is None:
            continue
        word, value = match[1].lower(), match[2].strip().strip('"')
        if word == "include" and _included(value, folder):
            yield number, "Include"
        if word == "match" and not _is_followed(value):
            yield number, f"Match {value}"
        if word == _CANONICAL and value.lower() not in ("no", "false"):
            yield number, match[1]


def _included(value: str, folder: Path) -> bool:
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


def _grouped(pairs: Iterator[tuple[str, str]]) -> Options:
    found: dict[str, tuple[str, ...]] = {}
    for word, value in pairs:
        found[word.lower()] = (*found.get(word.lower(), ()), value)
    return found
