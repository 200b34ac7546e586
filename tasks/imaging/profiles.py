"""ICC profiles: checks the profile of an image, and makes profiles from primaries.

Source: ICC.1:2010 (version 2 profiles), Lindbloom for matrices of primaries and the adaptation to
D50 by Bradford.
"""

import struct
import tempfile

import numpy as np
import pyvips

SRGB_GAMMA = 0.45455
# White, red, green, blue: x and y of each
SRGB_PRIMARIES = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
DISPLAY_P3 = (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
D50 = np.array([0.9642, 1.0, 0.8249])
BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
# Colour space in the header of a profile, by the number of colour bands
SPACES = {1: b"GRAY", 3: b"RGB ", 4: b"CMYK"}
LARGEST = 1 << 26  # bytes


def fault_of(profile: bytes, colours: int, lab: bool = False) -> str:
    """Why `profile` cannot be used for an image with `colours` colour bands; "" if it can.

    lab: whether the pixels are CIELAB.
    """
    space = profile[16:20]
    wanted = b"Lab " if lab else SPACES[colours]
    if len(profile) < 132 or profile[36:40] != b"acsp" or len(profile) > LARGEST:
        return "the ICC profile is broken"
    if space != wanted:
        named = space.decode("ascii", "replace").strip() or "nothing"
        return f"the ICC profile is for {named}"
    if lab:
        return ""
    pixel = pyvips.Image.black(1, 1, bands=3).copy(interpretation="srgb")
    with tempfile.NamedTemporaryFile(suffix=".icc") as file:
        file.write(profile)
        file.flush()
        try:  # in both directions; libvips itself would ignore a broken profile silently
            own = pixel.icc_transform(file.name, input_profile="srgb", depth=16)
            own.copy().icc_transform("srgb", input_profile=file.name, depth=16).numpy()
        except pyvips.Error:
            return "the ICC profile is broken"
    return "" if own.bands == colours else "the ICC profile is broken"


def matrix_profile(chromaticities: tuple[float, ...], exponent: float | None) -> bytes:
    """An RGB profile with these chromaticities: x, y of white, red, green and blue.

    exponent: light is the encoded value to this power; None: the curve of sRGB.
    """
    white, *colours = (_xyz(*chromaticities[at : at + 2]) for at in (0, 2, 4, 6))
    matrix = np.array(colours).T
    matrix = matrix * np.linalg.solve(matrix, white)
    cone, wanted = BRADFORD @ white, BRADFORD @ D50
    adapted = np.linalg.solve(BRADFORD, np.diag(wanted / cone) @ BRADFORD) @ matrix
    curve = _curve(exponent)
    parts = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 7) + b"Patina\0" + bytes(78),
        b"cprt": b"text" + bytes(4) + b"none\0",
        b"wtpt": _numbers(D50),
        **{name: _numbers(adapted[:, at]) for at, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))},
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    return _profile(parts)


def _xyz(x: float, y: float) -> np.ndarray:
    y = max(y, 1e-6)
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _numbers(xyz: np.ndarray) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(n * 65536) for n in xyz))


def _curve(exponent: float | None) -> bytes:
    encoded = np.linspace(0, 1, 4096)
    if exponent is None:
        light = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    else:
        light = encoded**exponent
    points = np.rint(light * 65535).astype(">u2").tobytes()
    return b"curv" + bytes(4) + struct.pack(">I", len(encoded)) + points


def _profile(parts: dict[bytes, bytes]) -> bytes:
    place, table, body = 128 + 4 + 12 * len(parts), b"", b""
    for name, content in parts.items():
        table += name + struct.pack(">2I", place + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    content = struct.pack(">I", len(parts)) + table + body
    head = struct.pack(
        ">I4sI4s4s4s", 128 + len(content), b"", 0x02400000, b"mntr", b"RGB ", b"XYZ "
    )
    head += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28)
    head += struct.pack(">3i", *(round(n * 65536) for n in D50))
    return head.ljust(128, b"\0") + content
