"""The report of an outbox: one page, `report.html`, that opens from disk without a network.

`previews` draws the pictures while a work is restored, `figures` and `summary` say in one sentence
what was done, `records` gathers the works of an outbox, `page` writes them as one HTML file.
"""
