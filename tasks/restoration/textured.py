"""A small view of a work with texture in additional channels."""

import cv2
import numpy as np

from patina.tasks.imaging.images import mean_of_channels

REDUCED = 4  # reduction factor of the view
DETAIL_SIGMAS_PX = (0.8, 1.6)  # sigmas of the blurs against which detail is measured
TEXTURE_GAIN = 1.6  # factor, so that most textures fill [0, 1]


def textured(image: np.ndarray) -> np.ndarray:
    """The input of `areas`: mean colours, then strengths of fine detail, coarser detail and edges.

    image: float32 (h, w, 3), sRGB in [0, 1]. Returns float32 (h // 4, w // 4, TEXTURED_CHANNELS) in
    [0, 1]; strengths are square roots.
    """
    size = image.shape[1] // REDUCED, image.shape[0] // REDUCED
    grey = mean_of_channels(image)
    detail = [np.abs(grey - cv2.GaussianBlur(grey, (0, 0), sigma)) for sigma in DETAIL_SIGMAS_PX]
    edges = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) / 4
    reduced_textures = [
        cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in (*detail, edges)
    ]
    colours = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    textures = np.sqrt(np.stack(reduced_textures, axis=2)) * np.float32(TEXTURE_GAIN)
    return np.clip(np.dstack([colours, textures]), 0, 1)
