"""Scrapy's own commands: the crawler's settings without a harvest, for a look at one address."""

from patina.crawler.settings import *  # noqa: F403 -- Scrapy reads a settings module's names

ITEM_PIPELINES = {}  # nothing is filed
HTTPCACHE_ENABLED = False
LOG_LEVEL = "WARNING"
