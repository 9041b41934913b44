"""What runs on the board: packed by the host into one zip, in which these modules are the package ``edge_agent``.

``steward`` holds the board for a session: ``probe`` tells what it is, ``tune`` sets its governor, ``restore`` puts that
back. ``block_client`` starts the process of ``block``, which gives each trial its own. There ``trial`` runs it, by its
kind: ``check_trial``, ``latency_trial``, ``memory_trial``, ``load_trial``, ``energy_trial``, ``stages_trial``;
``slices`` runs two arms by turns, each in a ``slice_arm``.

Nobody imports this folder. Standard library, numpy and the interpreter only; Python 3.7 syntax.
"""
