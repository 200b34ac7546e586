"""The displayed progress of a crawl, and Scrapy's own commands."""

import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from crawling import ROOT, command
from replay.museums import Artic
from replay.serving import Stall
from replay.works import exhibition


def test_a_crawl_without_a_terminal_prints_its_progress(tmp_path: Path) -> None:
    stall = Stall()
    with Artic(exhibition()[:3]) as museum, ExitStack() as finally_:
        finally_.callback(stall.go_on.set)
        museum.misbehave("image", 102, stall)
        call = command(museum, tmp_path / "harvest", "--line-every-s", 0.1)
        with subprocess.Popen(call, cwd=ROOT, stderr=subprocess.PIPE, text=True) as crawl:
            assert stall.reached.wait(60)
            assert crawl.stderr
            # The stalled work comes last: one or both of the others are filed before it
            line = next(line for line in crawl.stderr if re.search(r"\b[12] filed", line))
            stall.go_on.set()
            crawl.stderr.read()
    assert crawl.returncode == 0
    assert line.startswith("crawl artic: ")
    assert " of 0" not in line


def scrapy(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "scrapy", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_scrapy_lists_and_checks_the_spiders() -> None:
    assert scrapy("list").split() == ["artic", "cleveland", "folder", "iiif", "met", "sample"]
    assert "Ran 0 contracts" in scrapy("check")


def test_the_scrapy_shell_opens_only_addresses_of_the_museum() -> None:
    handler = '{"https": "patina.crawler.network.ReplayHandler", "http": null}'
    with Artic(exhibition()[:1]) as museum:
        settings = (f"REPLAY_ORIGIN={museum.origin}", f"DOWNLOAD_HANDLERS={handler}")
        options = [part for one in settings for part in ("-s", one)]
        code = ("-c", "response and response.json()['data']['title']")
        record = "https://api.artic.edu/api/v1/artworks/101"
        assert scrapy("shell", *options, *code, record).strip() == "Harbour by Night"
        printed = scrapy("shell", *options, *code, "https://elsewhere.example/")
    assert printed.strip() == "None"
    assert {request.host for request in museum.requests} == {museum.api}
