"""The sections of report.html in their order; one with nothing to say is left out.

A new one is a file here, a template, and a name in SECTIONS.
"""

from harness.report.sections.baseline import BASELINE
from harness.report.sections.checks import CHECKS
from harness.report.sections.comparison import CHARTS, COMPARISON, GAINS
from harness.report.sections.contents import CONTENTS
from harness.report.sections.devices import DEVICES
from harness.report.sections.history import HISTORY
from harness.report.sections.provenance import NOTES, PROVENANCE, SETTINGS
from harness.report.sections.section import Section
from harness.report.sections.stages import STAGES
from harness.report.sections.verdicts import VERDICTS

SECTIONS: tuple[Section, ...] = (
    VERDICTS,
    BASELINE,
    COMPARISON,
    GAINS,
    STAGES,
    CHARTS,
    HISTORY,
    CHECKS,
    CONTENTS,
    DEVICES,
    SETTINGS,
    PROVENANCE,
    NOTES,
)

__all__ = ["SECTIONS", "Section"]
