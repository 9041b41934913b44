"""What it means for an entry that measuring processes died."""

from collections import Counter
from collections.abc import Sequence

from harness.records.board import NO_FIT, Trial
from harness.records.entry import Finding
from harness.records.status import Status


def failed_trial_findings(trials: Sequence[Trial], arm: str) -> list[Finding]:
    """Findings for one arm's trials that died; empty where all lived.

    A sensor that could not be read costs the energy figure alone and is told there, and so do operators; what did not
    fit a memory limit is told by that limit.
    """
    beside = ("energy", "operators", "cross_check")
    mine = [trial for trial in trials if trial.arm == arm and trial.kind not in beside and not _is_told(trial)]
    dead = [trial for trial in mine if trial.died is not None]
    if not dead:
        return []
    fatal = next((trial for trial in dead if trial.kind == "check"), None)
    if fatal is None and all(trial.died for trial in mine if trial.kind == "latency"):
        fatal = dead[0]
    staged = [trial.died for trial in mine if trial.kind == "stages"]
    if fatal is not None:
        reason = _all_died(fatal.died or "")
    elif staged and all(staged):
        reason = f"pre- and post-processing could not be measured: {staged[0]}"
    else:
        reason = _some_died(dead, len(mine))
    return [_finding(arm, reason)]


def _is_told(trial: Trial) -> bool:
    return trial.arm == "candidate" and (trial.died or "").startswith(NO_FIT)


def _finding(arm: str, reason: str) -> Finding:
    if arm == "candidate":
        return Finding(gate="measuring", metric=None, status=Status.ERROR, reason=reason)
    # A baseline that cannot run is not the candidate's fault, but nothing can be compared with it.
    return Finding(
        gate="measuring", metric=None, status=Status.INVALID, reason=f"{arm}: {reason}; nothing to compare with"
    )


def _all_died(died: str) -> str:
    if died.startswith("killed by"):
        return f"the model aborts the process: {died}; the next candidate runs"
    return f"the model could not be measured: {died}; the next candidate runs"


def _some_died(dead: Sequence[Trial], total: int) -> str:
    counted = Counter(f"{trial.kind}: {trial.died}" for trial in dead)
    causes = ", ".join(f"{count} x {cause}" for cause, count in counted.most_common())
    return f"{len(dead)} of {total} trials died ({causes}); figures come from those that lived"
