"""Scrapy settings: polite to museums, closed to everything that a crawl does not need."""

BOT_NAME = "patina"
USER_AGENT = "Patina (restores images of artworks; python -m crawler.run)"
SPIDER_MODULES = ["crawler.spiders"]
LOG_LEVEL = "CRITICAL"  # crawler.run reports each error in a line of its own

# Polite: ask first, keep to the museum's pace, try again what may have been chance.
ROBOTSTXT_OBEY = True
AUTOTHROTTLE_ENABLED = True
AUTOTHROTTLE_START_DELAY = 1.0
DOWNLOAD_DELAY = 1.0
CONCURRENT_REQUESTS_PER_DOMAIN = 4
RETRY_ENABLED = True
RETRY_TIMES = 3

# Closed: no console, no control from outside, no addresses that lead to this machine's files.
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False
COOKIES_ENABLED = False
DOWNLOAD_HANDLERS = {"file": None, "data": None, "ftp": None, "s3": None}
DOWNLOAD_VERIFY_CERTIFICATES = True
DOWNLOAD_MAXSIZE = 512 * 2**20
DOWNLOAD_WARNSIZE = 0
DOWNLOAD_TIMEOUT = 120

# An item holds text only, so that many may wait while their images are written and verified.
ITEM_PIPELINES = {
    "crawler.pipelines.DownloadPipeline": 100,
    "crawler.pipelines.VerifyPipeline": 200,
    "crawler.pipelines.FilePipeline": 300,
}
