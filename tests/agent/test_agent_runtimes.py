"""Runtimes that are on a board and do not work: the cause is named, and no model is blamed for it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from agent.agent_conversation import Steward, block, run, trial
from support.made_graphs import running_sum

Start = Callable[..., Steward]

NUMPY_ADVICE = """
try:
    try:
        raise ImportError("libopenblas64.so: cannot open shared object file: No such file or directory")
    except ImportError as error:
        raise ImportError("\\n\\nIMPORTANT: PLEASE READ THIS FOR ADVICE ON HOW TO SOLVE THIS ISSUE!\\n\\n"
                          "Original error was: " + str(error) + "\\n") from error
except ImportError as error:
    raise ImportError("Error importing numpy: you should not try to import numpy from\\n its source") from error
"""
ADVICE_ALONE = """
raise ImportError("\\nPLEASE READ THIS FOR ADVICE\\n\\nOriginal error was: No module named 'numpy.core'\\n\\n")
"""
UNMAPPED = "raise ImportError('x.so: failed to map segment from shared object')\n"
CRASH = "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n"
OTHER_NUMPY = """
class OpResolverType:
    BUILTIN_WITHOUT_DEFAULT_DELEGATES = 3
def Interpreter(**options):
    try:
        raise ImportError("numpy.core.multiarray failed to import")
    except ImportError as error:
        raise SystemError("<built-in method> returned a result with an exception set") from error
"""


@pytest.mark.parametrize("start", ["fork", "exec"])
@pytest.mark.parametrize(
    ("source", "said"),
    [
        (NUMPY_ADVICE, "libopenblas64.so: cannot open shared object file: No such file or directory"),
        (ADVICE_ALONE, "No module named 'numpy.core'"),
        (UNMAPPED, "failed to map segment from shared object (is its file system mounted noexec?)"),
        (CRASH, "the process that imports litert ended before it could: killed by SIGSEGV"),
    ],
)
def test_a_runtime_that_cannot_be_imported_is_named_with_its_cause(
    steward: Start, tmp_path: Path, source: str, said: str, start: str
) -> None:
    module = tmp_path / "site" / "ai_edge_litert"
    module.mkdir(parents=True)
    (module / "__init__.py").write_text("")
    (module / "interpreter.py").write_text(source)
    one = steward()
    asked = block([trial(one.put(running_sum()))], package="litert", site=str(module.parent), start=start)
    kind, message = one.refusal("block", block=asked)
    assert kind == "runtime"
    assert message.endswith(said)


def test_a_runtime_built_for_another_numpy_is_no_fault_of_the_model(steward: Start, tmp_path: Path) -> None:
    module = tmp_path / "site" / "ai_edge_litert"
    module.mkdir(parents=True)
    (module / "__init__.py").write_text("")
    (module / "interpreter.py").write_text(OTHER_NUMPY)
    one = steward()
    (found,) = run(one, [trial(one.put(running_sum()))], package="litert", site=str(module.parent))
    assert found.died == (
        "the runtime itself does not work here (numpy.core.multiarray failed to import): "
        "put a working one there with harness provision"
    )
