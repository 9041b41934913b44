"""The small grammar of candidates and recipes: words such as "int8", calls such as "prune(0.8)", joined by "+".

It is the grammar of Python's expressions, read by Python's parser and never evaluated.
"""

import ast
from dataclasses import dataclass


class NoWordsError(ValueError):
    """A text that is not of the grammar; the message names the part, on one line."""


@dataclass(frozen=True)
class Call:
    """A word with what stands in its parentheses; str() is its one spelling.

    Values are numbers, texts (bare or quoted words), truths, None, tuples of whole numbers, or calls.
    """

    name: str
    positional: tuple[object, ...] = ()
    keywords: tuple[tuple[str, object], ...] = ()

    def __str__(self) -> str:
        inside = [*map(spelled, self.positional), *(f"{name}={spelled(value)}" for name, value in self.keywords)]
        return f"{self.name}({', '.join(inside)})" if inside else self.name


def spelled(value: object) -> str:
    """A value as it is written: bare where it is one word, quoted otherwise."""
    if isinstance(value, str):
        return value if value.isidentifier() else repr(value)
    return str(value)


def parse_words(text: str) -> tuple[Call, ...]:
    """The words of a text, in the order written. Raises NoWordsError."""
    text = " ".join(text.split())  # a message that repeats it must stay on one line
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise NoWordsError(f'"{text}" is not written as word or word(argument), joined by "+"') from None
    return tuple(_call(node, text) for node in _joined(tree))


def parse_word(text: str) -> Call:
    """The one word of a text. Raises NoWordsError."""
    words = parse_words(text)
    if len(words) != 1:
        raise NoWordsError(f'"{text}" is {len(words)} words joined by "+", where one was expected')
    return words[0]


def _joined(node: ast.expr) -> list[ast.expr]:
    """The operands of a chain of "+", which Python nests to the left."""
    operands = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        operands.append(node.right)
        node = node.left
    return [node, *reversed(operands)]


def _call(node: ast.expr, text: str) -> Call:
    if isinstance(node, ast.Name):
        return Call(node.id)
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        raise NoWordsError(f'"{_source(node, text)}" is not written as word or word(argument)')
    keywords = []
    for keyword in node.keywords:
        if keyword.arg is None:
            raise NoWordsError(f'"{_source(keyword.value, text)}" has no name')
        keywords.append((keyword.arg, _value(keyword.value, text)))
    return Call(node.func.id, tuple(_value(argument, text) for argument in node.args), tuple(keywords))


def _value(node: ast.expr, text: str) -> object:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Call):
        return _call(node, text)
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        value = ...
    simple = value is None or isinstance(value, str | int | float | bool)
    whole = isinstance(value, tuple) and all(type(part) is int for part in value)
    if not (simple or whole):
        raise NoWordsError(f'"{_source(node, text)}" is neither a number, a text, nor a word')
    return value


def _source(node: ast.expr, text: str) -> str:
    return " ".join((ast.get_source_segment(text, node) or text).split())
