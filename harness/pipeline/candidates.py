"""Placeholder until the pipeline room lands."""


def candidates() -> None:
    """Nothing yet."""
