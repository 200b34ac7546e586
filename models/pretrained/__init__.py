"""The weights that come with Patina.

card.md says what they were trained on and how good they are; weights.json names their version, the
day they were put here, and their files with hashes. `python -m patina.tasks.training.ship FOLDER`
puts others here; `patina.tasks.restoration.weights` finds them.
"""
