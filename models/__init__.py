"""Networks, losses and the training loop, in backend-neutral Keras 3.

They know no paths of the project, no params and no other package of it.
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
