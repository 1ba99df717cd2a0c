"""The training loop and what it needs: a model, devices and processes, records, checkpoints."""
