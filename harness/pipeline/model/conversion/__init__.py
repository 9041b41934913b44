"""In the worker: from a trained model to a SavedModel, and from that to a .tflite file."""
