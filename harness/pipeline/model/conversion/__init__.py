"""From an exported model to a .tflite file, and from a .tflite file to another number format, signature or size."""
