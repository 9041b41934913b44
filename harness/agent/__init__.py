"""What runs on the board: packed by the host into one zip, in which these modules are the package ``edge_agent``.

Nobody imports this folder. Standard library, numpy and the interpreter only; Python 3.7 syntax.
"""
