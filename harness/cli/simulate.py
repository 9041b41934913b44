"""harness simulate: a board made of files, in the foreground until Ctrl-C."""

import signal
import sys
import time
from pathlib import Path

from harness.testing.scripted import load_script, scripted_board


def simulate_board(
    kind: str, *, name: str | None, devices_dir: Path, script: Path | None, cycles: float | None
) -> None:
    """Run the board, its profile in ``devices_dir`` meanwhile; its script begins when it is there."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    events = load_script(script) if script is not None else []
    devices_dir.mkdir(parents=True, exist_ok=True)
    with scripted_board(kind, name=name, devices_dir=devices_dir, stub_cycles=cycles) as board:
        board.play(events)
        profile = devices_dir / f"{board.name}.toml"
        sys.stdout.write(f"{board.name} runs, simulated: timings of this machine; its profile: {profile}\n")
        sys.stdout.write("Ctrl-C ends it\n")
        sys.stdout.flush()
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            sys.stdout.write(f"\n{board.name}: ended, its profile removed\n")
