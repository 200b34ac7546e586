"""The HTML file of a condition report in a real browser, opened from disk."""

from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from browser import CHROMIUM, chromium
from pypdf import PdfReader
from restorers import restorer

from patina.tasks.restoration.condition import condition_of
from patina.tasks.restoration.condition_html import html_of
from patina.tasks.restoration.examination import examined

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium is installed")

HOSTILE = "<script>document.title='taken'</script> שלום"


@pytest.mark.parametrize(("height", "width"), [(600, 400), (300, 700)])
def test_a_report_is_printed_on_one_page_leads_from_number_to_row_and_asks_for_nothing(
    tmp_path: Path, height: int, width: int
) -> None:
    source, report = tmp_path / "dust.png", tmp_path / "dust.html"
    cv2.imwrite(str(source), np.full((height, width, 3), 128, np.uint8))
    with examined(source, restorer(0)) as found:
        damage = np.zeros((height, width), np.uint8)
        for index in range(60):
            y, x = 10 + height // 7 * (index // 10), 10 + width // 11 * (index % 10)
            damage[y : y + 4 + index // 10, x : x + 5] = 255
        cv2.imwrite(str(found.damage), damage)
        report.write_text(html_of(condition_of(found, {"title": HOSTILE, "artist": "北斎"})))
    with chromium() as page:
        page.open(report)
        assert page.run("document.title").startswith("Condition report: 北斎, <script>")
        page.click("svg a:nth-of-type(3)")
        assert page.run("location.hash") == "#area-3"
        assert page.run("document.querySelector('tr:target td').textContent") == "3"
        assert page.console == []
        assert {url.split(":")[0] for url in page.requested} <= {"file", "data", "about"}
        assert len(PdfReader(BytesIO(page.pdf())).pages) == 1
        page.size(360, 800)
        assert page.run("document.documentElement.scrollWidth") == 360
