"""Device profiles: one TOML file a board, found by name, merged with what it extends, and checked.

``suggest_profile`` writes the file of a new board from what a probe found.
"""

from harness.profiles.folders import available
from harness.profiles.loading import lineages, load
from harness.profiles.sanity import cpu_numbers
from harness.profiles.schema import profile_schema
from harness.profiles.suggesting import Suggestion, check_name, suggest_profile, write_profile
from harness.records.nearest import nearest

__all__ = [
    "Suggestion",
    "available",
    "check_name",
    "cpu_numbers",
    "lineages",
    "load",
    "nearest",
    "profile_schema",
    "suggest_profile",
    "write_profile",
]
