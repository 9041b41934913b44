"""Which settings hold a secret, by their names: their values are never copied into what others read."""

import re
from collections.abc import Iterable, Mapping

HIDDEN = "(not shown)"

_PASSWORD = re.compile(r"(?i)(.*[_-])?(password|passwd|passphrase|pass|pwd|secret|token)")
_SECRET = re.compile(
    r"(?i)pass(word|wd|phrase|code)?|pwd|secret|token|api_?-?key|apikey|(access|account|auth|private|encryption|signing|"
    r"storage|license|service)_?-?key|(^|[_-])(key|pat|pin|auth|sas|psk)$|cred(ential)?s?|authoriz|bearer|cookie|session|"
    r"private|(^|[_-])dsn$|conn(ection)?_?-?str"
)
_SETTING = re.compile(r"(-{1,2}[\w-]+|[A-Za-z_]\w*)=(.*)", re.DOTALL)
"""--option=value, -Dname=value, NAME=value."""
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


def words_without_secrets(words: Iterable[str]) -> list[str]:
    """A command's words, the values of secrets among its options left out: --token=X, --api-key X, URLs with one."""
    shown: list[str] = []
    follows = False
    for word in words:
        setting = _SETTING.fullmatch(word)
        if follows and not word.startswith("-"):
            shown.append(HIDDEN)
        elif setting is not None and is_secret(setting[1].lstrip("-"), setting[2]):
            shown.append(f"{setting[1]}={HIDDEN}")
        else:
            shown.append(HIDDEN if _URL_USER.search(word) else word)
        follows = word.startswith("--") and setting is None and is_secret(word.lstrip("-"))
    return shown
