"""Fetches works of art into a harvest: original bytes, a manifest, and why a work is missing.

Nothing else in Patina touches the network. `python -m patina.crawler.run --help` shows the use.
"""

MUSEUMS = ("artic", "cleveland", "met", "iiif")  # what `patina crawl` fetches from; a spider each
