"""The page of `patina app`: restoring on a screen what `patina restore` restores by command.

Gradio is imported in `page`, `layout`, `controls` and `server` alone.
"""
