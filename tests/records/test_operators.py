"""What an operator's change says of itself."""

import pytest

from harness.records.operators import OperatorChange


@pytest.mark.parametrize(("low", "high", "changed"), [(1e-6, 2e-6, True), (-2e-6, -1e-6, True), (-1e-6, 1e-6, False)])
def test_a_change_is_one_where_its_interval_leaves_zero_out(low: float, high: float, changed: bool):
    one = OperatorChange(
        name="ADD 1", before_s=1e-5, after_s=1e-5, difference_s=(low + high) / 2, ci_low=low, ci_high=high
    )
    assert one.changed is changed
