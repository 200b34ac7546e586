"""Families: the degradations that are different models of the same damage."""

FAMILIES: dict[str, tuple[str, ...]] = {
    "blur": ("blur", "defocus", "motion_blur", "double_blur", "soft_scan"),
    "noise": (
        "gaussian_noise",
        "sensor_noise",
        "film_grain",
        "halftone",
        "correlated_noise",
        "luminance_grain",
    ),
    "jpeg": ("jpeg", "double_jpeg", "rescaled_jpeg"),
    "fading": ("fading", "contrast_loss", "saturation_loss", "pigment_fading"),
    "varnish": ("yellow_varnish", "cleaning_windows", "toned_varnish", "haze"),
    "grime": ("grime", "soot"),
    "light": ("uneven_light", "glare", "cockling"),
    "spill": ("water_spill", "tideline", "damp_stain"),
    "stain": ("stain", "discoloured_patches"),
    "growth": ("foxing", "mould"),
    "line": ("scratches", "creases", "tear", "hairlines", "film_scratches"),
    "spot": ("dust",),
    "area": ("paint_loss", "abrasion", "blot", "tape", "hole"),
    "crack": ("craquelure", "drying_cracks"),
}
