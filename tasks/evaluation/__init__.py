"""Metrics, reports, and the gate that a new network must pass."""
