"""What a process' memory consists of, and what is left unexplained."""

import pytest

from harness.records.memory import PARTS, MemoryAccount


def account(pss: float, unexplained: float) -> MemoryAccount:
    """One whose parts are 1, 2, 3... bytes, in their order."""
    sizes = {field: float(place) for place, field in enumerate(PARTS, start=1)}
    return MemoryAccount(pss_bytes=pss, weights_mapped=True, unexplained_bytes=unexplained, processes=2, **sizes)


def test_parts_have_people_s_words_and_the_unexplained_is_last():
    parts = account(30.0, 9.0).parts
    assert list(parts.items()) == [*zip(PARTS.values(), range(1, 7), strict=True), ("unexplained", 9.0)]


@pytest.mark.parametrize(("pss", "unexplained", "share"), [(30.0, 9.0, 0.3), (20.0, -1.0, -0.05), (0.0, 0.0, 0.0)])
def test_the_unexplained_share_is_of_pss_and_has_a_sign(pss, unexplained, share):
    assert account(pss, unexplained).unexplained_share == pytest.approx(share)
