import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.pipeline.recipes.recipe_grammar import Call, NoWordsError, parse_word, parse_words


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("int8", Call("int8")),
        ("prune(0.8)", Call("prune", (0.8,))),
        ("prune(.8, block=(1,4))", Call("prune", (0.8,), (("block", (1, 4)),))),
        ("f(a=b, c='d e', g=-1, h=None, i=True)",
         Call("f", (), (("a", "b"), ("c", "d e"), ("g", -1), ("h", None), ("i", True)))),
        ("f(t=g(width=2))", Call("f", (), (("t", Call("g", (), (("width", 2),))),))),
    ],
)  # fmt: skip
def test_a_word_with_its_arguments(text, call):
    assert parse_word(text) == call
    assert parse_word(str(call)) == call


def test_words_are_joined_in_the_order_written():
    assert [str(word) for word in parse_words("a + b(1) +\n c")] == ["a", "b(1)", "c"]


@pytest.mark.parametrize(
    "text",
    ["", " ", "a b", "a+", "1", "a-b", "f(*x)", "f(**x)", "f(x for x in y)", "f(lambda: 1)", "a.b()", "f()()",
     "f([1])", "f({})", "f(1j)", "f(b'x')", "__import__('os').system('x')", "a" + "(" * 400],
)  # fmt: skip
def test_nothing_else_is_of_the_grammar(text):
    with pytest.raises(NoWordsError) as caught:
        parse_words(text)
    assert len(str(caught.value).splitlines()) == 1


def test_one_word_is_not_two():
    with pytest.raises(NoWordsError, match="2 words"):
        parse_word("a+b")


@given(st.text(max_size=60))
def test_any_text_is_words_or_refused(text):
    try:
        words = parse_words(text)
    except NoWordsError as error:
        assert len(str(error).splitlines()) <= 1
    else:
        assert parse_words("+".join(map(str, words))) == words
