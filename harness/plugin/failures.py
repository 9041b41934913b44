"""Which failures of a pytest session are entries' statuses, which are boards, and which are something else."""

from dataclasses import dataclass, field

import pytest

STATUS_PROPERTY = "harness_status"
UNREACHED_PROPERTY = "harness_unreached"


@dataclass
class FailureLog:
    """A pytest plugin object: hears every report, also those of xdist's workers."""

    foreign: bool = False
    """Whether anything failed that is neither an entry's status nor a board out of reach."""
    unreached: list[str] = field(default_factory=list)
    """One sentence a board that was not to be had."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Sort a test's report."""
        properties = {str(key): str(value) for key, value in report.user_properties}
        sentence = properties.get(UNREACHED_PROPERTY)
        if sentence is not None:
            if sentence not in self.unreached:
                self.unreached.append(sentence)
        elif report.failed and STATUS_PROPERTY not in properties:
            self.foreign = True
