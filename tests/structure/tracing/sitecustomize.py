"""Found by every Python that structure.py starts or that these start: notes each file in which a function runs.

Each is appended at once, since many processes end by a signal or by os._exit. Runs on the agent's Pythons too.
"""

import os
import sys
import threading

_LOG = os.environ.get("STRUCTURE_LOG")
_FUNCTION = 1
"""The flag of code with local variables of its own (CO_OPTIMIZED)."""
_SEEN = set()
_PARTS = (os.sep + "harness" + os.sep, os.sep + "edge_agent" + os.sep, os.sep + "__main__.py")


def _note(frame, event, _argument):
    code = frame.f_code
    if event != "call" or code.co_filename in _SEEN:
        return
    # Bodies of modules and classes, and what has no name in them, run where a file is only imported.
    if not code.co_flags & _FUNCTION or code.co_name.startswith("<"):
        return
    name = code.co_filename
    _SEEN.add(name)
    if any(part in name for part in _PARTS):
        line = os.open(_LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(line, (name + "\n").encode())
        os.close(line)


def start():
    """Note files from now on."""
    threading.setprofile(_note)
    sys.setprofile(_note)


if _LOG and not os.environ.get("STRUCTURE_WAITS"):
    start()
