"""Settings for Scrapy's own commands, such as `scrapy shell`: those of the crawler, no harvest."""

from patina.crawler.settings import *  # noqa: F403 -- Scrapy reads a settings module's names

ITEM_PIPELINES = {}  # no work is saved
HTTPCACHE_ENABLED = False
LOG_LEVEL = "WARNING"
