"""What makes TensorFlow give the same bytes for the same key, whatever the machine's load."""

from typing import Final

ENVIRONMENT: Final = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "CUDA_VISIBLE_DEVICES": "-1",
    "KERAS_BACKEND": "tensorflow",
    "PYTHONHASHSEED": "0",
}
"""Set before Python starts. oneDNN sums in an order of its own from machine to machine."""


def start_tensorflow() -> None:
    """Import TensorFlow with one thread and deterministic kernels."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
