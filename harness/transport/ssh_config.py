"""The servers on the way to a board: the profile's words, then the SSH configuration's, then OpenSSH's defaults."""

import os
import re
import shlex
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from harness.records.device import Connection
from harness.records.errors import ProfileError
from harness.records.files import expand_home
from harness.records.ssh_address import listed_name, parse_ssh_address
from harness.transport.ssh_options import NamedServer, Options, config_path, local_user, resolve

MOST_HOPS = 8
_DEFAULT_KEYS = ("id_rsa", "id_ecdsa", "id_ed25519")
_FAMILIES = MappingProxyType({"inet": socket.AF_INET, "inet6": socket.AF_INET6})
_TOKEN = re.compile(r"%(.?)")
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_OFF = MappingProxyType(
    {
        "proxyusefdpass": ("no", "false"),
        "bindinterface": ("none",),
    }
)
"""Words that decide how a server is reached and are refused by name, and the values with which they do nothing."""
_TRUST = MappingProxyType(
    {
        "StrictHostKeyChecking": ("ask", "yes", "true"),
        "KnownHostsCommand": ("none",),
        "VerifyHostKeyDNS": ("no", "false"),
    }
)
"""Words by which OpenSSH may accept a host key that no file lists; here a key is always looked up."""
_LOGIN = MappingProxyType({"PKCS11Provider": ("none",), "CertificateFile": ("none",)})
"""Words by which OpenSSH may have keys that the harness has not."""


@dataclass(frozen=True)
class Hop:
    """One SSH server on the way; the last one is the board."""

    asked: str
    """As the profile or a jump names it."""
    host: str
    port: int
    user: str
    alias: str | None
    """The name its host key is listed under, where the configuration has a HostKeyAlias."""
    identity_files: tuple[Path, ...]
    named_key: bool
    """The profile itself names the key, so it has to be there."""
    default_keys: bool
    """Nobody names a key: ``identity_files`` are those that OpenSSH looks for by itself."""
    identities_only: bool
    agent: str | None
    """The socket of the agent; None: there is none, or it is not to be asked."""
    known_hosts: tuple[Path, ...]
    named_known_hosts: bool
    revoked_host_keys: Path | None
    proxy_command: str | None
    """A command whose input and output are the connection."""
    family: int
    bind_address: str | None
    jump: str
    """The hops before it, as ``ssh -J`` takes them; empty where it is reached from here."""
    unfollowed_trust: tuple[str, ...]
    unfollowed_login: tuple[str, ...]

    @property
    def known_name(self) -> str:
        """The server in messages: its host, and its port where that is not 22."""
        return listed_name(self.host, self.port)

    @property
    def listed_name(self) -> str:
        """The name under which known_hosts files list it."""
        return self.alias or self.known_name

    @property
    def is_direct(self) -> bool:
        """Whether any program here reaches it by its host and port, and lists it by them."""
        return not (self.jump or self.proxy_command or self.alias)


def hops(connection: Connection, device: str) -> list[Hop]:
    """Every server from here to the board, the board last; ProfileError for a host or a jump that is no name."""
    if not connection.host:
        raise ProfileError(f"{device}: connection.host is missing: expected the board's host name or address")
    host = connection.host.removeprefix("[").removesuffix("]")
    jump = _check_jump(connection.proxy_jump, device)
    way = _way(NamedServer(host, connection.user, connection.port, jump), device, above=0)
    key = _expand_home(connection.identity_file)
    if key is not None:
        way = [replace(hop, identity_files=_with(hop, key), default_keys=False) for hop in way[:-1]] + [
            replace(way[-1], identity_files=(key,), named_key=True, default_keys=False)
        ]
    known = _expand_home(connection.known_hosts)
    if known is not None:
        way = [replace(hop, known_hosts=(known,), named_known_hosts=True) for hop in way]
    return way


def _with(hop: Hop, key: Path) -> tuple[Path, ...]:
    """A jump's own keys, then the profile's: it is tried on the jumps too."""
    return (key,) if hop.default_keys else (*hop.identity_files, key)


def _check_jump(jump: str | None, device: str) -> str | None:
    if jump is None:
        return None
    if jump.lower() == "none":
        return "none"
    return ",".join(_format_jump(_jump(spec.strip(), device)) for spec in jump.split(","))


def _format_jump(asked: NamedServer) -> str:
    """A jump as ssh itself takes it."""
    host = f"[{asked.host}]" if ":" in asked.host else asked.host
    user, port = f"{asked.user}@" if asked.user else "", f":{asked.port}" if asked.port else ""
    return f"{user}{host}{port}"


def _jump(spec: str, device: str) -> NamedServer:
    try:
        found = parse_ssh_address(spec)
    except ValueError as error:
        raise ProfileError(f"{device}: proxy jump {error}") from error
    return NamedServer(found.host, found.user, found.port)


def _way(asked: NamedServer, device: str, *, above: int) -> list[Hop]:
    """The server and, before it, the jumps that lead there: each may have jumps of its own in the configuration."""
    if above >= MOST_HOPS:
        raise ProfileError(
            f"{device}: more than {MOST_HOPS} proxy jumps lead to the board: "
            f"do those of {config_path()} go in a circle?"
        )
    options = resolve(asked, device)
    hop = _hop(asked, options, device)
    jump = _one(options, "proxyjump")
    if jump is None:
        return [hop]
    if asked.jump is None:
        jump = _expand_tokens(jump, _tokens(hop), "ProxyJump", device)
    before, _, last = jump.rpartition(",")
    way = _way(replace(_jump(last.strip(), device), jump=before or None), device, above=above + 1)
    return [*way, replace(hop, proxy_command=None, jump=jump)]


def _hop(asked: NamedServer, options: Options, device: str) -> Hop:
    for word, off in _OFF.items():
        if (value := _one(options, word)) is not None and value.lower() not in off:
            raise ProfileError(
                f"{device}: {word} {value} of your SSH configuration is not followed for {asked.host}: take it out, "
                "or name a way that works without it by connection.proxy_jump"
            )
    names = options.get("identityfile", ())
    hop = Hop(
        asked=asked.host,
        host=(_one(options, "hostname") or asked.host).lower(),
        port=_port(options, asked, device),
        user=_one(options, "user") or local_user(),
        alias=(_one(options, "hostkeyalias") or "").lower() or None,
        identity_files=(),
        named_key=False,
        default_keys=_are_defaults(names),
        identities_only=(_one(options, "identitiesonly") or "no").lower() in ("yes", "true"),
        agent=None,
        known_hosts=(),
        named_known_hosts=False,
        revoked_host_keys=None,
        proxy_command=None,
        family=_FAMILIES.get(_one(options, "addressfamily") or "any", socket.AF_UNSPEC),
        bind_address=_one(options, "bindaddress"),
        jump="",
        unfollowed_trust=_set_words(options, _TRUST),
        unfollowed_login=_set_words(options, _LOGIN),
    )
    return _with_files(hop, options, device)


def _with_files(hop: Hop, options: Options, device: str) -> Hop:
    """The hop with what the configuration says in tokens: files, the agent, the proxy command."""
    tokens = _tokens(hop)

    def path(text: str, word: str) -> Path:
        return expand_home(_expand_tokens(_expand_variables(text, word, device), tokens, word, device))

    names = options.get("identityfile") or tuple(f"~/.ssh/{name}" for name in _DEFAULT_KEYS)
    known = [*_words(options, "userknownhostsfile"), *_words(options, "globalknownhostsfile")]
    revoked = _one(options, "revokedhostkeys")
    agent = _one(options, "identityagent", off=())
    command = _one(options, "proxycommand")
    command_tokens = {token: tokens[token] for token in "hnpr"}
    return replace(
        hop,
        identity_files=tuple(path(name, "IdentityFile") for name in names if name != "none"),
        known_hosts=tuple(path(name, "UserKnownHostsFile") for name in known if name != "none"),
        revoked_host_keys=path(revoked, "RevokedHostKeys") if revoked else None,
        agent=_agent_socket(agent, lambda text: str(path(text, "IdentityAgent"))),
        proxy_command=_expand_tokens(command, command_tokens, "ProxyCommand", device) if command else None,
    )


def _tokens(hop: Hop) -> Mapping[str, str]:
    """What OpenSSH's tokens stand for; %C and %j, which no file of keys is named by, are left out."""
    name = socket.gethostname()
    return {
        "%": "%",
        "d": str(Path.home()),
        "h": hop.host,
        "i": str(os.getuid()) if hasattr(os, "getuid") else "",
        "k": hop.alias or hop.asked,
        "L": name.partition(".")[0],
        "l": name,
        "n": hop.asked,
        "p": str(hop.port),
        "r": hop.user,
        "u": local_user(),
    }


def _expand_tokens(text: str, tokens: Mapping[str, str], word: str, device: str) -> str:
    def meaning(match: re.Match[str]) -> str:
        if match[1] != "%" and match[1] not in tokens:
            raise ProfileError(
                f"{device}: {word} {text} of your SSH configuration: {match[0]} is not followed: "
                "spell out what it stands for"
            )
        return tokens.get(match[1], "%")

    return _TOKEN.sub(meaning, text)


def _expand_variables(text: str, word: str, device: str) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise ProfileError(
                f"{device}: {word} {text} of your SSH configuration: the environment has no {match[1]}: set it"
            )
        return os.environ[match[1]]

    return _VARIABLE.sub(value, text)


def _agent_socket(named: str | None, path: Callable[[str], str]) -> str | None:
    """Where the agent listens: IdentityAgent's place ("none": nowhere), else that of SSH_AUTH_SOCK."""
    if named is None or named == "SSH_AUTH_SOCK":
        return os.environ.get("SSH_AUTH_SOCK") or None
    if named.lower() == "none":
        return None
    if re.fullmatch(r"\$\w+", named):
        return os.environ.get(named[1:]) or None
    return path(named)


def _one(options: Options, word: str, off: tuple[str, ...] = ("none",)) -> str | None:
    """The value of a word; None where it is not said, or said to be off."""
    value = options.get(word.lower(), ("",))[0]
    return None if not value or value.lower() in off else value


def _words(options: Options, word: str) -> list[str]:
    """The values of a word that takes several; quoted ones may hold blanks."""
    text = " ".join(options.get(word, ()))
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _port(options: Options, asked: NamedServer, device: str) -> int:
    text = _one(options, "port") or "22"
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise ProfileError(f"{device}: {config_path()} does not resolve {asked.host}: Port {text} is no port")
    return int(text)


def _are_defaults(names: tuple[str, ...]) -> bool:
    """Whether these are the files that ssh looks for by itself: it lists them where nobody names one."""
    return not names or (len(names) > len(_DEFAULT_KEYS) and all(name.startswith("~/.ssh/id_") for name in names))


def _set_words(options: Options, words: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Those of ``words`` that are set to more than doing nothing, with their values."""
    found = ((word, _one(options, word, off)) for word, off in words.items())
    return tuple(f"{word} {value}" for word, value in found if value is not None)


def _expand_home(name: str | None) -> Path | None:
    return expand_home(name) if name else None
