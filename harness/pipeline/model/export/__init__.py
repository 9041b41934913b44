"""In the worker: from a trained model, or a SavedModel given, to a SavedModel with a batch of one and its data."""
