"""Where a history is: a file or a database's URL, and how it is named without its secrets."""

import re
from typing import Any, Final

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from harness.records.files import check_plain, expand_home, real_path

WAIT_S: Final = 60.0
"""How long a writer waits for others to finish."""
_URL: Final = re.compile(
    r"(?P<scheme>[^:/?#]*://)(?:(?P<user>[^:/@]*)(?P<rest>.*)@)?(?P<place>[^?]*)(?P<query>\?.*)?", re.S
)
_HIDDEN: Final = "***"


def is_url(address: str) -> bool:
    """Whether an address is a URL; else it is a file's path."""
    return "://" in address


def to_connect(address: str) -> str:
    """The URL for SQLAlchemy; the folder of a file is made. Raises OSError."""
    if is_url(address):
        return address
    file = expand_home(address)
    check_plain(file)
    whole = real_path(file)
    whole.parent.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{whole}"


def driver_options(address: str, *, wait_s: float = WAIT_S) -> dict[str, Any]:
    """What the driver is told: how long to wait for others or for the server."""
    is_file = not is_url(address) or address.startswith("sqlite")
    return {"connect_args": {"timeout": wait_s} if is_file else {"connect_timeout": int(wait_s)}}


def shown(address: str) -> str:
    """The address for messages: without password and without parameters, which may hold one; damaged ones too."""
    match = _URL.fullmatch(address)
    if match is None:
        return address
    user = f"{match['user']}{':' + _HIDDEN if match['rest'] else ''}@" if match["user"] is not None else ""
    query = f"?{_HIDDEN}" if match["query"] else ""
    return f"{match['scheme']}{user}{match['place']}{query}"


def without_secrets(text: str, address: str) -> str:
    """A driver's message in which no part of the address' password or parameters stands."""
    for secret in sorted(_secrets(address), key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    return text


def _secrets(address: str) -> set[str]:
    match = _URL.fullmatch(address)
    if match is None:
        return set()
    found = {(match["rest"] or "").removeprefix(":"), (match["query"] or "").removeprefix("?")}
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        return found - {""}
    named = [value for name, value in url.query.items() if "pass" in name.lower()]
    texts = {part for value in named for part in ((value,) if isinstance(value, str) else value)}
    return (found | texts | {str(url.password or "")}) - {""}
