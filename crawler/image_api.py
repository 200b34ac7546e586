"""The image sizes that a IIIF image server offers, in versions 2 and 3 of the Image API.

Servers of level 0 offer only the sizes that they list.
Source: https://iiif.io/api/image/3.0/ and https://iiif.io/api/image/2.1/.
"""

import math
from typing import Any

from patina.crawler.items import Rendition
from patina.crawler.presentation import said, several
from patina.crawler.responses import Record, pixels

MOST_SIZES = 5


def renditions(info: Record, base: str, max_pixels: int) -> list[Rendition]:
    """Sizes of the image at the address `base`, beginning with the largest that fits.

    info: its info.json. max_pixels: the largest size; 0: any. If none fits, the smallest is given.
    Raises ValueError if info.json has another version or no size.
    """
    version = version_of(info)
    width, height = pixels(info.get("width")), pixels(info.get("height"))
    if not (width and height):
        raise ValueError("info.json does not state the size of the image")
    whole = ("max" if version == 3 else "full", width, height)
    listed = sizes_of(info, version, width, height)
    scale = largest_scale(info, width, height, max_pixels)
    wide = max(1, int(width * scale + 1e-6))
    if scale == 1:
        found = [whole, *listed]
    elif scales(info):
        asked = (f"{wide},", wide, max(1, round(height * wide / width)))
        found = [asked, *(size for size in listed if size[1] < wide)]
    else:
        found = [size for size in listed if size[1] <= wide] or listed[-1:] or [whole]
    return [
        Rendition(f"{base}/full/{size}/0/default.jpg", wide, high)
        for size, wide, high in found[:MOST_SIZES]
    ]


def version_of(info: Record) -> int:
    """The version of the Image API, 2 or 3. Raises ValueError if it is another one."""
    context = said(info.get("@context"))
    for version in (3, 2):
        if f"/image/{version}/" in context:
            return version
    raise ValueError("info.json does not belong to version 2 or 3 of the Image API")


def about(info: Record) -> tuple[str, list[Record]]:
    """The compliance level, and the objects that may contain limits and further features."""
    profile = several(info.get("profile"))
    level = next((one for one in profile if isinstance(one, str)), "")
    return level, [info, *(one for one in profile if isinstance(one, dict))]


def largest_scale(info: Record, width: int, height: int, max_pixels: int) -> float:
    """Scale of the image, at most 1, that respects the server's limits and `max_pixels`."""
    scale = math.sqrt(min(1.0, max_pixels / (width * height))) if max_pixels else 1.0
    for limits in about(info)[1]:
        most_wide, most_area = pixels(limits.get("maxWidth")), pixels(limits.get("maxArea"))
        most_high = pixels(limits.get("maxHeight")) or most_wide
        scale = min(scale, most_wide / width) if most_wide else scale
        scale = min(scale, most_high / height) if most_high else scale
        scale = min(scale, math.sqrt(most_area / (width * height))) if most_area else scale
    return scale


def scales(info: Record) -> bool:
    """Whether the server can give an image of any requested width."""
    level, places = about(info)
    features: list[Any] = [
        one
        for place in places
        for name in ("extraFeatures", "supports")
        for one in several(place.get(name))
    ]
    return "level1" in level or "level2" in level or "sizeByW" in features


def sizes_of(info: Record, version: int, width: int, height: int) -> list[tuple[str, int, int]]:
    """The sizes that the server lists, the largest first, all smaller than the image."""
    ready = {
        (pixels(one.get("width")), pixels(one.get("height"))) for one in several(info.get("sizes"))
    }
    return [
        (f"{wide},{high}" if version == 3 else f"{wide},", wide, high)
        for wide, high in sorted(ready, reverse=True)
        if 0 < wide < width and 0 < high < height
    ]
