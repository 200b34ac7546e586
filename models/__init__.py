"""Networks, losses and their training, in backend-neutral Keras 3.

They know no paths of the project, and nothing of flows and what they use.
"""

NETWORKS = {
    "conservator": "patina.models.conservator:conservator",
    "nafnet": "patina.models.nafnet:nafnet",
    "unet": "patina.models.unet:unet",
}
LOSSES = {
    "charbonnier": "patina.models.losses:charbonnier",
    "l1": "patina.models.losses:l1",
    "rms": "patina.models.losses:rms",
}

# What a network gives for a tile, see `models.heads`, and for a view, see `models.colour`
DAMAGE, DETAIL, FILL = slice(0, 1), slice(1, 4), slice(4, 7)
VIEW_PX = 128
