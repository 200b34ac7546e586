"""Networks and losses, in backend-neutral Keras 3.

This package contains no paths, no data and no training. This file can be imported without Keras.
"""

CAPTURE_ROLES = ("jpeg", "noise", "compressed_noise", "blur")  # they correct faults of a capture
# The networks of a restorer, in the order in which they are applied
ROLES = (
    *CAPTURE_ROLES,
    "segmentation",
    "areas",
    "inpainting",
    "stain_segmentation",
    "stains",
    "tone",
    "tone_full",
)
FORMER_ROLES = {"detail": "noise"}  # names of roles in older versions
NETWORKS = {
    "areas": "patina.models.areas:areas",
    "blur": "patina.models.capture:blur",
    "compressed_noise": "patina.models.capture:compressed_noise",
    "inpainting": "patina.models.inpainting:inpainting",
    "jpeg": "patina.models.capture:jpeg",
    "nafnet": "patina.models.nafnet:nafnet",
    "noise": "patina.models.capture:noise",
    "segmentation": "patina.models.segmentation:segmentation",
    "stain_segmentation": "patina.models.stain_segmentation:stain_segmentation",
    "stains": "patina.models.stains:stains",
    "tone": "patina.models.tone:tone",
    "tone_full": "patina.models.tone:tone_full",
    "unet": "patina.models.unet:unet",
}

# The sides of a network's input are multiples of STRIDE_PX, which is a multiple of JPEG's 8 pixels;
# those of `segmentation` and `areas` are multiples of DETECTION_STRIDE_PX
STRIDE_PX, DETECTION_STRIDE_PX = 16, 32

# line: scratches, creases, tears, hairs; spot: dust, specks, foxing; area: losses, holes, blots,
# tape; stain: spills and stains through which the work is still visible; crack: the network of age
# cracks, which belongs to the work
CLASSES = ("line", "spot", "area", "stain", "crack")
AREA_CLASSES = ("area", "stain")  # the classes that `patina.models.areas` detects
STAIN_MAPS = ("stain", "outline")  # what `patina.models.stain_segmentation` detects
TEXTURED_CHANNELS = 6  # channels of the input of `areas`: three of colour, three of texture


def present_role(name: str) -> str:
    """The role that `name` means in a file of any version."""
    return FORMER_ROLES.get(name, name)


class STAINS:
    """The input of `patina.models.stains`, and how its output is applied."""

    channels = TEXTURED_CHANNELS + 4  # of the input: as for `areas`, a mask and a first estimate
    mask, estimate = slice(6, 7), slice(7, 10)  # channels of the input
    estimate_scale = 4.0  # the first estimate, from -2 to 2, is mapped to [0, 1]
    floor = 0.02  # is added to colours before the gain, so that it lightens black, too


class TONE:
    """Sizes of the input and the output of `patina.models.tone`, and its output channels."""

    view_px = 128  # side of the input in pixels: the whole work, resized to a square
    grid = 16  # side of the output in cells
    gain, offset = slice(0, 3), slice(3, 6)  # channels that vary from cell to cell
    matrix, amount = slice(6, 18), slice(18, 19)  # channels with the same value in all cells
