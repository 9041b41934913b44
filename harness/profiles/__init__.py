"""Device profiles: one TOML file a board, found by name, merged with what it extends, and checked.

``suggest_profile`` writes the file of a new board from what a probe found.
"""

from harness.profiles.profile_files import available, lineages, load, profile_schema
from harness.profiles.suggestion import (
    Suggestion,
    accept_hardware,
    check_name,
    suggest_profile,
    write_power_model,
    write_profile,
)
from harness.profiles.validation import CORE_WORDS, cpu_numbers
from harness.records.nearest import nearest

__all__ = [
    "CORE_WORDS",
    "Suggestion",
    "accept_hardware",
    "available",
    "check_name",
    "cpu_numbers",
    "lineages",
    "load",
    "nearest",
    "profile_schema",
    "suggest_profile",
    "write_power_model",
    "write_profile",
]
