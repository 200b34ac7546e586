"""The report in a real browser, opened from disk."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import CHROMIUM, Page, chromium
from outboxes import change_of, file_work

from patina.tasks.restoration.report.page import page_of, write_report
from patina.tasks.restoration.report.previews import key_of
from patina.tasks.restoration.report.records import work_of

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium is installed")

HOSTILE = "\"><script>document.title='taken'<!--' שלום \u202eexe.tif"
NAMES = "[...document.querySelectorAll('a.name')].map((name) => name.textContent)"
WORKS, MOST_MS = 5000, 2000


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    with chromium() as page:
        yield page


@pytest.fixture(scope="module")
def outbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out #1 %20")
    file_work(folder, "b-much.tif", change_of(5.0, damage={"weight": 1, "found_share": 0.02}))
    file_work(folder, "deep/a-little.tif", change_of(0.5))
    file_work(folder, "sound.tif", change_of(0))
    bad = "</script><img src=x onerror=\"document.title='taken'\">"
    file_work(folder, HOSTILE, change_of(1), flags=[bad], summary=f"noise reduced {bad}")
    (folder / "failures.jsonl").write_text(json.dumps({"file": bad, "reason": f"{bad}: no image"}))
    write_report(folder)
    return folder


@pytest.fixture
def page(browser: Page, outbox: Path) -> Page:
    """The list of works, after opening."""
    browser.console.clear()
    browser.requested.clear()
    browser.size(1400, 1000)
    browser.open(outbox / "report.html")
    return browser


def show(page: Page, outbox: Path, name: str) -> None:
    page.open(outbox / "report.html", f"#work={key_of(name)}")
    page.until("document.getElementById('before').complete")


def value(page: Page) -> int:
    return int(page.run("document.getElementById('divider').ariaValueNow"))


def test_flagged_works_stand_first_and_nothing_goes_over_the_network(
    page: Page, outbox: Path
) -> None:
    names = page.run(NAMES)
    assert "<script>" in names[0]
    assert names[2:] == ["b-much.tif", "deep/a-little.tif", "sound.tif"]
    page.until("[...document.images].every((image) => image.hidden || image.complete)")
    assert page.run("[...document.querySelectorAll('.row img')].every((i) => i.naturalWidth > 0)")
    show(page, outbox, "b-much.tif")
    assert page.requested
    allowed = (outbox.resolve().as_uri(), "about:blank", "data:")
    assert [url for url in page.requested if not url.startswith(allowed)] == []
    assert page.console == []


def test_filled_surface_and_altered_pixels_are_explained_in_a_line_each(
    page: Page, outbox: Path
) -> None:
    show(page, outbox, "b-much.tif")
    names = "[...document.querySelectorAll('#work-figures dt')].map((name) => name.textContent)"
    explained = "[...document.querySelectorAll('#meanings dt')].map((name) => name.textContent)"
    assert "Altered pixels" in page.run(names)
    assert {"Filled surface", "Altered pixels"} <= {*page.run(explained)}
    titled = "[...document.querySelectorAll('#work-figures dt[title]')].map((name) => name.title)"
    assert any(title.startswith("Share of the pixels that differ") for title in page.run(titled))


def test_whatever_names_and_words_hold_is_text(page: Page, outbox: Path) -> None:
    assert "taken" not in page.run("document.title")
    assert page.run("document.querySelectorAll('#works script, #works img[src=x]').length") == 0
    assert "\u202e" not in page.run("document.body.innerText")
    show(page, outbox, HOSTILE)
    assert page.run("document.getElementById('work-name').textContent").startswith('"><script>')
    assert "</script><img" in page.run("document.getElementById('work-flags').textContent")
    page.click("#record summary")
    page.until("document.querySelector('#record pre').textContent.includes('\"flags\"')")
    assert page.run("document.title") != "taken"
    assert page.console == []


def test_the_divider_follows_the_mouse_and_the_keys(page: Page, outbox: Path) -> None:
    show(page, outbox, "b-much.tif")
    assert value(page) == 50
    x, y = page.middle("#divider")
    picture = page.run("document.getElementById('layers').getBoundingClientRect().width")
    page.drag((x, y), (x - picture / 4, y))
    assert value(page) == 25
    clip = page.run("document.getElementById('after').style.clipPath")
    assert clip == "inset(0px 0px 0px 100px)"  # a quarter of 400 pixels shows what was before
    page.run("document.getElementById('divider').focus()")
    page.press("ArrowRight")
    assert value(page) == 27
    page.press("End")
    assert value(page) == 100
    told = page.run("document.getElementById('divider').ariaValueText")
    assert told == "100% before, 0% after"


def test_overlays_are_shown_and_hidden(page: Page, outbox: Path) -> None:
    show(page, outbox, "b-much.tif")
    for name, key in (("damage", "d"), ("change", "c")):
        hidden = f"document.getElementById('{name}').hidden"
        assert page.run(hidden)
        page.click(f"#show-{name}")
        assert not page.run(hidden)
        assert page.run(f"document.getElementById('show-{name}').ariaPressed") == "true"
        page.press(key)
        assert page.run(hidden)
    show(page, outbox, "sound.tif")
    assert page.run("document.getElementById('show-damage').disabled")
    assert page.run("getComputedStyle(document.getElementById('divider')).display") == "none"


def test_a_work_is_zoomed_to_full_size_and_moved(page: Page, outbox: Path) -> None:
    page.size(300, 600)
    show(page, outbox, "b-much.tif")
    zoom = "document.getElementById('zoom').textContent"
    assert page.run(zoom) == "67%"
    page.click("#actual")
    assert page.run(zoom) == "100%"
    left = "document.getElementById('layers').getBoundingClientRect().left"
    before = page.run(left)
    x, y = page.middle("#stage")
    page.drag((x + 60, y), (x + 30, y))
    assert page.run(left) == before - 30
    for modifiers in (8, 0):  # Shift and the arrow move the picture, the arrow alone the divider
        page.ask("Input.dispatchKeyEvent", type="keyDown", key="ArrowLeft", modifiers=modifiers)
        page.ask("Input.dispatchKeyEvent", type="keyUp", key="ArrowLeft", modifiers=modifiers)
    assert page.run(left) == min(0, before - 30 + 80)
    assert page.run("document.getElementById('divider').ariaValueNow") == "48"
    page.press("0")
    assert page.run(zoom) == "67%"


def test_works_are_searched_chosen_and_sorted(page: Page) -> None:
    page.run("document.getElementById('query').focus()")
    page.type("DEEP little")
    assert page.run(NAMES) == ["deep/a-little.tif"]
    assert page.run("document.getElementById('count').textContent") == "1 work"
    page.type(" nowhere")
    assert page.run(NAMES) == []
    page.click("#clear")
    assert len(page.run(NAMES)) == 5

    def choose(field: str, choice: str) -> list[str]:
        page.run(
            f"(() => {{ const field = document.getElementById('{field}');"
            f"field.value = '{choice}'; field.dispatchEvent(new Event('change')); }})()"
        )
        return list(page.run(NAMES))

    plain = [name for name in choose("sort", "name") if name[0].isalpha() and name[-4:] == ".tif"]
    assert plain == ["b-much.tif", "deep/a-little.tif", "sound.tif"]
    assert choose("sort", "changed")[0] == "b-much.tif"
    assert choose("show", "untouched") == ["sound.tif"]
    assert len(choose("show", "flagged")) == 1


def test_the_report_is_read_by_keyboard_alone(page: Page) -> None:
    page.run("document.querySelector('a.name').focus()")
    for _ in range(2):
        page.press("ArrowDown")
    page.press("Enter")
    page.until("!document.getElementById('work').hidden")
    heading = "document.getElementById('work-name').textContent"
    assert page.run(heading) == "b-much.tif"
    assert page.run("document.activeElement.id") == "work-name"
    page.press("n")
    page.until(f"{heading} === 'deep/a-little.tif'")
    page.press("Escape")
    page.until("document.getElementById('work').hidden")
    assert page.run("document.activeElement.textContent") == "deep/a-little.tif"


def test_every_field_and_button_has_a_name_for_screen_readers(page: Page, outbox: Path) -> None:
    show(page, outbox, "b-much.tif")
    nodes = page.ask("Accessibility.getFullAXTree")["nodes"]
    roles = ("button", "link", "slider", "searchbox", "combobox", "image")
    named = [
        (node["role"]["value"], node["name"]["value"])
        for node in nodes
        if not node["ignored"] and node["role"]["value"] in roles
    ]
    assert ("slider", "Divider between before and after") in named
    assert ("image", "b-much.tif, after") in named
    assert [role for role, name in named if not name] == []


def test_dark_and_light_follow_the_system_and_the_button(page: Page) -> None:
    colour = "getComputedStyle(document.body).backgroundColor"
    page.dark(False)
    light = page.run(colour)
    page.dark()
    dark = page.run(colour)
    assert light != dark
    hint, soft = (
        "document.getElementById('query'), '::placeholder'",
        "document.getElementById('imprint')",
    )
    assert page.run(f"getComputedStyle({hint}).color == getComputedStyle({soft}).color")
    page.click("#theme")
    assert page.run(colour) == light
    page.click("#theme")
    assert page.run(colour) == dark


def test_each_work_is_printed_on_a_page_and_those_set_aside_on_one(
    page: Page, outbox: Path
) -> None:
    assert pages_in(page.pdf()) == 4 + 1
    show(page, outbox, "b-much.tif")
    assert pages_in(page.pdf()) == 1


def pages_in(pdf: bytes) -> int:
    return pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ")


def test_five_thousand_works_open_in_two_seconds(browser: Page, tmp_path: Path) -> None:
    sidecar = json.loads(file_work(tmp_path, "work.tif", change_of(1)).read_text())
    sidecar["filler"] = {f"figure {number}": number / 7 for number in range(60)}
    works = [work_of(Path(f"{number:05}.tif"), sidecar) for number in range(WORKS)]
    report = tmp_path / "report.html"
    report.write_bytes(page_of(works, "many"))
    assert report.stat().st_size > WORKS * 2000  # as much as real sidecars hold
    browser.size(1400, 1000)
    assert browser.open(report) < MOST_MS
    assert browser.run("document.querySelectorAll('.row').length") < 200
    browser.run("scrollTo(0, document.body.scrollHeight)")
    browser.until("document.body.textContent.includes('04999.tif')")
    browser.run("document.getElementById('query').focus()")
    browser.type("04321")
    assert browser.run(NAMES) == ["04321.tif"]
