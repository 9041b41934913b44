"""SSH servers as people write them: [user@]host[:port], ssh://..., IPv6 addresses with brackets or without."""

import ipaddress
import re
from dataclasses import dataclass

DEFAULT_PORT = 22
EXPECTED = "[user@]host[:port], an IPv6 address before a port in brackets"

_PARTS = re.compile(
    r"(?:ssh://)?(?:(?P<user>[^@\s:]+)@)?(?:\[(?P<six>[0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|(?P<name>[^@\s:\[\]]+))"
    r"(?::(?P<port>[0-9]{1,5}))?/?",
    re.ASCII,
)
_USER = re.compile(r"[^\s@'\"`;&<>|(){}\\-][^\s@'\"`;&<>|(){}\\]*")
_NAME = re.compile(r"[^\s@'\"`$\\;&<>|(){}\[\]:/%*?!,#-][^\s@'\"`$\\;&<>|(){}\[\]:/%*?!,#]*")


@dataclass(frozen=True)
class SshAddress:
    """One server; ``user`` and ``port`` are None where nothing was written."""

    host: str
    """A name, or an address without brackets."""
    user: str | None = None
    port: int | None = None


def parse_ssh_address(text: str) -> SshAddress:
    """The server in ``text``; ValueError where it is none."""
    user, _, rest = text.removeprefix("ssh://").rpartition("@")
    if is_ipv6(rest):
        found = SshAddress(rest, user or None)
    else:
        match = _PARTS.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is no {EXPECTED}")
        port = match["port"]
        found = SshAddress(match["six"] or match["name"], match["user"], int(port) if port else None)
    if not is_host(found.host) or (found.user is not None and not is_user(found.user)):
        raise ValueError(f"{text!r} is no {EXPECTED}")
    if found.port is not None and not 1 <= found.port <= 65535:
        raise ValueError(f"{text!r}: port {found.port}, expected one from 1 to 65535")
    return found


def is_host(text: str) -> bool:
    """Whether it can be a server's name or address: no blank, no character of a shell, no empty part between dots."""
    labels = text.removesuffix(".").split(".")
    return is_ipv6(text) or (bool(_NAME.fullmatch(text)) and all(0 < len(label) <= 63 for label in labels))


def is_user(text: str) -> bool:
    """Whether it can be an account's name: no blank, no character of a shell."""
    return bool(_USER.fullmatch(text)) and text.isprintable()


def is_ipv6(text: str) -> bool:
    """Whether it is an IPv6 address, without brackets; "fe80::1%eth0" is one."""
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return text.isprintable() and not re.search(r"[\s'\"`$;&<>|()]", text)


def listed_name(host: str, port: int) -> str:
    """The server as known_hosts files and messages name it: the host alone on port 22, else [host]:port."""
    return host if port == DEFAULT_PORT else f"[{host}]:{port}"
