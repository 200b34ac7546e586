"""The list of areas on the page of `patina app`, and which of them are ticked."""

import re

import numpy as np
from damage_maps import pieces

from patina.app.ticks import LISTED, OTHERS, Ticks, automatic, listed, unlisted
from patina.app.words import area_line, uncertain_line
from patina.tasks.restoration.damage import FILLED, PROPOSED, Damage, Piece


def test_the_list_has_fills_first_and_the_likeliest_first_and_names_uncertain_fills() -> None:
    damage = pieces(PROPOSED, FILLED, FILLED, PROPOSED)
    shown = listed(damage)
    assert [piece.label for piece in shown] == [2, 3, 1, 4]
    lines = [area_line(number, piece, (40, 90)) for number, piece in enumerate(shown, 1)]
    assert [re.findall(r"^\d\??|\w+ \(.*?\)", line) for line in lines] == [
        ["1?", "uncertain (0.50)"],
        ["2?", "uncertain (0.33)"],
        ["3", "likely (1.00)"],
        ["4", "unlikely (0.25)"],
    ]
    assert uncertain_line(shown, [2, 3]).endswith(" 1, 2.")
    assert uncertain_line(shown, [3]).endswith(" 2.")
    assert uncertain_line(shown, [1]) == ""


def test_areas_for_which_the_list_has_no_room_are_one_line() -> None:
    labels = np.arange(LISTED + 2).reshape(1, -1)
    found = [Piece(n, 1, (n, 0, 1, 1), n, False, 0.9, 1.0, 0.9) for n in range(1, LISTED + 2)]
    nothing = 0 * labels.astype(np.float32)
    damage = Damage(found, nothing, nothing, nothing, labels)
    assert unlisted(damage) == [1]
    assert OTHERS in automatic(damage)
    assert OTHERS not in automatic(pieces(FILLED))


def test_a_decision_that_the_browser_did_not_yet_show_is_kept() -> None:
    ticks = Ticks()
    ticks.replace({1, 2, 3})
    shown = ticks.number
    ticks.replace(ticks.now - {1})  # a click on the picture
    ticks.receive(shown, {1, 2})  # a tick in the list of before
    assert ticks.now == {2}
    ticks.receive(shown, {1, 2})  # another event, with the same list
    assert ticks.now == {2}
    ticks.receive(ticks.number, {2, 3, 4})
    assert ticks.now == {2, 4}
