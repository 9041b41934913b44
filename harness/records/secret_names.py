"""Which settings hold a secret, by their names: their values are never copied into what others read."""

import re
from collections.abc import Mapping

HIDDEN = "(not shown)"

_PASSWORD = re.compile(r"(?i)(.*[_-])?(password|passwd|passphrase|pass|pwd|secret|token)")
_SECRET = re.compile(
    r"(?i)pass(word|wd|phrase|code)?|pwd|secret|token|api_?-?key|apikey|(access|account|auth|private|encryption|signing|"
    r"storage|license|service)_?-?key|(^|[_-])(key|pat|pin|auth|sas|psk)$|cred(ential)?s?|authoriz|bearer|cookie|session|"
    r"signature|private|(^|[_-])dsn$|conn(ection)?_?-?str"
)
_URL_USER = re.compile(r"://[^/\s@]*:[^/\s@]*@")


def is_password(name: str) -> bool:
    """Whether a key asks for a password or a token, which have no place in a profile."""
    return bool(_PASSWORD.fullmatch(name))


def is_secret(name: str, value: str = "") -> bool:
    """Whether a variable holds a secret: by its name (HF_APIKEY, AWS_ACCESS_KEY_ID), or as a URL with a password."""
    return bool(_SECRET.search(name) or _URL_USER.search(value))


def without_secrets(table: Mapping[str, str]) -> dict[str, str]:
    """The table, each secret's value replaced by `HIDDEN`."""
    return {name: HIDDEN if is_secret(name, value) else value for name, value in table.items()}
