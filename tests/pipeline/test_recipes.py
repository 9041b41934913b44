import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.pipeline import STEPS, parse_recipe
from harness.pipeline.recipes.recipe import Recipe
from harness.pipeline.recipes.recipe_grammar import Call
from harness.records.errors import CandidateSpecError


def refusal(text: str) -> str:
    with pytest.raises(CandidateSpecError) as caught:
        parse_recipe(text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["float32", "float16", "dynamic_int8", "int8", "int8_float_io", "int16x8"])
def test_a_number_format_alone(name):
    assert parse_recipe(name) == Recipe((Call(name),))
    assert parse_recipe(name).model_steps() == ()


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        (" prune( 0.8 ) + int8", "prune(0.8)+int8"),
        ("prune(sparsity=0.8,block=(1,4))", "prune(sparsity=0.8, block=(1, 4))"),
        ("distill(width=.5)+int8", "distill(width=0.5)+int8"),
        ("distill(teacher=ic_resnet8(width=2.0))", "distill(teacher=ic_resnet8(width=2.0))"),
        ("distill(width=0.5, teacher='a/b.keras')+prune(0.5)+float16",
         "distill(width=0.5, teacher='a/b.keras')+prune(0.5)+float16"),
    ],
)  # fmt: skip
def test_steps_are_joined_and_have_one_spelling(written, spelled):
    recipe = parse_recipe(written)
    assert str(recipe) == spelled
    assert parse_recipe(spelled) == recipe


def test_model_steps_in_the_order_written():
    steps = parse_recipe("distill(width=0.5)+prune(0.8)+int8").model_steps()
    assert [str(step) for step in steps] == ["distill(width=0.5)", "prune(0.8)"]


def test_an_unknown_step_gets_the_nearest_and_the_list():
    message = refusal("int9")
    assert "did you mean int8?" in message and "dynamic_int8" in message


def test_two_number_formats_are_refused():
    assert "twice, by float16 and int8" in refusal("float16+int8")


def test_the_number_format_comes_last():
    assert "must be the last step" in refusal("int8+prune(0.8)")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("int8(3)", "takes no argument"),
        ("prune+int8", "names no sparsity"),
        ("prune()", "names no sparsity"),
        ("prune(1.0)", "between 0 and 1"),
        ("prune(-0.5)", "between 0 and 1"),
        ("prune(True)", "between 0 and 1"),
        ("prune(half)", "between 0 and 1"),
        ("prune(0.8, block=4)", "(rows, columns)"),
        ("prune(0.8, block=(0, 4))", "(rows, columns)"),
        ("prune(0.8, block=(1, 2, 4))", "(rows, columns)"),
        ("prune(0.8, blok=(1, 4))", "did you mean block?"),
        ("prune(0.8, 1, 2)", "has 3 values"),
        ("prune(0.8, sparsity=0.5)", "gives sparsity twice"),
        ("distill", "its own teacher"),
        ("distill(width=0)", "above 0"),
        ("distill(0.5)", "give what it takes by name"),
        ("distill(teacher=3)", "where a model was expected"),
        ("prune(0.5)+prune(0.8)", "has prune twice"),
        ("distill(width=0.5)+distill(width=0.2)", "has distill twice"),
        ("prune(0.5)+distill(width=0.5)", "what prune did before is lost: write distill"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(text, told):
    message = refusal(text)
    assert told in message and message.startswith(f'recipe "{text}"')


@pytest.mark.parametrize("text", ["", "+", "int8+", "int 8", "prune(0.8", "prune(0.8)(1)", "3", "int8+4", "a.b"])
def test_what_is_no_recipe_at_all(text):
    assert "is not written as" in refusal(text)


@given(st.text(alphabet="int8float_prune+(). =,\n'", max_size=40))
def test_a_text_is_a_recipe_or_refused_in_one_line(text):
    try:
        recipe = parse_recipe(text)
    except CandidateSpecError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert parse_recipe(str(recipe)) == recipe


def test_every_step_has_the_name_it_is_known_by():
    assert all(name == step.name for name, step in STEPS.items())
