"""The gates: thresholds for each network; docs/quality.md has the measurements behind them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Gates:
    """Thresholds for treatments; `patina.params.Restore` has the defaults."""

    # Steps across JPEG's 8×8 grid, times those elsewhere, from which on it is taken for compressed
    jpeg_blockiness: float = 1.0
    # Root mean square of what `detail` would correct, 8-bit steps, from which on it does
    detail_255: float = 0.0
    # Likelihood that a work gains by it, from which on it does
    detail_likelihood: float = 0.0
    # The same of `blur`
    blur_255: float = 0.0
    blur_likelihood: float = 0.0
    # Likelihood of damage from which on it is filled; and of what is connected with it
    damage_likelihood: float = 0.5
    damage_doubt: float = 0.25
    # Share of the work that must be damaged almost certainly before anything is filled
    damage_share: float = 0.0
    # Largest piece that is filled without being asked for, share of the work, unless it is thin
    fill_area: float = 1.0
    # The same of a piece that is damage with a likelihood of at least `fill_surely`
    fill_area_surely: float = 1.0
    fill_surely: float = 0.0
    # Up to which width it is thin, share of the work's long side
    fill_width: float = 1.0
    # Most that is filled of what is not thin, share of the work
    fill_share: float = 1.0
    # Likelihood that a piece is damage, as a judge says, from which on it is filled
    fill_likelihood: float = 0.0
    # The same of all pieces that would be filled, on average, each weighted by its area; and of
    # each piece that is larger than `fill_area`
    fill_likelihood_mean: float = 0.0
    # Share of a piece's rim at which what lies inside must differ from what lies outside
    fill_unlike: float = 0.0
    # Likelihood that an area is damage, as a judge says, from which on it is proposed
    area_likelihood: float = 0.0
    # Root mean square by which the colours would change, 8-bit steps, from which on they do
    tone_255: float = 0.0
