"""Scrapy settings: polite to museums, closed to everything that a crawl does not need."""

BOT_NAME = "patina"
SPIDER_MODULES = ["patina.crawler.spiders"]
LOG_LEVEL = "CRITICAL"  # patina.crawler.run reports each error in a line of its own

# Polite: ask first, one at a time, at the pace of the museum (a spider's `delay_s`), and ask
# whether an answer has changed rather than for the answer.
ROBOTSTXT_OBEY = True
CONCURRENT_REQUESTS_PER_DOMAIN = 1
DOWNLOAD_DELAY_JITTER = 0
RETRY_TIMES = 5
FIRST_WAIT_S = 30.0  # doubled each time that a museum is still busy
HTTPCACHE_ENABLED = True
HTTPCACHE_POLICY = "scrapy.extensions.httpcache.RFC2616Policy"
HTTPCACHE_STORAGE = "patina.crawler.cache.WholeFileCacheStorage"

# Closed: no console, no control from outside, no addresses but the museum's, by HTTP(S) alone.
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False
COOKIES_ENABLED = False
HTTPPROXY_ENABLED = False  # a proxy would look names up for us, unchecked
DOWNLOAD_HANDLERS = {"file": None, "data": None, "ftp": None, "s3": None}
TWISTED_DNS_RESOLVER = "patina.crawler.network.PublicResolver"
DOWNLOAD_VERIFY_CERTIFICATES = True
DOWNLOAD_MAXSIZE = 2**20  # a robots.txt; records and images have bounds of their own
DOWNLOAD_WARNSIZE = 0
DOWNLOAD_TIMEOUT = 120
REPLAY_ORIGIN = ""

DOWNLOADER_MIDDLEWARES = {
    "patina.crawler.network.HostsMiddleware": 10,
    "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,
    "scrapy.downloadermiddlewares.retry.RetryMiddleware": None,
    "patina.crawler.patience.PatienceMiddleware": 950,  # behind the cache, which need not wait
    "scrapy.downloadermiddlewares.stats.DownloaderStats": 960,  # counts what is tried again, too
}

# An item holds text only, so that many may wait while their images are written and verified.
ITEM_PIPELINES = {
    "patina.crawler.pipelines.RecordPipeline": 100,
    "patina.crawler.fetching.ImagePipeline": 200,
    "patina.crawler.pipelines.VerifyPipeline": 300,
    "patina.crawler.pipelines.FilePipeline": 400,
}
