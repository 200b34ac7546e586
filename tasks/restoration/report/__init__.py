"""The report of an outbox: one page, `report.html`, that opens from disk without a network.

`previews` draws the pictures while a work is restored, `figures` and `summary` make one sentence
about what was done, `records` collects the works of an outbox, `page` writes them as one HTML file.
"""
