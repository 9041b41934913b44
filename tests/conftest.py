"""What every test shares."""

from hypothesis import settings

# Timings on a shared machine are noisy, so no test has a deadline of its own.
settings.register_profile("harness", deadline=None, max_examples=60)
settings.load_profile("harness")
