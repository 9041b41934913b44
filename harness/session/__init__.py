"""The sequence of a session: settings, boards opened once, entries measured and judged, the run finished.

``sequence`` names its steps in order. Import from the modules: ``make_settings``, ``session`` (``Session``),
``finish_run`` (``close_run``).
"""
