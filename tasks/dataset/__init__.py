"""Prepares works, splits them into sets, and degrades them by recipes."""
