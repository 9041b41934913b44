import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.pipeline import STEPS, parse_recipe
from harness.pipeline.recipes import Recipe, RecipeStep
from harness.pipeline.steps import Step
from harness.records.errors import CandidateSpecError

PRUNE = Step("prune", "model", lambda model, argument: (model, argument), takes_argument=True)
MORE_STEPS = {**STEPS, "prune": PRUNE}


def refusal(text: str) -> str:
    with pytest.raises(CandidateSpecError) as caught:
        parse_recipe(text, steps=MORE_STEPS)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["float32", "float16", "dynamic_int8", "int8"])
def test_a_step_alone(name):
    assert parse_recipe(name) == Recipe((RecipeStep(name),))


def test_steps_are_joined_and_take_arguments():
    recipe = parse_recipe(" prune( 0.8 ) + int8", steps=MORE_STEPS)
    assert recipe == Recipe((RecipeStep("prune", "0.8"), RecipeStep("int8")))
    assert str(recipe) == "prune(0.8)+int8"


def test_an_unknown_step_gets_the_nearest_and_the_list():
    message = refusal("int9")
    assert 'did you mean "int8"?' in message and "dynamic_int8" in message


def test_two_number_formats_are_refused():
    assert "twice, by float16 and int8" in refusal("float16+int8")


def test_the_number_format_comes_last():
    assert "must be the last step" in refusal("int8+prune(0.8)")


@pytest.mark.parametrize("text", ["prune+int8", "int8(3)", "prune()"])
def test_arguments_where_they_belong_only(text):
    assert "write" in refusal(text)


@pytest.mark.parametrize("text", ["", "+", "int8+", "int 8", "prune(0.8", "prune(a)(b)"])
def test_what_is_no_recipe_at_all(text):
    assert "is no step" in refusal(text)


@given(st.text(alphabet="int8float_prune+(). \n", max_size=30))
def test_a_text_is_a_recipe_or_refused_in_one_line(text):
    try:
        recipe = parse_recipe(text, steps=MORE_STEPS)
    except CandidateSpecError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert parse_recipe(str(recipe), steps=MORE_STEPS) == recipe
