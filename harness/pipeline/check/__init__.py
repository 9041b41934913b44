"""What a .tflite file holds, and whether it computes what it should: read, and run in a sandbox on the host."""
