"""Trains networks with Keras alone: what they are shown, how they learn, and how they ship."""
