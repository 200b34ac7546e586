"""Museums on this machine that respond in the documented formats of the real museums' APIs.

`Artic`, `Met` and `Cleveland` have the same works, each in its own format. A crawl reaches them
with `--replay-origin museum.origin`, which puts the real host first in the path. Tests make them
misbehave; a benchmark gives them works whose images are files.
"""
