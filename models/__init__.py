"""Networks and losses, in backend-neutral Keras 3.

They know no paths, no data and no training. What this file names can be had without Keras.
"""

# What a restorer is made of, in the order in which the networks are applied
ROLES = ("jpeg", "detail", "blur", "segmentation", "areas", "inpainting", "tone")
NETWORKS = {
    "areas": "patina.models.areas:areas",
    "blur": "patina.models.detail:blur",
    "detail": "patina.models.detail:detail",
    "inpainting": "patina.models.inpainting:inpainting",
    "jpeg": "patina.models.detail:jpeg",
    "nafnet": "patina.models.nafnet:nafnet",
    "segmentation": "patina.models.segmentation:segmentation",
    "tone": "patina.models.tone:tone",
    "unet": "patina.models.unet:unet",
}

# line: scratches, creases, tears, hairs; spot: dust, specks, foxing; area: losses, holes, blots,
# tape; stain: spills and stains through which the work is still seen; crack: the network of age
# cracks, which belongs to the work
CLASSES = ("line", "spot", "area", "stain", "crack")
AREA_CLASSES = ("area", "stain")  # those that `patina.models.areas` finds, too
TEXTURED_CHANNELS = 6  # of the view that it is given: three of colour, three of texture


class TONE:
    """What `patina.models.tone` sees and gives: sides in pixels and cells, places of channels."""

    view_px = 128  # side of the square into which the whole work is squeezed
    grid = 16  # side of the fields
    gain, offset = slice(0, 3), slice(3, 6)
    matrix, amount = slice(6, 18), slice(18, 19)  # the same in all cells
