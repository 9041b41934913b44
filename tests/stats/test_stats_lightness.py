"""The room's import stays light."""

import subprocess
import sys


def test_importing_the_room_loads_no_scipy():
    code = "import sys, harness.stats; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
