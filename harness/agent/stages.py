"""A candidate's own pre- and post-processing: the only code run here that is not the agent's own.

It comes through the store, is checked by its sha256 once more when it is read, and runs only in a trial's own process.
"""

from __future__ import annotations

import hashlib
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, TypeVar

from edge_agent.conversion import StageMisfitError
from edge_agent.interpreters import TrialFailedError
from edge_agent.wire import one_line

if TYPE_CHECKING:
    from edge_agent.interfaces import Array

MODULE = "edge_agent_stages"
"""The private name under which the file is a module of its own."""
_Result = TypeVar("_Result")


class Stages:
    """The two functions of a file, each None where the file has none; ``name`` is the user's name for the file."""

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        namespace = self.guarded(lambda: _execute(path, name))
        self.preprocess: Optional[Callable[[Array], object]] = _function(namespace, "preprocess")
        self.postprocess: Optional[Callable[[List[Array]], object]] = _function(namespace, "postprocess")

    def guarded(self, call: Callable[[], _Result]) -> _Result:
        """Call what ends in the user's code; what it raises becomes a TrialFailedError with file and line.

        What is raised elsewhere, by the runtime for one, is passed on.
        """
        try:
            return call()
        except StageMisfitError as error:
            raise TrialFailedError("%s: %s" % (self.name, error)) from error
        except (Exception, SystemExit) as error:
            where = self._place(error)
            if where is None:
                raise
            said = one_line(str(error))
            raise TrialFailedError(
                "%s, %s raised %s%s" % (self.name, where, type(error).__name__, ": " + said if said else "")
            ) from error

    def _place(self, error: BaseException) -> Optional[str]:
        """Line and function of the user's file; None for what was raised elsewhere."""
        if isinstance(error, SyntaxError) and error.filename == self.name:
            return "line %s: the file" % error.lineno
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == self.name]
        if not frames:
            return None
        entered = frames[0].name
        return "line %s: %s" % (frames[-1].lineno, "the file" if entered == "<module>" else entered)


def _execute(path: Path, name: str) -> Dict[str, Any]:
    """The namespace of the file, compiled from the very bytes that were checked."""
    source = path.read_bytes()
    if hashlib.sha256(source).hexdigest() != path.name:
        raise TrialFailedError("%s is damaged on the board: its sha256 is another; run again" % name)
    namespace: Dict[str, Any] = {"__name__": MODULE, "__file__": name}
    exec(compile(source, name, "exec", dont_inherit=True), namespace)  # noqa: S102 - what a stages trial is for
    return namespace


def _function(namespace: Dict[str, Any], name: str) -> Optional[Callable[[Any], object]]:
    found = namespace.get(name)
    return found if callable(found) else None
