"""In the worker: from a model's source to trained weights, each training kept."""
