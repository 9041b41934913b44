"""A model file and a candidate's own code put to the proof, in processes that may crash or hang alone."""
