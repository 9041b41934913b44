"""What tells tests apart that measured the same, as short as it can be."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence

Pair = tuple[Hashable, str]


def label_tests(pairs: Iterable[Pair]) -> dict[Pair, str]:
    """By (what was measured, test): the test's function, with its file or whole where needed; "" for a lone test."""
    tests: dict[Hashable, dict[str, None]] = defaultdict(dict)
    for measured, test in pairs:
        tests[measured][test] = None
    return {
        (measured, test): label
        for measured, found in tests.items()
        for test, label in zip(found, _labels(list(found)), strict=True)
    }


def _labels(tests: Sequence[str]) -> Sequence[str]:
    if len(tests) == 1:
        return [""]
    shorter: tuple[Callable[[str], str], ...] = (_function, _without_folders, _without_parameters)
    for short in shorter:
        labels = list(map(short, tests))
        if len(set(labels)) == len(labels):
            return labels
    return tests


def _without_parameters(test: str) -> str:
    return test.partition("[")[0]


def _function(test: str) -> str:
    return _without_parameters(test).rpartition("::")[2]


def _without_folders(test: str) -> str:
    file, colons, rest = _without_parameters(test).partition("::")
    return f"{file.rpartition('/')[2]}{colons}{rest}"
