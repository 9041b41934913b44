"""A few words of memory that a scripted board's simulation and its stub runtime share: clocks, and who works.

Policies' clocks in kHz come first, as 32-bit numbers; then the time.monotonic_ns at which the runtime last told that it
works, and on how many threads.
"""

import mmap
import struct
import time
from pathlib import Path

SIZE = 48
MOST_POLICIES = 8
_FRESH_NS = 60_000_000
"""A runtime that said nothing for so long works no more."""


class LiveWords:
    """The simulation's side."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(SIZE))
        path.chmod(0o666)
        with path.open("r+b") as file:
            self.words = mmap.mmap(file.fileno(), SIZE)

    def show(self, khz: list[int]) -> None:
        """Tell the policies' clocks."""
        struct.pack_into(f"<{len(khz)}I", self.words, 0, *khz)

    def working_threads(self) -> int | None:
        """On how many threads the stub runtime works now; None where none ever worked."""
        told_ns, threads = struct.unpack_from("<qI", self.words, 4 * MOST_POLICIES)
        if told_ns == 0:
            return None
        return int(threads) if time.monotonic_ns() - told_ns < _FRESH_NS else 0
