"""Entry of the zip file: ``python3 AGENT steward|watchdog|block|trial``."""

import os
import sys


def main() -> int:
    """Run the subcommand named first; the exit status is its own, 2 for an unknown one."""
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    if word == "steward":
        from edge_agent import steward

        return steward.main(sys.argv[2:])
    if word == "watchdog":
        from edge_agent import restore

        return restore.main_watchdog()
    if word in ("block", "trial"):
        from edge_agent import block

        status = block.main() if word == "block" else block.main_trial()
        # Tearing an interpreter down takes time and may crash; nothing is left to do.
        sys.stderr.flush()
        os._exit(status)
    sys.stderr.write("usage: AGENT steward|watchdog|block|trial, not %r\n" % word)
    return 2


if __name__ == "__main__":
    sys.exit(main())
