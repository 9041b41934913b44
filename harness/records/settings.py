"""The options of one invocation, frozen, made in one place per face."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Settings:
    """What the user asked for. Durations are in seconds."""

    devices: tuple[str, ...] = ()
    devices_dir: Path | None = None
    reports_dir: Path = Path("reports")
    cache_dir: Path | None = None
    """None: edge-harness under XDG_CACHE_HOME."""
    artifacts: Path | None = None
    """A folder of built artifacts, from which candidates are taken instead of being built."""
    jobs: int = 1
    """Processes that build at the same time."""
    runtime: str | None = None
    """Overrides the profile's runtime package."""
    num_threads: int | None = None
    trials: int | None = None
    """None: the plan's default of 10."""
    time_limit_s: float = 60.0
    warmup_runs: int = 5
    num_runs: int = 50
    min_secs: float = 0.5
    max_secs: float = 30.0
    baseline: str | None = None
    """A revision, "rev:SHA", a model file, a folder of artifacts or a results file; None: no comparison."""
    alpha: float = 0.005
    """The chance, at most, that a session in which every metric keeps its limit is failed."""
    miss: float = 0.05
    """The chance that a metric beyond its limit passes."""
    inconclusive: Literal["fail", "warn"] = "fail"
    plan_only: bool = False
    """Say how many trials and minutes it would take, and touch no board."""
    resume: Path | None = None
    """The folder of a run that was killed: what it measured is kept, the rest is measured now."""
    fixed_length: bool = False
    """Whether num_runs or min_secs was asked for: then no trial is shorter, whatever the first blocks show."""
    history: str | None = None
    """Where figures of all runs are kept: a file or a database's URL; None: history.db in the reports folder."""
    seed: int = 0
    command: str = ""
