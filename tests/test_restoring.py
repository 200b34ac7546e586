"""What goes in comes out at its own size, depth and form, with a record of what was changed."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import pyvips

from tasks.files import read_jsonl
from tasks.images import ImageError, sha256_of
from tasks.restoring import (
    Restorer,
    file_failures,
    plan,
    restore_file,
    restore_scans,
    target_of,
)

HEIGHT, WIDTH = 70, 110


def scan(path: Path, *, bits: int = 8, bands: int = 3, profile: str = "") -> np.ndarray:
    """Write a scan of random pixels at 300 dpi, and return its pixels."""
    full = 2**bits - 1
    kind = np.uint8 if bits == 8 else np.uint16
    pixels = np.random.default_rng(0).integers(full // 4, full // 2, (HEIGHT, WIDTH, bands))
    grey, colour = ("b-w", "srgb") if bits == 8 else ("grey16", "rgb16")
    image = pyvips.Image.new_from_array(pixels.astype(kind)).copy(
        interpretation=grey if bands == 1 else colour, xres=300 / 25.4, yres=300 / 25.4
    )
    image.write_to_file(str(path), **({"profile": profile} if profile else {}))
    return pixels.astype(kind)


def pixels_of(path: Path) -> np.ndarray:
    image = pyvips.Image.new_from_file(str(path))
    return image.numpy().reshape(image.height, image.width, -1)


def restorer(shift: float) -> Restorer:
    """A network that makes everything lighter by `shift`."""

    def network(tile: np.ndarray) -> np.ndarray:
        return tile + np.float32(shift)

    return Restorer(network, {"file": "shift", "sha256": f"{shift}"}, tile_px=64, overlap_px=32)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("bands", [1, 3, 4])
@pytest.mark.parametrize("profile", ["", "p3"])
def test_a_network_that_changes_nothing_leaves_every_pixel(
    tmp_path: Path, suffix: str, bits: int, bands: int, profile: str
) -> None:
    profile = profile if bands > 1 else ""
    pixels = scan(tmp_path / f"a{suffix}", bits=bits, bands=bands, profile=profile)
    record = restore_file(tmp_path / f"a{suffix}", tmp_path / f"out{suffix}", restorer(0))
    result = pixels_of(tmp_path / f"out{suffix}")
    assert result.dtype == pixels.dtype
    np.testing.assert_array_equal(result, pixels)
    assert record["change"]["share_of_pixels"] == 0


@pytest.mark.parametrize("bits", [8, 16])
def test_the_change_arrives_at_the_scans_own_depth_and_spares_alpha(
    tmp_path: Path, bits: int
) -> None:
    pixels = scan(tmp_path / "a.png", bits=bits, bands=4)
    restore_file(tmp_path / "a.png", tmp_path / "out.png", restorer(0.1))
    difference = pixels_of(tmp_path / "out.png").astype(int) - pixels
    np.testing.assert_allclose(difference[..., :3], 0.1 * (2**bits - 1), atol=1 + 2 ** (bits - 8))
    assert (difference[..., 3] == 0).all()


def test_a_wide_gamut_scan_keeps_its_profile_and_its_change_is_made_in_srgb(tmp_path: Path) -> None:
    pixels = scan(tmp_path / "a.tif", bits=16, profile="p3")
    restore_file(tmp_path / "a.tif", tmp_path / "out.tif", restorer(0.1))
    before, after = (
        pyvips.Image.new_from_file(str(tmp_path / name)) for name in ("a.tif", "out.tif")
    )
    assert after.get("icc-profile-data") == before.get("icc-profile-data")
    assert not np.array_equal(after.numpy(), pixels)
    seen = [image.icc_transform("srgb", embedded=True, depth=16) for image in (before, after)]
    change = seen[1].numpy().astype(float) - seen[0].numpy()
    assert np.median(change) == pytest.approx(0.1 * 65535, rel=0.03)


QUARTER_STEP = 0.25 / 255  # what a broad mean makes of chequers at the borders is less


def chequered(size_255: float) -> Restorer:
    """Adds fine chequers of that amplitude, and so detail of that root mean square."""
    sign = np.where(np.indices((64, 64)).sum(axis=0) % 2, 1, -1)[None, ..., None] / 255
    return dataclasses.replace(restorer(0), network=lambda tile: tile + size_255 * sign)


@pytest.mark.parametrize(("size_255", "share"), [(1.9, 0), (4, 0.5), (6.1, 1)])
def test_a_work_whose_detail_or_colour_hardly_changes_keeps_it(
    size_255: float, share: float
) -> None:
    view = np.full((64, 64, 3), 0.5, np.float32)
    zones = {"detail_zone_255": 4.0, "colour_zone_255": 4.0}
    for plain in (restorer(size_255 / 255), chequered(size_255)):
        change = dataclasses.replace(plain, **zones).change(view)
        np.testing.assert_allclose(change, plain.change(view) * share, atol=QUARTER_STEP)
        assert share or not change.any()


def test_a_change_never_leads_out_of_the_range_of_the_work() -> None:
    for level in (0.0, 0.01, 0.99, 1.0):
        view = np.full((64, 64, 3), level, np.float32)
        restored = view + dataclasses.replace(chequered(40), colour_zone_255=90.0).change(view)
        assert 0 <= restored.min() <= restored.max() <= 1


def test_colour_and_detail_are_decided_apart() -> None:
    view = np.full((64, 64, 3), 0.5, np.float32)
    plain = dataclasses.replace(
        restorer(0), network=lambda tile: chequered(3).network(tile) + np.float32(20 / 255)
    )
    change = dataclasses.replace(plain, detail_zone_255=8.0, colour_zone_255=8.0).change(view)
    np.testing.assert_allclose(change, 20 / 255, atol=QUARTER_STEP)


def test_resolution_and_exif_are_kept(tmp_path: Path) -> None:
    scan(tmp_path / "a.tif")
    tagged = pyvips.Image.new_from_file(str(tmp_path / "a.tif")).copy()
    tagged.set_type(pyvips.GValue.gstr_type, "exif-ifd0-Artist", "A. Conservator")
    tagged.write_to_file(str(tmp_path / "b.png"))
    restore_file(tmp_path / "b.png", tmp_path / "out.png", restorer(0.1))
    result = pyvips.Image.new_from_file(str(tmp_path / "out.png"))
    assert result.xres == pytest.approx(300 / 25.4, rel=1e-3)
    assert "A. Conservator" in result.get("exif-ifd0-Artist")


def test_the_sidecar_says_what_was_done_to_which_bytes(tmp_path: Path) -> None:
    scan(tmp_path / "a.png", bits=16)
    restore_file(tmp_path / "a.png", tmp_path / "out.png", restorer(0.1))
    sidecar = json.loads((tmp_path / "out.png.json").read_text())
    assert sidecar["source"] == {
        "file": "a.png",
        "sha256": sha256_of(tmp_path / "a.png"),
        "width": WIDTH,
        "height": HEIGHT,
        "bands": 3,
        "bits": 16,
    }
    assert sidecar["result"]["sha256"] == sha256_of(tmp_path / "out.png")
    assert sidecar["model"]["sha256"] == "0.1"
    assert sidecar["change"]["share_of_pixels"] == 1
    assert sidecar["change"]["mean_8bit_steps"] == pytest.approx(25.5, abs=0.1)
    assert "hypothesis" in sidecar["statement"]


def test_what_is_done_is_not_done_again_unless_model_or_result_changed(tmp_path: Path) -> None:
    scan(tmp_path / "a.png")
    source, target = tmp_path / "a.png", tmp_path / "out.png"
    first = restore_file(source, target, restorer(0.1))
    written = target.stat().st_mtime_ns
    assert restore_file(source, target, restorer(0.1)) == first
    assert target.stat().st_mtime_ns == written
    assert restore_file(source, target, restorer(0.2))["model"]["sha256"] == "0.2"
    target.write_bytes(target.read_bytes()[:100])
    restore_file(source, target, restorer(0.2))
    assert pixels_of(target).shape == (HEIGHT, WIDTH, 3)


def test_bad_files_are_set_aside_with_their_reason_and_the_others_go_on(tmp_path: Path) -> None:
    inbox, outbox = tmp_path / "in", tmp_path / "out"
    (inbox / "deep").mkdir(parents=True)
    scan(inbox / "deep" / "good.TIF")
    scan(inbox / "whole.png")
    (inbox / "cut.png").write_bytes((inbox / "whole.png").read_bytes()[:2000])
    (inbox / "letter.jpg").write_text("Dear museum")
    (inbox / "notes.txt").write_text("not an image, not looked at")
    lab = pyvips.Image.new_from_file(str(inbox / "whole.png")).colourspace("lab")
    lab.write_to_file(str(inbox / "lab.tif"))
    outcomes = list(restore_scans(plan(inbox, outbox), restorer(0.1)))
    assert file_failures(outcomes, outbox) == "restore: 5 scans, 3 set aside"
    reasons = {
        Path(fault["file"]).name: fault["reason"] for fault in read_jsonl(outbox / "failures.jsonl")
    }
    assert reasons["cut.png"] == "cut.png: no image that can be read to its end"
    assert reasons["letter.jpg"] == "letter.jpg: no image that can be read to its end"
    assert "convert it to RGB or grey" in reasons["lab.tif"]
    restored = sorted(str(path.relative_to(outbox)) for path in outbox.rglob("*.json"))
    assert restored == ["deep/good.TIF.json", "whole.png.json"]


def test_a_batch_in_which_all_failed_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"2 scans, 2 set aside; see .*failures\.jsonl"):
        file_failures([{"file": "a", "reason": "b"}] * 2, tmp_path)


def test_an_inbox_without_images_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no image in this folder"):
        plan(tmp_path, tmp_path / "out")
    with pytest.raises(FileNotFoundError, match="nowhere: no such file or folder"):
        plan(tmp_path / "nowhere", tmp_path / "out")


def test_no_scan_is_overwritten_and_no_two_results_share_a_name(tmp_path: Path) -> None:
    for name in ("a.tif", "a.tiff", "a.TIF"):
        scan(tmp_path / name)
    with pytest.raises(ValueError, match=r"a\.TIF: its result would overwrite"):
        plan(tmp_path, tmp_path)
    targets = [target for _, target in plan(tmp_path, tmp_path / "out")]
    assert len(set(targets)) == 3


def test_results_in_the_inbox_are_no_scans(tmp_path: Path) -> None:
    scan(tmp_path / "a.tif")
    first = plan(tmp_path, tmp_path / "restored")
    list(restore_scans(first, restorer(0.1)))
    assert plan(tmp_path, tmp_path / "restored") == first


def test_what_cannot_be_restored_whole_is_refused(tmp_path: Path) -> None:
    scan(tmp_path / "a.tif")
    page = pyvips.Image.new_from_file(str(tmp_path / "a.tif")).copy()
    pyvips.Image.arrayjoin([page, page], across=1).write_to_file(
        str(tmp_path / "pages.tif"), page_height=HEIGHT
    )
    with pytest.raises(ImageError, match=r"pages\.tif: 2 pages"):
        restore_file(tmp_path / "pages.tif", tmp_path / "out.tif", restorer(0.1))
    (tmp_path / "b.tif.json").write_text("{}")
    with pytest.raises(ImageError, match=r"b\.tif\.json: in the way"):
        restore_file(tmp_path / "a.tif", tmp_path / "b.tif", restorer(0.1))


@pytest.mark.parametrize(
    ("place", "target"),
    [
        ("a/b.PNG", "a/b.PNG"),
        ("b.tiff", "b.tiff"),
        ("b.jpg", "b.jpg.tif"),
        ("b.webp", "b.webp.tif"),
    ],
)
def test_lossless_kinds_keep_their_names_and_lossy_ones_become_tiff(
    place: str, target: str
) -> None:
    assert target_of(Path(place)) == Path(target)
