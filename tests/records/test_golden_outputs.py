"""Golden outputs say whether the host made them or the user stored them."""

import pytest

from harness.records.artifact import GoldenOutputs


@pytest.mark.parametrize(("arch", "by_user"), [("x86_64", False), ("", True)])
def test_outputs_that_no_machine_made_are_the_user_s(arch: str, by_user: bool):
    golden = GoldenOutputs(
        inputs_path="/a.npz",
        inputs_sha256="a" * 64,
        outputs_path="/a.npz",
        outputs_sha256="a" * 64,
        samples=4,
        real=True,
        runtime="the outputs stored in a.npz",
        arch=arch,
        num_threads=1,
        delegate="none",
    )
    assert golden.by_user is by_user
    assert golden.files == {"/a.npz": "a" * 64}
