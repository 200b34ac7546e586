"""Museums on this machine that answer in the documented shapes of the real ones' APIs.

`Artic`, `Met` and `Cleveland` show the same works, each as its own museum would. A crawl reaches
them by `--replay-origin museum.origin`, which puts the real host first in the path. Tests tell them
to misbehave; a benchmark gives them works whose images are files.
"""
