"""Networks, losses and the training loop, in backend-neutral Keras 3.

They know no paths of the project, no params and no other package of it.
"""

NETWORKS = {"unet": "models.unet:unet"}
LOSSES = {
    "charbonnier": "models.losses:charbonnier",
    "l1": "models.losses:l1",
    "psnr": "models.losses:psnr",
}
