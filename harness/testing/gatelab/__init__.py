"""A laboratory for the gate: made-up noise through the real judge, to count how often it is wrong.

``python -m harness.testing.gatelab --noise iid --sessions 2000 --metrics 100 --limit 2 --slowdown 2``
"""

from harness.testing.gatelab.noise import NOISES, parse_noise
from harness.testing.gatelab.sessions import Experiment, SessionCounts, run_experiment

__all__ = ["NOISES", "Experiment", "SessionCounts", "parse_noise", "run_experiment"]
