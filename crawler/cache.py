"""The cache of responses, with which the crawler asks a museum only whether something changed."""

import base64
import json
from pathlib import Path

from scrapy import Request, Spider
from scrapy.http import Response
from scrapy.responsetypes import responsetypes
from scrapy.settings import BaseSettings

from patina.crawler.harvest import write_atomically


class WholeFileCacheStorage:
    """Stores each response as one JSON file, written atomically.

    Scrapy's own storages write several files, which a killed crawl leaves incomplete, and read them
    by unpickling, which is not safe.
    """

    def __init__(self, settings: BaseSettings) -> None:
        self.folder = Path(settings["HTTPCACHE_DIR"])

    def open_spider(self, spider: Spider) -> None:
        """Make the folder; part of Scrapy's interface."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.fingerprinter = spider.crawler.request_fingerprinter

    def close_spider(self, spider: Spider) -> None:
        """Nothing is open; part of Scrapy's interface."""

    def path(self, request: Request) -> Path:
        """The file of the response to `request`."""
        return self.folder / f"{self.fingerprinter.fingerprint(request).hex()}.json"

    def retrieve_response(self, spider: Spider, request: Request) -> Response | None:
        """The stored response; None if there is none, or its file is damaged."""
        try:
            kept = json.loads(self.path(request).read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        headers = {
            name: [v.encode("latin-1") for v in kept["headers"][name]] for name in kept["headers"]
        }
        body = base64.b64decode(kept["body"])
        kind = responsetypes.from_args(url=kept["url"], body=body)
        return kind(url=kept["url"], status=kept["status"], headers=headers, body=body)

    def store_response(self, spider: Spider, request: Request, response: Response) -> None:
        """Store the response."""
        headers = {
            name.decode("latin-1"): [value.decode("latin-1") for value in values]
            for name, values in response.headers.items()
        }
        kept = {
            "url": response.url,
            "status": response.status,
            "headers": headers,
            "body": base64.b64encode(response.body).decode(),
        }
        write_atomically(self.path(request), [json.dumps(kept).encode()])
