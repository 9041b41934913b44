"""The exception tree. Every message is one line: what, where, what was expected, what to do.

::

    HarnessError                     exit 1
    +-- UsageError                   exit 4   an option, profile, marker or budgets file is wrong
    |   +-- ProfileError
    |   +-- BudgetsError
    |   +-- CandidateSpecError       a candidate or recipe that cannot exist, seen at collection
    |   +-- ResultsFileError         a results.json that cannot be read
    |   +-- GitError                 git refused or is not there; the message has git's own words
    +-- BoardUnavailableError        exit 11  a board was not reached, not leased or cannot measure
    |   +-- UnreachableError
    |   |   +-- HandshakeError         the connection broke before the login was done
    |   +-- HostKeyError
    |   +-- AuthenticationError
    |   +-- LeaseHeldError
    |   +-- BoardUnfitError          no Python, Python too old, no runtime, disk full
    |   +-- ConnectionLostError
    |   |   +-- SilentBoardError     the link stands, but nothing comes any more
    |   |   +-- BlockLostError       amid a block; the board is there again
    |   +-- BoardAnswerError         the board answers what it was not asked, or only heartbeats
    +-- EntryError                   one entry's status becomes ERROR, the next one runs
        +-- BuildError               a factory raised, a conversion failed
        +-- ModelFileError           the file is no model a runtime can take
        +-- TrialError               the measuring process died or answered nonsense
"""

import traceback
from pathlib import Path


class HarnessError(Exception):
    """Anything the harness says to its user in one line, whatever the texts of others in it hold."""

    exit_code = 1

    def __str__(self) -> str:
        return " ".join(super().__str__().split())


def told_of(error: BaseException) -> str:
    """An error in one line: what the harness says of itself, else its kind, its words and where it arose."""
    said = " ".join(str(error).split())
    if isinstance(error, HarnessError):
        return said
    frames = [] if error.__traceback__ is None else traceback.extract_tb(error.__traceback__)
    where = f", {Path(frames[-1].filename).name} line {frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}{': ' if said else ''}{said}"


class UsageError(HarnessError):
    """An option, profile, marker or budgets file is wrong."""

    exit_code = 4


class ProfileError(UsageError):
    """A device profile is missing or wrong."""


class BudgetsError(UsageError):
    """A budget, in a marker or in budgets.toml, is wrong."""


class CandidateSpecError(UsageError):
    """A candidate or a recipe that cannot exist."""


class ResultsFileError(UsageError):
    """A results file that is missing, of another schema, or damaged."""


class GitError(UsageError):
    """Git refused, or is not there; the message has git's own words."""


class BoardUnavailableError(HarnessError):
    """A board was not reached, not leased, or cannot measure; ``fix`` is a command that mends it, or None."""

    exit_code = 11

    def __init__(self, message: str = "", *, fix: str | None = None) -> None:
        super().__init__(message)
        self.fix = fix


class UnreachableError(BoardUnavailableError):
    """No connection to the board could be made."""


class HandshakeError(UnreachableError):
    """A connection was made, and broke before the login was done."""


class HostKeyError(BoardUnavailableError):
    """The board's host key is unknown, or not the known one."""


class AuthenticationError(BoardUnavailableError):
    """The board refused the key or the user."""


class LeaseHeldError(BoardUnavailableError):
    """Somebody else holds the board."""


class BoardUnfitError(BoardUnavailableError):
    """The board lacks what measuring needs: Python, a runtime, disk space."""


class ConnectionLostError(BoardUnavailableError):
    """The board was reached, then the link or the steward went away."""


class SilentBoardError(ConnectionLostError):
    """The link stands, but nothing comes from the board any more."""


class BlockLostError(ConnectionLostError):
    """The link was lost amid a block and is there again: the block may be measured anew."""


class BoardAnswerError(BoardUnavailableError):
    """The board answers, but not what it was asked: nonsense, or heartbeats without progress."""


class EntryError(HarnessError):
    """One entry could not be measured; the next one runs."""


class BuildError(EntryError):
    """A candidate could not be built or converted."""


class ModelFileError(EntryError):
    """A file is no model that a runtime can take."""


class TrialError(EntryError):
    """A measuring process died, timed out, or answered nonsense."""
