"""Shipped fakes for tests: a board that exists only in memory, a measurement on it, and builders of records."""

from harness.testing.builders import (
    SIMULATED,
    made_up_sha256,
    make_artifact,
    make_entry,
    make_facts,
    make_golden,
    make_memory,
    make_profile,
    make_runner,
    make_stages,
    make_telemetry,
    make_trial,
)
from harness.testing.models import ANSWERS, OUTPUTS, BoardState, SimulatedModel
from harness.testing.simulate import simulate
from harness.testing.simulated import SimulatedBoard

__all__ = [
    "ANSWERS",
    "OUTPUTS",
    "SIMULATED",
    "BoardState",
    "SimulatedBoard",
    "SimulatedModel",
    "made_up_sha256",
    "make_artifact",
    "make_entry",
    "make_facts",
    "make_golden",
    "make_memory",
    "make_profile",
    "make_runner",
    "make_stages",
    "make_telemetry",
    "make_trial",
    "simulate",
]
