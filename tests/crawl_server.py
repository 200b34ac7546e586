"""Runs crawls for the tests: `python -W error tests/crawl_server.py SOCKET`.

Importing Scrapy takes longer than a small crawl. This server imports it once, and forks for every
crawl. So each crawl has its own process and its own reactor.
"""

import json
import os
import signal
import socketserver
import sys

from scrapy.settings import Settings
from scrapy.spiderloader import SpiderLoader
from scrapy.utils.misc import load_object

from patina.crawler.run import app

PARTS = ("DOWNLOADER_MIDDLEWARES", "SPIDER_MIDDLEWARES", "EXTENSIONS", "ITEM_PIPELINES")
LONGEST_S = 240


def load_parts() -> None:
    """Import what Scrapy imports at the start of a crawl, except the reactor."""
    settings = Settings()
    settings.setmodule("patina.crawler.settings")
    SpiderLoader.from_settings(settings)
    for part in PARTS:
        for name in settings.getwithbase(part):
            load_object(name)
    load_object("patina.crawler.cache.WholeFileCacheStorage")
    load_object("cv2.imdecode")
    assert "twisted.internet.reactor" not in sys.modules


class Handler(socketserver.StreamRequestHandler):
    """Runs one crawl in this forked process, and responds with its exit code."""

    def handle(self) -> None:
        asked = json.loads(self.rfile.readline())
        signal.alarm(LONGEST_S)
        os.environ.clear()
        os.environ.update(asked["environment"])
        for stream, path in ((1, asked["stdout"]), (2, asked["stderr"])):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
        code = exit_code(asked["arguments"])
        for flushed in (sys.stdout, sys.stderr):
            flushed.flush()
        self.wfile.write(b"%d\n" % code)


def exit_code(arguments: list[str]) -> int:
    """Run `python -m patina.crawler.run` with these arguments; return its exit code."""
    try:
        app(arguments, prog_name="python -m patina.crawler.run")
    except SystemExit as end:
        return int(end.code or 0)
    return 0


class Server(socketserver.ForkingMixIn, socketserver.UnixStreamServer):
    """Forks for each request; ends when its parent process has ended."""

    parent = os.getppid()

    def service_actions(self) -> None:
        super().service_actions()
        if os.getppid() != self.parent:
            sys.exit(0)


if __name__ == "__main__":
    load_parts()
    with Server(sys.argv[1], Handler) as server:
        os.write(1, b"ready\n")
        server.serve_forever()
