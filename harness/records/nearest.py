"""The nearest valid word to a mistyped one, and the one way in which it is offered."""

from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches


def nearest(word: str, words: Iterable[str], *, least: float = 0.6) -> str | None:
    """The first of those of ``words`` most like ``word``, upper and lower case alike; None if none is like it.

    ``least`` is how much of it must be alike, from 0 to 1.
    """
    by_folded: dict[str, str] = {}
    for known in words:
        by_folded.setdefault(known.casefold(), known)
    folded = word.casefold()
    best = get_close_matches(folded, by_folded, n=1, cutoff=least)
    if not best:
        return None
    likeness = _likeness(folded, best[0])
    return next(known for one, known in by_folded.items() if _likeness(folded, one) >= likeness)


def did_you_mean(word: str, words: Iterable[str], *, before: str = "", after: str = "") -> str:
    """The nearest of ``words`` as a question, between ``before`` and ``after``; "" where none is like ``word``."""
    close = nearest(word, words)
    return f"{before}did you mean {close}?{after}" if close else ""


def _likeness(word: str, known: str) -> float:
    return SequenceMatcher(None, known, word).ratio()
