"""Naming the rooms costs nothing: what is heavy is imported where it is used."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("room", ["harness.transport", "harness.board"])
def test_a_room_imports_nothing_heavy(room):
    code = (
        f"import sys, {room}; "
        "print([name for name in ('paramiko', 'numpy', 'scipy', 'tensorflow', 'altair') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
