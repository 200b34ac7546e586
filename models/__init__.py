"""Networks, losses and their training, in backend-neutral Keras 3.

They know no paths of the project, and nothing of flows and what they use.
"""

NETWORKS = {
    "conservator": "models.conservator:conservator",
    "nafnet": "models.nafnet:nafnet",
    "unet": "models.unet:unet",
}
LOSSES = {
    "charbonnier": "models.losses:charbonnier",
    "l1": "models.losses:l1",
    "rms": "models.losses:rms",
}

# What a network gives for a tile, see `models.interventions`, and for a view, see `models.colour`
DAMAGE, DETAIL, FILL = slice(0, 1), slice(1, 4), slice(4, 7)
VIEW_PX = 128
