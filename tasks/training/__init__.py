"""Trains networks with Keras alone: training samples, training loop, and shipping of weights."""
