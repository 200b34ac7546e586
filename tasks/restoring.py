"""Any number of scans through a network: same size, depth and metadata out, and a sidecar each.

The network sees sRGB; what it adds is carried over to the scan's own colour space and depth and
added to the scan's own pixels, so that a pixel which the network leaves alone keeps its value.
"""

import json
import platform
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pyvips

from models import DAMAGE, DETAIL, FILL, VIEW_PX
from models.pretrained import shipped
from tasks.files import Record, whole_file, write_json, write_jsonl
from tasks.images import EXTENSIONS, ImageError, reduced, sha256_of, view_of
from tasks.tiling import Network, apply_tiled

if TYPE_CHECKING:
    import keras

ENCODINGS = {
    ".png": ".png[compression=6]",
    ".tif": ".tif[compression=deflate,predictor=horizontal]",
    ".tiff": ".tif[compression=deflate,predictor=horizontal]",
}
DEPTHS = {"uchar": 255, "ushort": 65535}
SPACES = {"srgb", "rgb", "rgb16", "b-w", "grey16"}
STATEMENT = "A virtual restoration hypothesis, computed; not a record of the object."


TREATMENTS = ("damage", "detail", "colour")
DEAD_ZONE = 0.25 / 255  # a change of a pixel below it is none
NO_DAMAGE = 0.02  # a damage map below it shows none


@dataclass(frozen=True)
class Restorer:
    """A network and how it is applied.

    interventions: float32 (1, h, w, 3) in [0, 1] -> (1, h, w, 7); estimate: (1, 128, 128, 3) ->
    (1, 3, 4); see `models`. model: what the sidecar says of it; must hold its "sha256".
    tile_px, overlap_px: see `apply_tiled`. treat: of TREATMENTS. strength: of all that is done, in
    [0, 1]. detail_zone_255, colour_zone_255: how much of a work must change, in 8-bit steps, before
    its detail (root mean square) or its colour (the shift of its mean) is changed at all: nothing
    is up to half of it, all is from 1.5 times it on. It is decided once for a work, for what a
    network does to a sound one is small everywhere.
    """

    interventions: Network
    estimate: Network
    model: Record
    tile_px: int
    overlap_px: int
    treat: tuple[str, ...] = TREATMENTS
    strength: float = 1.0
    detail_zone_255: float = 0.0
    colour_zone_255: float = 0.0

    def applied(self) -> Record:
        """How the network is applied, for the sidecar."""
        names = ("tile_px", "overlap_px", "strength", "detail_zone_255", "colour_zone_255")
        return {name: getattr(self, name) for name in names} | {"treat": list(self.treat)}

    def change(self, view: np.ndarray) -> tuple[np.ndarray, Record]:
        """What is added to `view`, float32 (H, W, 3), and what was decided for the whole work.

        A pixel's change is 0 to the last bit where it would be below DEAD_ZONE.
        """
        parts = apply_tiled(
            self.interventions, view, tile_px=self.tile_px, overlap_px=self.overlap_px
        )
        damage = 1 / (1 + np.exp(-parts[..., DAMAGE]))
        damage[damage < NO_DAMAGE] = 0
        detail = parts[..., DETAIL] * (1 - damage)
        # Broad changes are changes of colour, and those are decided for the whole work
        detail -= _broad(detail)
        spread = float(np.sqrt(np.mean(detail**2)))
        detail *= ("detail" in self.treat) * _share(spread, self.detail_zone_255)
        fill = parts[..., FILL] * damage * ("damage" in self.treat)
        mended = np.clip(view + self.strength * (detail + fill), 0, 1)
        colour = self.estimate(view_of(mended, VIEW_PX)[None])[0]
        colour = colour * ("colour" in self.treat) * self.strength
        shift = np.abs((mended @ colour[:, :3].T + colour[:, 3]).mean(axis=(0, 1))).max()
        colour *= _share(shift, self.colour_zone_255)
        restored = np.clip(mended + mended @ colour[:, :3].T + colour[:, 3], 0, 1)
        change = (restored - view).astype(np.float32)
        change[np.abs(change).max(axis=2) < DEAD_ZONE] = 0
        decided = {
            "damaged_share": round(float((damage > 0.5).mean()), 6),
            "colour": np.round(colour, 5).tolist(),
        }
        return change, decided


def _share(size: float, zone_255: float) -> float:
    """How much of a change of that size, of 1, is made."""
    return float(np.clip(size * 255 / zone_255 - 0.5, 0, 1)) if zone_255 else 1.0


def _broad(change: np.ndarray) -> np.ndarray:
    """What is left of `change` under a Gaussian of a thirty-second of the long side."""
    height, width = change.shape[:2]
    small = reduced(change, 256)
    soft = cv2.GaussianBlur(small, (0, 0), 256 / 32, borderType=cv2.BORDER_REFLECT)
    return cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)


def chosen_model(given: Path | None, trained: Path) -> Path:
    """The model to restore with: the one given, else the one trained here, else the shipped one."""
    return given or (trained if trained.exists() else shipped())


def load_restorer(model: Path, **applied: Any) -> Restorer:
    """The network filed at `model`, with what the sidecars say of it; applied: as for Restorer.

    Raises FileNotFoundError when there is none.
    """
    if not model.exists():
        raise FileNotFoundError(f"restore: {model}: no such model; train one with `patina run`")
    from models import networks  # Keras and TensorFlow take seconds to import

    network = networks.load(model)
    return Restorer(
        as_function(network.get_layer("interventions")),
        as_function(network.get_layer("estimate")),
        {"file": model.name, "sha256": sha256_of(model)},
        **applied,
    )


def as_function(network: "keras.Model") -> Network:
    """`network` from NumPy array to NumPy array."""
    return lambda batch: np.asarray(network.predict_on_batch(batch), np.float32)


def plan(inbox: Path, outbox: Path) -> list[tuple[Path, Path]]:
    """Each image file under `inbox` (or `inbox` itself) and where its result goes, sorted.

    What lies in an outbox inside the inbox is no scan. Raises FileNotFoundError when there is no
    such file or folder, or no image in it; ValueError when a result would overwrite a scan or
    another result.
    """
    apart = outbox.resolve() != inbox.resolve()
    sources = [inbox] if inbox.is_file() else sorted(inbox.rglob("*"))
    scans = [
        (source, outbox / target_of(source.relative_to(inbox if inbox.is_dir() else inbox.parent)))
        for source in sources
        if source.suffix.lower() in EXTENSIONS
        and source.is_file()
        and not (apart and source.resolve().is_relative_to(outbox.resolve()))
    ]
    if not scans:
        what = "no image in this folder" if inbox.is_dir() else "no such file or folder"
        raise FileNotFoundError(f"restore: {inbox}: {what}")
    taken = {source.resolve(): source for source, _ in scans}
    for source, target in scans:
        if other := taken.get(target.resolve()):
            raise ValueError(
                f"restore: {source}: its result would overwrite that of, or be, {other}"
            )
        taken[target.resolve()] = source
    return scans


def target_of(place: Path) -> Path:
    """Where the result goes: lossless kinds keep their names, others get `.tif` added to theirs."""
    lossless = place.suffix.lower() in ENCODINGS
    return place if lossless else place.with_name(f"{place.name}.tif")


def restore_scans(scans: Iterable[tuple[Path, Path]], restorer: Restorer) -> Iterator[Record]:
    """Restore each of `scans` (file, where its result goes) in turn.

    Gives, for each, an empty record, or the file and the reason why it could not be restored.
    """
    for source, target in scans:
        try:
            restore_file(source, target, restorer)
            yield {}
        except ImageError as error:
            yield {"file": str(source), "reason": str(error)}


def file_failures(outcomes: Sequence[Record], outbox: Path) -> str:
    """Write `outbox`/failures.jsonl and return a line that tells how many there were.

    Raises ValueError when every scan failed.
    """
    failures = [outcome for outcome in outcomes if outcome]
    write_jsonl(outbox / "failures.jsonl", failures)
    told = f"restore: {len(outcomes)} scans, {len(failures)} set aside"
    if len(failures) == len(outcomes):
        raise ValueError(f"{told}; see {outbox / 'failures.jsonl'}")
    return told


def restore_file(source: Path, target: Path, restorer: Restorer) -> Record:
    """Restore `source` into `target`, file the sidecar `target`.json and return it.

    A target whose sidecar names the same source and model is left as it is.
    Raises ImageError when `source` is no image that can be restored.
    """
    sidecar_path = target.with_name(f"{target.name}.json")
    try:
        source_sha256 = sha256_of(source)
    except OSError as error:
        raise ImageError(f"{source.name}: cannot be read ({error.strerror})") from error
    if done := _already_done(target, sidecar_path, source_sha256, restorer):
        return done
    started = time.monotonic()
    scan = _open(source)
    try:
        result, facts = _restored(scan, restorer)
        _write(result, target)
    except pyvips.Error as error:
        raise ImageError(f"{source.name}: cannot be converted: {error}") from error
    sidecar = {
        "schema": 1,
        "statement": STATEMENT,
        "source": {"file": source.name, "sha256": source_sha256, **_form(scan)},
        "result": {"file": target.name, "sha256": sha256_of(target)},
        "model": restorer.model,
        "change": facts,
        "applied": restorer.applied(),
        "software": {"python": platform.python_version(), "libvips": _vips_version()},
        "seconds": round(time.monotonic() - started, 3),
    }
    write_json(sidecar_path, sidecar)
    return sidecar


def _already_done(
    target: Path, sidecar: Path, source_sha256: str, restorer: Restorer
) -> Record | None:
    if not sidecar.exists():
        return None
    try:
        record = json.loads(sidecar.read_text(encoding="utf-8"))
        ours = record["statement"] == STATEMENT
    except (ValueError, KeyError, TypeError):
        ours = False
    if not ours:
        raise ImageError(f"{sidecar}: in the way, and no sidecar of ours; move it elsewhere")
    wanted = {"model": restorer.model, "applied": restorer.applied()}
    same = record["source"]["sha256"] == source_sha256 and record | wanted == record
    whole = target.exists() and record["result"]["sha256"] == sha256_of(target)
    return record if same and whole else None


def _open(source: Path) -> pyvips.Image:
    try:
        scan = pyvips.Image.new_from_file(str(source), fail_on="error").copy_memory()
    except pyvips.Error as error:
        raise ImageError(f"{source.name}: no image that can be read to its end") from error
    if scan.interpretation not in SPACES or scan.format not in DEPTHS:
        raise ImageError(
            f"{source.name}: {scan.interpretation} of {scan.format} is not restored yet; "
            "convert it to RGB or grey of 8 or 16 bit"
        )
    if _colours(scan) not in (1, 3):
        raise ImageError(f"{source.name}: {_colours(scan)} colour bands; RGB and grey are restored")
    if scan.get_typeof("n-pages") and scan.get("n-pages") > 1:
        raise ImageError(f"{source.name}: {scan.get('n-pages')} pages; split it into single ones")
    return scan


def _colours(scan: pyvips.Image) -> int:
    """Bands but for the alpha."""
    return scan.bands - (1 if scan.hasalpha() else 0)


def _form(scan: pyvips.Image) -> Record:
    bits = 8 if scan.format == "uchar" else 16
    return {"width": scan.width, "height": scan.height, "bands": scan.bands, "bits": bits}


def _restored(scan: pyvips.Image, restorer: Restorer) -> tuple[pyvips.Image, Record]:
    """The scan with the network's change, in its own space and depth, and figures of the change."""
    view = _srgb(scan)
    change, decided = restorer.change(view)
    pixels = scan.numpy().reshape(scan.height, scan.width, scan.bands)
    colours = _colours(scan)
    added = _in_own_space(scan, view, change, colours)
    full = DEPTHS[scan.format]
    result = pixels.copy()
    result[..., :colours] = np.rint(np.clip(pixels[..., :colours] + added * full, 0, full))
    steps = np.abs(change).max(axis=2) * 255
    facts = {
        "share_of_pixels": round(float(np.mean(result != pixels)), 6),
        "mean_8bit_steps": round(float(steps.mean()), 4),
        "max_8bit_steps": round(float(steps.max()), 4),
        **decided,
    }
    image = pyvips.Image.new_from_array(result).cast(scan.format)
    return scan.insert(image.copy(interpretation=scan.interpretation), 0, 0), facts


def _srgb(scan: pyvips.Image) -> np.ndarray:
    """The scan as the network sees it: float32 (H, W, 3), sRGB in [0, 1]."""
    opaque = scan.extract_band(0, n=scan.bands - 1) if scan.hasalpha() else scan
    if _has_profile(scan) and opaque.bands == 3:
        opaque = opaque.icc_transform("srgb", embedded=True, depth=16)
    pixels = opaque.numpy().reshape(scan.height, scan.width, -1).astype(np.float32)
    return np.broadcast_to(pixels / DEPTHS[opaque.format], (scan.height, scan.width, 3)).copy()


def _in_own_space(
    scan: pyvips.Image, view: np.ndarray, change: np.ndarray, colours: int
) -> np.ndarray:
    """The change carried from sRGB to the scan's own space, in [-1, 1], (H, W, colours)."""
    if colours == 1:
        return change.mean(axis=2, keepdims=True)
    if not _has_profile(scan):
        return change
    profile = scan.get("icc-profile-data")
    before, after = (_through_profile(each, profile) for each in (view, view + change))
    return after - before


def _through_profile(view: np.ndarray, profile: bytes) -> np.ndarray:
    """sRGB [0, 1] -> the space of an ICC profile, [0, 1]."""
    deep = pyvips.Image.new_from_array(np.rint(view * 65535).astype(np.uint16))
    with tempfile.NamedTemporaryFile(suffix=".icc") as file:
        file.write(profile)
        file.flush()
        own = deep.copy(interpretation="rgb16").icc_transform(
            file.name, input_profile="srgb", depth=16
        )
        return own.numpy().astype(np.float32) / 65535


def _has_profile(scan: pyvips.Image) -> bool:
    return scan.get_typeof("icc-profile-data") != 0


def _write(image: pyvips.Image, target: Path) -> None:
    """Encode losslessly, whole, with ICC profile, resolution, XMP and IPTC; PNG keeps EXIF too.

    libvips writes no EXIF into TIFF.
    """
    encoded = image.write_to_buffer(ENCODINGS[target.suffix.lower()])
    with whole_file(target) as file:
        file.write(encoded)


def _vips_version() -> str:
    return ".".join(str(pyvips.version(part)) for part in range(3))
