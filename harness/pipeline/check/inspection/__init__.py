"""What a TensorFlow Lite file holds, read without running it; the file is not trusted."""
