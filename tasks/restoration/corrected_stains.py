"""The corrected stains of a work, as areas of a condition report: their boxes, from the sidecar."""

from patina.tasks.io.atomic import Record
from patina.tasks.restoration.damage_areas import Area

STAIN = "stain"  # the kind of these areas
CORRECTED = {True: "corrected", False: "to be corrected"}  # for a result and for a proposal
MOST = 10  # maximum number of stains in the list of a report
# The place (x, y) of a stored scan as a viewer shows it, both in shares, by EXIF orientation
SHOWN = {
    2: lambda x, y: (1 - x, y),
    3: lambda x, y: (1 - x, 1 - y),
    4: lambda x, y: (x, 1 - y),
    5: lambda x, y: (y, x),
    6: lambda x, y: (1 - y, x),
    7: lambda x, y: (1 - y, 1 - x),
    8: lambda x, y: (y, 1 - x),
}


def corrected_stains(
    change: Record, size: tuple[int, int], orientation: int, numbered: int
) -> list[Area]:
    """The corrected stains that Patina found, at most MOST, the largest first.

    change: the figures of the sidecar. size: (height, width) of the work as a viewer shows it.
    orientation: of the stored scan, by EXIF. numbered: the number of the last area before them.
    """
    places = sorted(change.get("stains", {}).get("places", ()), key=lambda each: -each["share"])
    return [
        _area(place, size, orientation, number)
        for number, place in enumerate(places[:MOST], numbered + 1)
    ]


def _area(place: Record, size: tuple[int, int], orientation: int, number: int) -> Area:
    height, width = size
    x, y, across, down = place["box"]
    corners = [(x, y), (x + across, y + down)]
    if turned := SHOWN.get(orientation):
        corners = [turned(*corner) for corner in corners]
    (first, last), (above, below) = (sorted(ends) for ends in zip(*corners, strict=True))
    top, bottom = round(above * height), round(below * height)
    left, right = round(first * width), round(last * width)
    return Area(
        number,
        STAIN,
        top,
        left,
        bottom,
        right,
        px=round(place["share"] * height * width),
        share=place["share"],
        length_px=max(bottom - top, right - left),
        width_px=min(bottom - top, right - left),
        pieces=1,
        across=(first + last) / 2,
        down=(above + below) / 2,
    )
