"""The crawler: fetches works of art into a harvest, with a manifest and a list of rejected works.

No other part of Patina requests works from the network. For its options, run
`python -m patina.crawler.run --help`.
"""

MUSEUMS = ("artic", "cleveland", "met", "iiif")  # the sources of `patina crawl`; each has a spider
