"""The supports of works, and their ageing: reliefs with the standard deviation 1."""

import cv2
import numpy as np

from patina.tasks.evaluation.hard_works.contract import Image
from patina.tasks.evaluation.hard_works.fields import Shape, fractal, grid_of, noise, smoothstep

FINEST_PX = 3  # narrower threads and lines are drawn at twice the size, then reduced


def canvas(
    rng: np.random.Generator, shape: Shape, pitch_px: float, *, twill: bool = False
) -> Image:
    """A woven cloth, plain or a 2/1 twill; neighbouring threads are `pitch_px` apart.

    Threads differ in thickness and place, vary along their length, and sag in scallops between the
    nails along the edges (cusping).
    """
    if pitch_px < FINEST_PX:
        fine = canvas(rng, (2 * shape[0], 2 * shape[1]), 2 * pitch_px, twill=twill)
        return _unit(cv2.resize(fine, shape[::-1], interpolation=cv2.INTER_AREA))
    down, across = _cusped(rng, shape)
    long = max(shape)
    warp, warp_part, warp_body = _threads(rng, across, long, pitch_px, (shape[0], pitch_px))
    weft, weft_part, weft_body = _threads(rng, down, long, pitch_px * 1.06, (pitch_px, shape[1]))
    # A warp thread is on top where `over` is high; the next warp thread, one weft thread later
    sign = -1 if twill else 1
    turn = np.float32(2 * np.pi / (3 if twill else 2))
    over = np.cos(turn * (weft + sign * warp + weft_part - 0.5))
    under = np.cos(turn * (weft + sign * (warp + warp_part - 0.5)))
    lift = np.float32(0.45)
    top = _round(warp_part) * warp_body * (0.75 + lift * over)
    side = _round(weft_part) * weft_body * (0.75 - lift * under)
    cloth = np.maximum(top, side) + 0.12 * noise(rng, shape, 1.2)
    return _unit(cv2.GaussianBlur(cloth, (0, 0), 0.08 * pitch_px + 0.3))


def _cusped(rng: np.random.Generator, shape: Shape) -> tuple[Image, Image]:
    """Rows and columns of the cloth, in units of the long side, distorted by nails and by the
    weaver.
    """
    rows, columns = grid_of(shape)
    bottom, right = rows[-1, 0], columns[0, -1]
    nails = 2 * np.pi * rng.integers(7, 12)
    depth, reach = np.float32(0.004), np.float32(0.09)
    near_rows = np.exp(-rows / reach) - np.exp(-(bottom - rows) / reach)
    near_columns = np.exp(-columns / reach) - np.exp(-(right - columns) / reach)
    coarse = max(shape) / 5
    down = rows + depth * near_rows * np.sin(nails * columns) + 0.0012 * noise(rng, shape, coarse)
    across = columns + depth * near_columns * np.sin(nails * rows)
    return down, across + 0.0012 * noise(rng, shape, coarse)


def _threads(
    rng: np.random.Generator, place: Image, long: int, pitch_px: float, slub: tuple[float, float]
) -> tuple[Image, Image, Image]:
    """For each pixel: the number of its thread, its place across the thread in [0, 1), its
    thickness.
    """
    count = int(long / pitch_px) + 8
    widths = 1 + np.clip(rng.normal(0, 0.14, count), -0.35, 0.45)
    edges = np.concatenate([[0], np.cumsum(widths / widths.mean())]).astype(np.float32) - 3
    # A table of finer steps is faster than a search for every pixel
    steps = np.arange(count * 64, dtype=np.float32) / 64 - 3
    table = np.interp(steps, edges, np.arange(count + 1)).astype(np.float32)
    index = np.clip((place * np.float32(long / pitch_px) + 3) * 64, 0, len(table) - 1)
    whole = table[index.astype(np.int32)] + (index - np.floor(index)) / 64
    number = np.floor(whole)
    body = np.clip(rng.normal(1, 0.13, count + 2), 0.6, 1.5).astype(np.float32)
    slubs = noise(rng, place.shape, *(max(length / 14, 1.5 * pitch_px) for length in slub))
    return number, whole - number, body[number.astype(np.int32)] + 0.1 * slubs


def _round(part: Image) -> Image:
    """The height of the surface of a round thread across its width."""
    return np.sqrt(np.maximum(1 - (2 * part - 1) ** 2, 0.02))


def wood(rng: np.random.Generator, shape: Shape, rings: int = 46) -> Image:
    """The upright grain of a panel: wandering rings, fibres and pores."""
    long = max(shape)
    _, columns = grid_of(shape)
    wander = 0.012 * noise(rng, shape, long / 1.5, long / 4)
    wander += 0.002 * noise(rng, shape, long / 5, long / 30)
    place = columns + wander
    spacing = 1 + 0.35 * np.sin(9 * place + rng.uniform(0, 6)) + 0.2 * np.sin(23 * place)
    ring = (place * rings * spacing) % 1
    rings_of = ring**3 - 0.25 - 0.4 * (ring > 0.985)
    fibres = noise(rng, shape, long / 9, max(long / 900, 1)) * 0.5
    fibres += noise(rng, shape, long / 24, max(long / 1800, 1)) * 0.5
    pores = np.minimum(noise(rng, shape, long / 60, max(long / 1500, 1)) + 2.1, 0)
    return _unit(0.9 * rings_of + 0.22 * fibres + 0.5 * pores)


def laid(rng: np.random.Generator, shape: Shape, pitch_px: float) -> Image:
    """Laid paper: lines of the mould `pitch_px` apart, chain lines, and clouds of fibre."""
    if pitch_px < FINEST_PX:
        fine = laid(rng, (2 * shape[0], 2 * shape[1]), 2 * pitch_px)
        return _unit(cv2.resize(fine, shape[::-1], interpolation=cv2.INTER_AREA))
    long = max(shape)
    rows, columns = grid_of(shape)
    wave = 0.0015 * noise(rng, shape, long / 4)
    lines = np.cos(2 * np.pi * (rows + wave) * np.float32(long / pitch_px))
    lines *= 0.75 + 0.25 * noise(rng, shape, pitch_px, 9 * pitch_px)
    chain = np.abs(((columns + wave) * 11 + 0.5) % 1 - 0.5)
    chains = np.exp(-((chain / 0.03) ** 2)) + 0.4 * np.exp(-((chain / 0.16) ** 2))
    return _unit(0.5 * lines + chains + 0.3 * wove(rng, shape))


def wove(rng: np.random.Generator, shape: Shape) -> Image:
    """Wove paper: clouds of fibre, and fibres in all directions."""
    long = max(shape)
    clouds = 0.6 * fractal(rng, shape, long / 70, 4)
    felt = noise(rng, shape, 1.3, 5) + noise(rng, shape, 5, 1.3) + noise(rng, shape, 1.6)
    return _unit(clouds + 0.5 * felt)


def craquelure(
    rng: np.random.Generator, shape: Shape, cell_px: float, *, upright: float = 1.0
) -> Image:
    """Width of the cracks of a network, (H, W) in [0, 1], over the whole surface.

    cell_px: side of an island between cracks. upright: height of the islands divided by their
    width.
    """
    coarse = _edges(rng, shape, cell_px, upright)
    fine = _edges(rng, shape, cell_px * 0.5, upright)
    long = max(shape)
    open_here = smoothstep(noise(rng, shape, long / 4), -1.6, 0.9)
    fine_here = smoothstep(noise(rng, shape, long / 7), 0.0, 1.2)
    width = max(cell_px / 70, 0.6)
    wide = cv2.GaussianBlur(coarse, (0, 0), width) * np.float32(2.2 * width)
    thin = cv2.GaussianBlur(fine, (0, 0), 0.6 * width) * np.float32(1.2 * width)
    uneven = 0.75 + 0.3 * noise(rng, shape, cell_px / 2)
    return np.clip((wide * (0.3 + 0.7 * open_here) + thin * fine_here) * uneven, 0, 1)


def _edges(rng: np.random.Generator, shape: Shape, cell_px: float, upright: float) -> Image:
    """1 on the borders of irregular cells of about that size, else 0."""
    tall, wide = (
        max(round(n / cell_px), 2) for n in (shape[0] / upright**0.5, shape[1] * upright**0.5)
    )
    places = np.stack(np.meshgrid(np.arange(tall) + 0.5, np.arange(wide) + 0.5, indexing="ij"), -1)
    places = (places + rng.uniform(-0.42, 0.42, places.shape)).reshape(-1, 2)
    work = round(tall * 24), round(wide * 24)  # cells are found in a small picture, then enlarged
    seeds = np.ones(work, np.uint8)
    spots = np.clip((places * 24).astype(int), 0, np.array(work) - 1)
    seeds[spots[:, 0], spots[:, 1]] = 0
    _, labels = cv2.distanceTransformWithLabels(
        seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    labels = labels.astype(np.float32)
    bend = cell_px * 0.07
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    down = (
        rows + bend * noise(rng, shape, cell_px / 1.5) + 0.4 * bend * noise(rng, shape, cell_px / 6)
    )
    across = (
        columns
        + bend * noise(rng, shape, cell_px / 1.5)
        + 0.4 * bend * noise(rng, shape, cell_px / 6)
    )
    found = cv2.remap(
        labels,
        (across * (work[1] / shape[1])).astype(np.float32),
        (down * (work[0] / shape[0])).astype(np.float32),
        cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_REPLICATE,
    )
    edges = np.zeros(shape, np.float32)
    edges[:-1] = found[:-1] != found[1:]
    edges[:, :-1] = np.maximum(edges[:, :-1], found[:, :-1] != found[:, 1:])
    return edges


def _unit(field: Image) -> Image:
    """`field` with the mean 0 and the standard deviation 1."""
    mean, deviation = (float(part[0, 0]) for part in cv2.meanStdDev(field))
    return np.asarray((field - mean) / max(deviation, 1e-6), np.float32)
