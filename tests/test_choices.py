"""The choices on the page of `patina app` as a request."""

from dataclasses import replace
from pathlib import Path

from patina.app.choices import FULL, NEEDED, OFF, Choices, request_of
from patina.tasks.restoration.request import RestoreRequest

USUAL = ("detail", "damage", "stains", "tone")


def test_choices_are_the_request_of_the_command() -> None:
    scan, out = Path("a.tif"), Path("out")
    usual = Choices((NEEDED, NEEDED, NEEDED, NEEDED, OFF), (1, 1, 1, 1, 1))
    assert request_of(scan, out, usual, {}, USUAL) == RestoreRequest(("a.tif",), "out")
    other = Choices((OFF, NEEDED, OFF, FULL, OFF), (1, 0.5, 1, 1, 1))
    request = request_of(scan, out, other, {"mask": Path("m.png")}, USUAL)
    assert request.command() == (
        "patina restore a.tif -o out --treat damage,tone --force tone --strength damage:0.5 "
        "--mask m.png"
    )
    limited = request_of(scan, out, replace(usual, limit=" 0.5 %"), {}, USUAL)
    assert limited.command() == "patina restore a.tif -o out --limit-fill 0.5%"
    nothing = Choices((OFF,) * 5, (1,) * 5)
    assert request_of(scan, out, nothing, {}, USUAL).treat == "none"
