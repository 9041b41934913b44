"""What becomes a .tflite file: a zoo model, a factory or a file, its data, its training, its export, its conversion."""
