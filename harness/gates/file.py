"""budgets.toml: limits that differ from board to board, and waivers, found upward from the test file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.gates.limits import Limit
from harness.gates.parse import collect_limits, refusal
from harness.gates.waivers import WAIVER, Waiver, collect_waivers
from harness.records.errors import BudgetsError
from harness.records.files import real_path
from harness.records.toml_file import read_toml

FILE_NAME = "budgets.toml"
_SHAPE = 'write [device."candidate/recipe"], e.g. [rpi4."kws_ds_cnn/*"]'
_EMPTY = 'limits nothing; give it a limit, e.g. latency_p50 = "4 ms", or take it out'


@dataclass(frozen=True)
class BudgetTable:
    """One table: a device, a glob over "candidate/recipe", and its limits."""

    device: str
    pattern: str
    limits: tuple[Limit, ...]


@dataclass(frozen=True)
class Budgets:
    """A budgets file; ``label`` is how messages name it."""

    path: Path
    label: str
    tables: tuple[BudgetTable, ...]
    waivers: tuple[Waiver, ...] = ()


def find_budgets(test_file: Path, rootdir: Path) -> Path | None:
    """The nearest budgets.toml from the test file's folder upward, never above ``rootdir``."""
    root = real_path(rootdir)
    for folder in real_path(test_file).parents:
        if not folder.is_relative_to(root):
            return None
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    return None


def load_budgets(path: Path, *, rootdir: Path | None = None) -> Budgets:
    """The file's tables and waivers, in the order of writing; whether a waiver has expired is not looked at.

    Messages name it relative to ``rootdir`` where given. Raises BudgetsError, one line with every problem.
    """
    label = _label(path, rootdir)
    document = read_toml(path, error=BudgetsError, label=label)
    waivers, problems = collect_waivers(document.pop(WAIVER, []), label=label)
    tables: list[BudgetTable] = []
    for device, patterns in document.items():
        if not isinstance(patterns, Mapping):
            problems.append(str(refusal(f"{label} {device}", f"stands outside a table; {_SHAPE}")))
            continue
        if not patterns:
            problems.append(str(refusal(f"{label} [{device}]", f"names no candidate; {_SHAPE}")))
        for pattern, content in patterns.items():
            if not isinstance(content, Mapping):
                problems.append(str(refusal(f"{label} [{device}] {pattern}", f"names no candidate; {_SHAPE}")))
                continue
            place = f'{label} [{device}."{pattern}"]'
            if not content:
                problems.append(str(refusal(place, _EMPTY)))
            limits, wrong = collect_limits(content, origin=place)
            tables.append(BudgetTable(device=device, pattern=pattern, limits=limits))
            problems += wrong
    if problems:
        raise BudgetsError("; ".join(problems))
    return Budgets(path=path, label=label, tables=tuple(tables), waivers=waivers)


def _label(path: Path, rootdir: Path | None) -> str:
    root = None if rootdir is None else real_path(rootdir)
    if root is not None and (whole := real_path(path)).is_relative_to(root):
        return whole.relative_to(root).as_posix()
    return path.as_posix()
