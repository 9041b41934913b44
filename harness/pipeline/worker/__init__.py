"""The process that builds: what it is asked, the side that asks, and the side that does it."""
