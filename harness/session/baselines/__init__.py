"""What candidates are compared with, found from --baseline: ``choose`` says which kind that is.

A file, a folder of artifacts and a stored run are in ``kinds``. A commit is a ``revision``: it is built in a
``worktree``, or ``carried`` along in a folder of artifacts.
"""

from harness.session.baselines.choose import check_baseline, open_baseline
from harness.session.baselines.kinds import Baseline, BaselineArm, BaselineContext

__all__ = ["Baseline", "BaselineArm", "BaselineContext", "check_baseline", "open_baseline"]
