"""How a work deteriorates, one pure function for each kind of damage.

Every degradation is `(image, rng, *, severity) -> (image, mask)`:

image: float32 (H, W, 3), sRGB in [0, 1], never modified; the result is alike.
severity: 0 (the identity, bit for bit) to 1, unitless; ValueError outside. The numbers drawn from
    `rng` do not depend on it, so one seed gives one damage that grows with severity.
mask: None where the damage is everywhere, else the opacity of a local damage, float32 (H, W) in
    [0, 1], above 0 wherever a pixel changed.

Sizes are relative to the long side, as the damage is to the work: a scan at twice the resolution
shows the same scratch twice as wide. The file's order, hence that of DEGRADATIONS, is the order in
which an object suffers: pigments, varnish, surface, then the capture. Registering a function here
enrols it in recipes and in the shared tests.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[Any]  # float32; cv2's type hints lose the dtype
Damaged = tuple[Image, Image | None]


class Degradation(Protocol):
    """The shape of every function in DEGRADATIONS; the module's docstring is its contract."""

    __name__: str

    def __call__(self, image: Image, rng: np.random.Generator, *, severity: float) -> Damaged: ...


DEGRADATIONS: dict[str, Degradation] = {}


def degradation(*, local: bool = False) -> Callable[[Degradation], Degradation]:
    """Enrol a function and keep for it what all of them promise; `local`: it returns a mask."""

    def enrol(function: Degradation) -> Degradation:
        @functools.wraps(function)
        def checked(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
            if not 0 <= severity <= 1:
                raise ValueError(f"{function.__name__}: severity {severity} is not within [0, 1]")
            if severity == 0:
                return image.copy(), np.zeros(image.shape[:2], np.float32) if local else None
            damaged, mask = function(image, rng, severity=severity)
            return np.clip(damaged, 0, 1, out=damaged), mask

        DEGRADATIONS[function.__name__] = checked
        return checked

    return enrol


@degradation()
def fading(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Bleach `image` as light does: reds and yellows pale first, blacks lift, contrast falls.

    Chroma is lost by raising the channels that a pigment absorbs towards the one it reflects. What
    reflects red (organic lakes, from rose through orange to yellow) is fugitive, what absorbs it
    (mineral blues and greens) lasts. A frame or a curtain shades some parts: the loss is uneven.
    Source: ours; the order of fugitiveness after Saunders & Kirby, "Light-induced Colour Changes in
    Red and Yellow Lake Pigments", National Gallery Technical Bulletin 15 (1994).
    """
    exposure = severity * (0.85 + 0.15 * _smooth_noise(rng, image.shape, waves=2))
    exposure = _enlarge(exposure, image.shape)
    red, green, blue = planes = _split(image)
    brightest = cv2.max(cv2.max(red, green), blue)
    darkest = cv2.min(cv2.min(red, green), blue)
    fugitive = (red - darkest) / (brightest - darkest + 1e-6)
    _over(planes, (brightest, brightest, brightest), exposure * (0.25 + 0.4 * fugitive))
    _over(planes, (0.64, 0.62, 0.58), 0.3 * exposure)
    return cv2.merge(planes), None


@degradation()
def yellow_varnish(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Tint `image` as a coat of aged dammar does: amber, darker, with less contrast.

    A yellow filter whose absorbance grows with age (Beer-Lambert, in linear light) and a haze, for
    an aged varnish scatters too; the coat is brushed on unevenly. sRGB is 1.055 L^(1/2.4) - 0.055,
    so the linear product is taken on the encoded values; near black, where sRGB is a straight line,
    the larger of `plane` and `toe` stays within 1/255 of it.
    Source: Trumpy et al., "Experimental study on merits of virtual cleaning of paintings with aged
    varnish", Optics Express 23 (2015): filter and scattering; the coefficients are ours.
    """
    coat = 1 + 0.2 * _smooth_noise(rng, image.shape, waves=4)
    planes = _split(image)
    for plane, absorbance in zip(planes, (0.25, 0.65, 1.9), strict=True):
        gain = _enlarge(np.exp(-severity * absorbance / 2.4 * coat), image.shape)
        toe = plane * gain * gain
        plane += 0.055
        plane *= gain
        plane -= 0.055
        np.maximum(plane, toe, out=plane)
    _over(planes, (0.42, 0.31, 0.13), 0.15 * severity)
    return cv2.merge(planes), None


SCRATCHES, CLUSTERS, POINTS = 90, 6, 24


@degradation(local=True)
def scratches(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Cut hairlines into `image`: light where the ground shows, dark where dirt has filled them.

    Severity uncovers one scratch after the other and deepens all. Source: ours.
    """
    height, width = image.shape[:2]
    paths_px, radii_px = _scratch_paths(rng, max(height, width))
    paths_px += np.array((width, height)) / 2
    depth = rng.uniform(0.4, 1, SCRATCHES) * (0.7 + 0.3 * severity)
    depth *= np.clip(severity * SCRATCHES - np.arange(SCRATCHES), 0, 1)
    skips = np.clip(rng.normal(0.8, 0.35, (SCRATCHES, POINTS)), 0, 1)
    dirty = rng.random(SCRATCHES) < 0.3
    planes = _split(image)
    mask = np.zeros((height, width), np.float32)
    for chosen, tone in ((~dirty, (0.90, 0.87, 0.79)), (dirty, (0.11, 0.08, 0.06))):
        layer = np.zeros((height, width), np.uint8)
        for path, radius, opacity in zip(
            paths_px[chosen], radii_px[chosen], (depth[:, None] * skips)[chosen], strict=True
        ):
            _cut(layer, path, radius, opacity)
        cover = layer.astype(np.float32) / 255
        _over(planes, tone, cover)
        np.maximum(mask, cover, out=mask)
    return cv2.merge(planes), mask


def _scratch_paths(rng: np.random.Generator, long_px: int) -> tuple[Image, Image]:
    """Points (SCRATCHES, POINTS, 2) about the image's centre and half widths, both in pixels.

    What rubs once rubs along: scratches come in clusters that share a place and a direction.
    """
    cluster = rng.integers(CLUSTERS, size=SCRATCHES)
    centre = rng.uniform(-0.5, 0.5, (CLUSTERS, 2))[cluster] + rng.normal(0, 0.15, (SCRATCHES, 2))
    angle = rng.uniform(0, np.pi, CLUSTERS)[cluster] + rng.normal(0, 0.15, SCRATCHES)
    length = 0.02 * 30 ** (rng.random(SCRATCHES) ** 1.5)
    bend = rng.normal(0, 0.25, SCRATCHES)
    along = np.linspace(-0.5, 0.5, POINTS)
    wobble = np.cumsum(rng.normal(0, 0.02, (SCRATCHES, POINTS)), axis=1)
    heading = angle[:, None] + bend[:, None] * along + wobble
    steps = np.stack((np.cos(heading), np.sin(heading)), axis=-1) * length[:, None, None] / POINTS
    paths = np.cumsum(steps, axis=1)
    paths += (centre - paths.mean(axis=1))[:, None]
    taper = np.sqrt(1 - (2 * along) ** 2)
    radius = rng.uniform(0.0003, 0.0012, SCRATCHES)[:, None] * (0.2 + 0.8 * taper)
    return paths * long_px, radius * long_px


def _cut(layer: Image, path_px: Image, radius_px: Image, opacity: Image) -> None:
    """Draw one scratch into `layer`, where the deeper of two that cross wins."""
    margin = 3 + int(radius_px.max())
    left, top = np.maximum(np.floor(path_px.min(axis=0)).astype(int) - margin, 0)
    right, bottom = np.ceil(path_px.max(axis=0)).astype(int) + margin
    window = layer[top : max(bottom, 0), left : max(right, 0)]
    if not window.size or not opacity.any():
        return
    line = np.zeros_like(window)
    points = np.round((path_px - (left, top)) * 16).astype(int).tolist()
    for start, end, width, cover in zip(
        points, points[1:], (2 * radius_px).tolist(), opacity.tolist(), strict=False
    ):
        # cv2 draws no line thinner than a pixel: a thinner scratch is a fainter one
        level = round(255 * cover * min(1, width))
        cv2.line(line, start, end, level, max(1, round(width)), cv2.LINE_AA, shift=4)
    np.maximum(window, line, out=window)


@degradation(local=True)
def water_spill(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Leave puddles that dried on `image`: washed out inside, a brown tideline at the rim.

    Drying, it carries what it dissolved to its edge, and pauses on the way: a fainter line.
    Source: ours; the rim after Deegan et al., "Capillary flow as the cause of ring stains from
    dried liquid drops", Nature 389 (1997).
    """
    depth = _enlarge(_puddle_depth(rng, image.shape, severity), image.shape)
    mottle = _enlarge(_smooth_noise(rng, image.shape, waves=9), image.shape)
    extent = severity * np.clip(depth / 0.003, 0, 1)
    np.maximum(depth, 0, out=depth)
    pause = (depth - 0.04 - 0.01 * mottle) / 0.005
    rim = np.exp(-depth / 0.006) + 0.22 * np.exp(-pause * pause) + 0.25 * np.exp(-depth / 0.05)
    planes = _split(image)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    _over(planes, (grey, grey, grey), 0.3 * extent)
    _over(planes, (0.70, 0.63, 0.50), extent * (0.17 + 0.04 * mottle))
    _over(planes, (0.35, 0.22, 0.09), extent * np.clip(rim * (0.85 + 0.12 * mottle), 0, 0.9))
    return cv2.merge(planes), extent


def _puddle_depth(rng: np.random.Generator, shape: tuple[int, ...], severity: float) -> Image:
    """Distance to the nearest shore of up to three puddles in long sides, negative on dry land.

    On 256 px: a shoreline is smooth, and distances are dear.
    """
    height, width = _fit(shape, 256)
    rows, columns = np.mgrid[:height, :width].astype(np.float32) / 256
    noise = [_enlarge(_smooth_noise(rng, shape, waves=n), (height, width)) for n in (3, 8, 24)]
    warp = 0.3 * noise[0] + 0.12 * noise[1] + 0.05 * noise[2]
    level = np.full((height, width), -1, np.float32)
    centres = rng.uniform(0.1, 0.9, (3, 2)) * (height, width) / 256
    radii = np.sort(rng.uniform(0.06, 0.28, 3))[::-1] * (0.7 + 0.3 * severity)
    # The largest is always there; the others join it as the spill grows
    radii *= np.clip(3 * severity - np.array((-1, 0.8, 1.6)), 0.02, 1)
    for (row, column), radius in zip(centres.tolist(), radii.tolist(), strict=True):
        distance = np.hypot(rows - row, columns - column)
        np.maximum(level, radius * (1 + warp) - distance, out=level)
    wet = (level > 0).astype(np.uint8)
    inland, offshore = (
        cv2.distanceTransform(side, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) for side in (wet, 1 - wet)
    )
    return cv2.GaussianBlur((inland - offshore) / 256, (0, 0), 1.5)


@degradation()
def blur(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Put the camera out of focus: an isotropic Gaussian, at most 0.45 % of the long side.

    Source: Zhang et al., "Designing a Practical Degradation Model for Deep Blind Image
    Super-Resolution" (BSRGAN), ICCV 2021: its isotropic blur kernels.
    """
    height, width = image.shape[:2]
    sigma_px = 0.0045 * severity * max(height, width)
    shrink = max(1, int(sigma_px / 2))
    if shrink == 1:
        return cv2.GaussianBlur(image, (0, 0), sigma_px), None
    # What is this soft fits into fewer pixels, whose own width is a variance of 1/12
    small_px = (max(1, width // shrink), max(1, height // shrink))
    small = cv2.resize(image, small_px, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), ((sigma_px / shrink) ** 2 - 1 / 12) ** 0.5)
    return _enlarge(soft, image.shape), None


@degradation()
def gaussian_noise(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Add a sensor's noise: white, alike in every channel, sigma at most 50/255.

    Source: Zhang et al., "Beyond a Gaussian Denoiser" (DnCNN), IEEE TIP 26 (2017): y = x + v.
    """
    sigma_255 = 50 * severity
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    noise *= np.float32(sigma_255 / 255)
    noise += image
    return noise, None


@degradation()
def jpeg(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Save `image` as a JPEG, of quality 95 down to 20, and read it again.

    Source: ITU-T T.81 as libjpeg does it (quality 1-100, chroma at half resolution).
    """
    quality = round(95 - 75 * severity)
    pixels = cv2.cvtColor(np.rint(image * 255).astype(np.uint8), cv2.COLOR_RGB2BGR)
    done, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"jpeg: no JPEG has the shape {image.shape}; at most 65500 px a side")
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB), np.float32) / 255, None


def _fit(shape: tuple[int, ...], long_px: int) -> tuple[int, int]:
    """(height, width) of `shape`'s proportions with the long side `long_px`."""
    scale = long_px / max(shape[:2])
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def _smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], *, waves: float) -> Image:
    """Noise in [-2, 2], deviation about 1, `waves` swells long; on 128 px, for `_enlarge`."""
    sigma_px = 128 / (4 * waves)
    white = rng.standard_normal(_fit(shape, 128), dtype=np.float32)
    soft = cv2.GaussianBlur(white, (0, 0), sigma_px)
    # Averaging white noise under a Gaussian divides its deviation by 2 sqrt(pi) sigma
    return np.clip(soft * (2 * np.sqrt(np.pi) * sigma_px), -2, 2).astype(np.float32)


def _over(planes: Sequence[Image], tone: Sequence[Image | float], cover: Image | float) -> None:
    """Paint `tone` over `planes`, in place, with the opacity `cover`; 0 changes nothing."""
    for plane, target in zip(planes, tone, strict=True):
        change = target - plane
        change *= cover
        plane += change


def _split(image: Image) -> Sequence[Image]:
    """The planes of `image`, copied: numpy is slow where the last axis has three entries."""
    return cv2.split(image)


def _enlarge(field: Image, shape: tuple[int, ...]) -> Image:
    """`field` at the height and width of `shape`."""
    return cv2.resize(field, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
