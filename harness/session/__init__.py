"""The sequence of a session: options, boards opened once, entries measured and judged, the run closed.

Import from the modules: ``options`` (``make_settings``), ``session`` (``Session``), ``closing`` (``close_run``).
"""
