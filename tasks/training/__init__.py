"""Trains networks with Keras alone: trainer, loop, batches, initial weights."""
