"""What is done to raw samples, one file each that imports only numpy: the same file runs on the host and on boards."""
