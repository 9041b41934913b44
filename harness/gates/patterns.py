"""How near a table or a waiver of budgets.toml stands to a candidate on a board."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

Rank = tuple[int, bool, int]
"""The greater stands nearer: nearness of the device, exact name before glob, literal characters of the glob."""


def matches(pattern: str, candidate: str) -> bool:
    """Whether a glob, or a name that may look like one, means the candidate."""
    return pattern == candidate or fnmatchcase(candidate, pattern)


def rank(device: str, pattern: str, *, lineage: Sequence[str], candidate: str) -> Rank | None:
    """The rank of what is written for ``device`` and ``pattern``; None where it does not concern the candidate.

    The nearest device of the lineage wins, on it an exact name beats any glob, and of two globs the one with
    more literal characters.
    """
    if device not in lineage or not matches(pattern, candidate):
        return None
    literal = sum(character not in "*?" for character in pattern)
    return (-list(lineage).index(device), pattern == candidate, literal)
