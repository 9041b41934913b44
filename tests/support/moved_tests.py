"""Which tests of an earlier list are no more, whatever file they stand in now. Exit status 1 where one is gone.

    pytest --co -q > after.txt && python tests/support/moved_tests.py before.txt after.txt

A test is the name of its function, with as many cases as it has parameters; files and the words of parameters may
have changed. A name of which there are fewer cases than before is told, with its file; so is each that moved.
"""

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

RENAMED = {
    "test_golden_file_of_version_1_loads_and_what_it_held_serialises_identically": (
        "test_golden_file_of_version_2_loads_and_what_it_held_serialises_identically"
    ),
    "test_latency_is_the_median_over_trials_of_each_trials_median": (
        "test_latency_is_the_geometric_mean_over_trials_of_each_trials_median"
    ),
    "test_stages_are_the_median_over_trials_of_each_trials_median": (
        "test_stages_are_the_geometric_mean_over_trials_of_each_trials_median"
    ),
    "test_the_families_give_every_metric_once": "test_every_metric_is_there_once_in_the_order_of_the_table",
    "test_the_readme_s_budgets_are_accepted": "test_the_first_budgets_are_accepted",
    "test_the_readme_s_statuses_have_their_exit_codes": "test_the_statuses_have_their_exit_codes",
}
"""Tests that hold the same under another name: of another page, another version, another list."""


def read_ids(lines: Iterable[str]) -> dict[str, Counter[str]]:
    """By the name of the function, how many cases stand in which file."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for line in lines:
        file, separator, test = line.partition("::")
        if separator and file.endswith(".py"):
            found[test.rstrip("\n").partition("[")[0]][file] += 1
    return found


def compare(before: Iterable[str], after: Iterable[str]) -> tuple[list[str], list[str]]:
    """What became fewer, and from which file to which others went."""
    old, new = read_ids(before), read_ids(after)
    fewer, moved = [], []
    for name, files in sorted(old.items()):
        now = new.get(name) or new.get(RENAMED.get(name, ""), Counter())
        if now.total() < files.total():
            fewer.append(f"{name}: {files.total()} in {', '.join(files)}, now {now.total()}")
        elif files.keys() - now.keys():
            moved.append(f"{', '.join(sorted(files.keys() - now.keys()))} to {', '.join(now)}: {name}")
    return fewer, moved


def main(argv: Sequence[str] | None = None) -> int:
    """Print what moved and what became fewer; returns 1 where something did."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    given = parser.parse_args(argv)
    before, after = (path.read_text(encoding="utf-8").splitlines() for path in (given.before, given.after))
    fewer, moved = compare(before, after)
    for title, told in (("moved", moved), ("fewer", fewer)):
        sys.stdout.write("".join(f"{title}: {line}\n" for line in told))
    sys.stdout.write(f"{len(moved)} names moved, {len(fewer)} have fewer cases\n")
    return int(bool(fewer))


if __name__ == "__main__":
    sys.exit(main())
