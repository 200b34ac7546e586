"""Conversion of sRGB to CIELAB, and the colour difference CIEDE2000.

Arrays are float32 or float64, with the colour channels in the last axis.
"""

import numpy as np

# From linear sRGB, IEC 61966-2-1, to CIE XYZ
XYZ_OF_RGB = np.array(
    [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
)
D65 = np.array([0.95047, 1.0, 1.08883])  # white, 2° observer


def lab_of_srgb(pixels: np.ndarray) -> np.ndarray:
    """L* (0 to 100), a* and b* of sRGB pixels (..., 3): uint8, or float in [0, 1].

    Source: ISO/CIE 11664-4.
    """
    values = pixels / np.float32(255) if pixels.dtype == np.uint8 else pixels
    light = np.where(values > 0.04045, ((np.maximum(values, 0) + 0.055) / 1.055) ** 2.4, 0)
    light = np.where(values > 0.04045, light, values / 12.92)
    xyz = light @ (XYZ_OF_RGB / D65[:, None]).T.astype(light.dtype)
    roots = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = np.moveaxis(roots, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)


def delta_e2000(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The colour difference CIEDE2000 of two arrays of CIELAB colours, each (..., 3) -> (...).

    Source: Sharma, Wu, Dalal, "The CIEDE2000 Color-Difference Formula: Implementation Notes,
    Supplementary Test Data, and Mathematical Observations" (2005); names and equation numbers
    are those of the paper.
    """
    lightness_1, a_1, b_1 = np.moveaxis(first, -1, 0)
    lightness_2, a_2, b_2 = np.moveaxis(second, -1, 0)
    mean = (np.hypot(a_1, b_1) + np.hypot(a_2, b_2)) / 2  # (3)
    stretch = 1.5 - 0.5 * _blueness(mean)  # 1 + G, (4)
    chroma_1, chroma_2 = np.hypot(stretch * a_1, b_1), np.hypot(stretch * a_2, b_2)  # (6)
    hue_1 = np.arctan2(b_1, stretch * a_1) % (2 * np.pi)  # (7)
    hue_2 = np.arctan2(b_2, stretch * a_2) % (2 * np.pi)
    coloured = chroma_1 * chroma_2 != 0
    difference = hue_2 - hue_1
    turn = np.where(difference > np.pi, difference - 2 * np.pi, difference)
    turn = np.where(difference < -np.pi, difference + 2 * np.pi, turn) * coloured  # (10)
    lightness = lightness_2 - lightness_1  # (8)
    chroma = chroma_2 - chroma_1  # (9)
    hue = 2 * np.sqrt(chroma_1 * chroma_2) * np.sin(turn / 2)  # (11)
    mean_lightness = (lightness_1 + lightness_2) / 2  # (12)
    mean_chroma = (chroma_1 + chroma_2) / 2  # (13)
    mean_hue = np.where(coloured, hue_1 + turn / 2, hue_1 + hue_2)  # (14), except for full turns
    weight = _hue_weight(mean_hue)
    from_middle = (mean_lightness - 50) ** 2
    lightness = lightness / (1 + 0.015 * from_middle / np.sqrt(20 + from_middle))  # (16)
    chroma = chroma / (1 + 0.045 * mean_chroma)  # (17)
    hue = hue / (1 + 0.015 * mean_chroma * weight)  # (18)
    rotated = _rotation(mean_hue) * _blueness(mean_chroma) * chroma * hue
    return np.sqrt(np.maximum(lightness**2 + chroma**2 + hue**2 + rotated, 0))  # (22)


def _blueness(chroma: np.ndarray) -> np.ndarray:
    """The square root in equations (4) and (20)."""
    power = chroma**7
    return np.sqrt(power / (power + 25.0**7))


def _hue_weight(hue: np.ndarray) -> np.ndarray:
    """T, equation (15)."""
    return (
        1
        - 0.17 * np.cos(hue - np.deg2rad(30))
        + 0.24 * np.cos(2 * hue)
        + 0.32 * np.cos(3 * hue + np.deg2rad(6))
        - 0.20 * np.cos(4 * hue - np.deg2rad(63))
    )


def _rotation(hue: np.ndarray) -> np.ndarray:
    """R_T / R_C, equations (19) and (21)."""
    degrees = np.rad2deg(hue) % 360
    return -2 * np.sin(np.deg2rad(60) * np.exp(-(((degrees - 275) / 25) ** 2)))
