"""What a built or given model gives on the host: golden outputs, accuracy, nearness to float32."""
