"""What a run leaves on disk: config, events, checkpoints, notes; who holds it and who may change it."""
