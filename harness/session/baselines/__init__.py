"""What candidates are compared with: found from --baseline, built or read, one file for each kind of base."""

from harness.session.baselines.choose import check_baseline, open_baseline
from harness.session.baselines.opponent import Base, Opponent, Surroundings

__all__ = ["Base", "Opponent", "Surroundings", "check_baseline", "open_baseline"]
