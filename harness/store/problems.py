"""Every problem of a validation, in one line."""

from pydantic import ValidationError

MAX_LISTED = 50


def describe(error: ValidationError) -> str:
    """``where: what`` of each problem, joined by semicolons; past 50 the rest is counted."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    listed = [f"{_where(problem['loc'])}: {problem['msg']}" for problem in problems[:MAX_LISTED]]
    if len(problems) > MAX_LISTED:
        listed.append(f"and {len(problems) - MAX_LISTED} more")
    line = " ".join("; ".join(listed).split())
    return "".join(character if character.isprintable() else "?" for character in line)


def _where(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part)[:80] for part in location) or "the file"
