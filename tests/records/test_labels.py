import pytest

from harness.records.labels import label_tests


@pytest.mark.parametrize(
    ("tests", "labels"),
    [
        (["b/test_a.py::test_x[pi-kws/int8]"], [""]),
        (["b/test_a.py::test_x[pi-1]", "b/test_a.py::test_y[pi-1]"], ["test_x", "test_y"]),
        (["b/test_a.py::test_x[1]", "b/test_b.py::test_x[1]"], ["test_a.py::test_x", "test_b.py::test_x"]),
        (["b/test_a.py::test_x", "c/test_a.py::test_x"], ["b/test_a.py::test_x", "c/test_a.py::test_x"]),
        (["b/test_a.py::test_x[1]", "b/test_a.py::test_x[2]"], ["b/test_a.py::test_x[1]", "b/test_a.py::test_x[2]"]),
        (["harness run", "b/test_a.py::test_x[1]"], ["harness run", "test_x"]),
    ],
)
def test_tests_of_one_measured_thing_are_told_apart_as_shortly_as_can_be(tests, labels):
    told = label_tests([*(("kws/int8", test) for test in tests), ("kws/float32", tests[0])])
    assert [told["kws/int8", test] for test in tests] == labels
    assert told["kws/float32", tests[0]] == ""
