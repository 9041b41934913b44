"""Budgets and verdicts: limits read and resolved, and an entry judged by them."""

from harness.gates.asking import is_asked, is_sampled, questions_of
from harness.gates.file import Budgets, BudgetTable, find_budgets, load_budgets
from harness.gates.judge import GATES, judge
from harness.gates.limits import Limit, LimitKind
from harness.gates.parse import parse_limit, parse_limits
from harness.gates.resolve import limits_for, unused_keys
from harness.gates.waivers import Waiver, expired
from harness.gates.waiving import Budgeted, unused_waivers

__all__ = [
    "GATES",
    "BudgetTable",
    "Budgeted",
    "Budgets",
    "Limit",
    "LimitKind",
    "Waiver",
    "expired",
    "find_budgets",
    "is_asked",
    "is_sampled",
    "judge",
    "limits_for",
    "load_budgets",
    "parse_limit",
    "parse_limits",
    "questions_of",
    "unused_keys",
    "unused_waivers",
]
