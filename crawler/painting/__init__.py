"""The painter of the sample museum: composed scenes, painted over with strokes."""

from crawler.painting.strokes import LONG_SIDE_PX, paint

__all__ = ["LONG_SIDE_PX", "paint"]
