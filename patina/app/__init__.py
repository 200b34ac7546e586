"""The page of `patina app`, on which a user restores works as `patina restore` does.

Only `page`, `layout`, `controls`, `events` and `server` import Gradio.
"""
