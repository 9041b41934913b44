"""budgets.toml edited: what was meant is there, comments and order are as they were."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.gates.edit_budgets import Edit, edit_budgets
from harness.records.errors import BudgetsError

FILE = """# head
[rpi4."kws/*"]   # tiny
latency_p50 = "4 ms"  # measured in May
# its own comment

# about the next
[local."b"]
model_size = "1 MB"

[rpi4."vww"]
energy_per_inference = { max = "2 mJ", source = "model" } # modelled

[[waiver]]
device = "rpi4"
"""


def test_values_change_and_keys_join_where_they_belong():
    text = edit_budgets(
        FILE,
        [
            Edit("rpi4", "kws/*", "latency_p50", "5 ms"),
            Edit("rpi4", "kws/*", "peak_memory", "5 MB"),
            Edit("rpi4", "vww", "energy_per_inference", "3 mJ", source="model"),
            Edit("pi-07", "m/prune(0.8)+int8", "accuracy", "97 %"),
            Edit("pi-07", "m/prune(0.8)+int8", "power_mean", "3 W", source="model"),
        ],
        label="budgets.toml",
    )

    changed = FILE.replace('"4 ms"', '"5 ms"').replace('"2 mJ"', '"3 mJ"')
    changed = changed.replace("# its own comment\n", '# its own comment\npeak_memory = "5 MB"\n')
    new = '\n[pi-07."m/prune(0.8)+int8"]\naccuracy = "97 %"\npower_mean = {max = "3 W", source = "model"}\n'
    assert text == changed + new


def test_a_plain_limit_becomes_a_modelled_one():
    text = edit_budgets(
        '[a.b]\npower_mean = "3 W"  # why\n', [Edit("a", "b", "power_mean", "4 W", source="model")], label="x"
    )

    assert tomllib.loads(text) == {"a": {"b": {"power_mean": {"max": "4 W", "source": "model"}}}}
    assert "# why" in text


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment", '[a."b"]\nx = "1 s"'])
def test_files_of_little_text(text):
    written = edit_budgets(text, [Edit("a", "b", "k", "1 s"), Edit("a", "c", "k", "2 s")], label="x")

    assert tomllib.loads(written)["a"]["b"]["k"] == "1 s" and tomllib.loads(written)["a"]["c"] == {"k": "2 s"}
    assert written.startswith(text.strip()) and written.endswith("\n") and not written.endswith("\n\n")


@pytest.mark.parametrize(
    "text",
    [
        '[a]\n"x/*".k = "1 s"\n',
        '[a]\n"x/*" = { k = "1 s" }\n',
        'a."x/*".k = "1 s"\n',
        'a = { "x/*" = { k = "1 s" } }\n',
    ],
)
def test_other_ways_of_writing_are_edited_or_refused_never_spoilt(text):
    wanted = {"a": {"x/*": {"k": "1 s", "l": "2 s"}, "y": {"l": "3 s"}}}
    try:
        written = edit_budgets(text, [Edit("a", "x/*", "l", "2 s"), Edit("a", "y", "l", "3 s")], label="budgets.toml")
    except BudgetsError as error:
        assert str(error).startswith("budgets.toml: is written in a way that cannot be edited")
    else:
        assert tomllib.loads(written) == wanted


NAMES = st.sampled_from(["rpi4", "pi-07", "local"])
SUBJECTS = st.sampled_from(["kws/*", "kws/int8", "x.y", 'q"uote', "back\\slash", "µ"])
KEYS = st.sampled_from(["latency_p50", "model_size", "accuracy"])
TABLES = st.dictionaries(st.tuples(NAMES, SUBJECTS), st.dictionaries(KEYS, st.just("1 s"), max_size=2), max_size=5)
EDITS = st.lists(
    st.builds(Edit, NAMES, SUBJECTS, KEYS, st.sampled_from(["2 s", "3 s"]), source=st.sampled_from([None, "model"])),
    max_size=5,
)


def written_out(tables):
    """Tables in any order, each with comments before, beside and after."""
    lines = []
    for number, ((device, subject), keys) in enumerate(tables.items()):
        quoted = subject.replace("\\", "\\\\").replace('"', '\\"')
        lines += ["", f"# {number} before", f'[{device}."{quoted}"] # {number} beside']
        lines += [f'{key} = "{text}" # {number} {key}' for key, text in keys.items()]
    return "\n".join(lines) + "\n"


@given(TABLES, EDITS)
def test_whatever_is_edited_reads_as_meant_and_keeps_its_comments(tables, edits):
    text = written_out(tables)
    wanted = tomllib.loads(text)
    for edit in edits:
        wanted.setdefault(edit.device, {}).setdefault(edit.candidate, {})[edit.key] = edit.value

    written = edit_budgets(text, edits, label="budgets.toml")

    assert tomllib.loads(written) == wanted
    comments = [line.partition("#")[2] for line in text.splitlines() if "#" in line]
    assert [line.partition("#")[2] for line in written.splitlines() if "#" in line] == comments
