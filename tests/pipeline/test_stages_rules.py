"""What a stages file may hold, seen without running it."""

import re

import pytest

from harness.pipeline.check.stages.stages_rules import MOST_BYTES, check_stages
from harness.records.errors import BuildError

GOOD = """
from __future__ import annotations
import numpy
import numpy.linalg
import numpy as np
from numpy import argmax

LABELS = ["cat", "dog"]


def preprocess(raw: np.ndarray | None, input=3):
    return (raw.astype(np.float32) - 127.5) / input


postprocess = lambda outputs: LABELS[argmax(outputs[0])]
"""


def refusal(tmp_path, source: str | bytes) -> str:
    path = tmp_path / "stages.py"
    path.write_bytes(source if isinstance(source, bytes) else source.encode())
    with pytest.raises(BuildError) as caught:
        check_stages(path)
    said = str(caught.value)
    assert "\n" not in said
    assert said.startswith(f"{path}")
    return said.removeprefix(str(path))


def test_numpy_and_both_functions_are_fine(tmp_path):
    path = tmp_path / "stages.py"
    path.write_text(GOOD)
    check_stages(path)


@pytest.mark.parametrize("name", ["preprocess", "postprocess"])
def test_one_function_is_enough(tmp_path, name):
    path = tmp_path / "stages.py"
    path.write_text(f"def {name}(x):\n    return x\n")
    check_stages(path)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("import PIL", "PIL"),
        ("import numpy, cv2", "cv2"),
        ("import os.path", "os.path"),
        ("from tensorflow import io", "tensorflow"),
        ("from . import labels", "."),
        ("from .labels import LABELS", ".labels"),
        ("    import scipy.signal", "scipy.signal"),
    ],
)
def test_another_import_is_refused_with_its_line(tmp_path, line, named):
    said = refusal(tmp_path, f"def preprocess(raw):\n    pass\n{line}\n")
    assert said == f", line 3: it imports {named}: a stages file imports only numpy, since boards have nothing else"


@pytest.mark.parametrize("call", ['open("labels.txt")', '__import__("os")', 'eval("1")', 'exec("1")', "input()"])
def test_what_leads_out_of_the_file_is_refused(tmp_path, call):
    said = refusal(tmp_path, f"LABELS = {call}\n\ndef preprocess(raw):\n    return raw\n")
    assert said.startswith(f", line 1: it calls {call.partition('(')[0]}: only this file is sent to boards")


@pytest.mark.parametrize(
    "source",
    [
        "def preprocess(raw):\n    if (n := len(raw)) > 3:\n        return n\n",
        "def preprocess(raw, /):\n    return raw\n",
        "def preprocess(raw):\n    match raw:\n        case 3:\n            return raw\n",
    ],
)
def test_syntax_after_python_3_7_is_refused(tmp_path, source):
    said = refusal(tmp_path, source)
    assert said.startswith(", line ")
    assert "boards may have Python 3.7, so write it the older way" in said


def test_no_python_is_said_with_the_line(tmp_path):
    assert refusal(tmp_path, "import numpy\ndef preprocess(raw:\n").startswith(", line 2: it is no Python: ")


@pytest.mark.parametrize("source", [b"\x00\x01", b"\xff\xfe\x00", b"# coding: nonsense\n"])
def test_bytes_that_are_no_text_are_refused(tmp_path, source):
    assert "no Python" in refusal(tmp_path, source)


@pytest.mark.parametrize(
    "source", ["", "import numpy\n", "class A:\n    def preprocess(self, raw):\n        return raw\n"]
)
def test_neither_function_is_refused(tmp_path, source):
    assert refusal(tmp_path, source).startswith(" defines neither preprocess nor postprocess")


def test_a_huge_file_is_refused(tmp_path):
    path = tmp_path / "stages.py"
    path.write_text("#" * (MOST_BYTES + 1))
    with pytest.raises(BuildError, match=rf"the stages file {re.escape(str(path))} cannot be read: it is larger than"):
        check_stages(path)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(BuildError, match=r"nowhere\.py cannot be read: No such file"):
        check_stages(tmp_path / "nowhere.py")
