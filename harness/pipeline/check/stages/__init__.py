"""A candidate's own pre- and post-processing: held to rules, and run on the host once before it goes to a board."""
