"""What candidates are compared with: found from --baseline, built or read, one file for each kind of base."""

from harness.session.baselines.choose import check_baseline, open_baseline
from harness.session.baselines.kinds import Baseline, BaselineArm, BaselineContext

__all__ = ["Baseline", "BaselineArm", "BaselineContext", "check_baseline", "open_baseline"]
