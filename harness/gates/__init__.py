"""Budgets and verdicts: limits read and resolved, and an entry judged by them.

``budgets`` finds and reads budgets.toml, ``limits`` parses the text of one limit, ``limit_tests`` says what it asks of
trials, ``judge`` what an entry is; ``sentences`` has the words.
"""

from harness.gates.budgets import Budgets, BudgetTable, find_budgets, limits_for, load_budgets, unused_keys
from harness.gates.judge import GATES, judge
from harness.gates.limit_tests import is_asked, is_sampled, limit_tests_of, window_tests_of
from harness.gates.limits import Limit, LimitKind, parse_limit, parse_limits
from harness.gates.waivers import BudgetedCandidate, Waiver, expired_sentences, unused_waivers

__all__ = [
    "GATES",
    "BudgetTable",
    "BudgetedCandidate",
    "Budgets",
    "Limit",
    "LimitKind",
    "Waiver",
    "expired_sentences",
    "find_budgets",
    "is_asked",
    "is_sampled",
    "judge",
    "limit_tests_of",
    "limits_for",
    "load_budgets",
    "parse_limit",
    "parse_limits",
    "unused_keys",
    "unused_waivers",
    "window_tests_of",
]
