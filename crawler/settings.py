"""Scrapy settings: polite to museums; everything that a crawl does not need is off."""

BOT_NAME = "patina"
SPIDER_MODULES = ["patina.crawler.spiders"]
LOG_LEVEL = "CRITICAL"  # patina.crawler.run reports errors itself

# Polite: obey robots.txt, send one request at a time at the museum's pace (`delay_s` of the
# spider),
# and request only what has changed.
ROBOTSTXT_OBEY = True
CONCURRENT_REQUESTS_PER_DOMAIN = 1
DOWNLOAD_DELAY_JITTER = 0
RETRY_TIMES = 5
FIRST_WAIT_S = 30.0  # doubled each time while a museum is busy
HTTPCACHE_ENABLED = True
HTTPCACHE_POLICY = "scrapy.extensions.httpcache.RFC2616Policy"
HTTPCACHE_STORAGE = "patina.crawler.cache.WholeFileCacheStorage"

# Closed: no console, no remote control, only addresses of the museum by HTTP(S)
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False
COOKIES_ENABLED = False
HTTPPROXY_ENABLED = False  # a proxy would resolve names without our checks
DOWNLOAD_HANDLERS = {"file": None, "data": None, "ftp": None, "s3": None}
TWISTED_DNS_RESOLVER = "patina.crawler.network.PublicResolver"
DOWNLOAD_VERIFY_CERTIFICATES = True
DOWNLOAD_MAXSIZE = 2**20  # for robots.txt; records and images have their own limits
DOWNLOAD_WARNSIZE = 0
DOWNLOAD_TIMEOUT = 120
REPLAY_ORIGIN = ""

DOWNLOADER_MIDDLEWARES = {
    "patina.crawler.network.HostsMiddleware": 10,
    "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,
    "scrapy.downloadermiddlewares.retry.RetryMiddleware": None,
    "patina.crawler.patience.PatienceMiddleware": 950,  # after the cache, which need not wait
    "scrapy.downloadermiddlewares.stats.DownloaderStats": 960,  # also counts repeated requests
}

# An item contains only text, so many items may wait while images are written and verified
ITEM_PIPELINES = {
    "patina.crawler.pipelines.RecordPipeline": 100,
    "patina.crawler.fetching.ImagePipeline": 200,
    "patina.crawler.pipelines.VerifyPipeline": 300,
    "patina.crawler.pipelines.FilePipeline": 400,
}
