"""A result has the size, depth and form of the scan, and a record of the change."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import pyvips
from restorers import HEIGHT, WIDTH, pixels_of, restorer, scan

from patina.tasks.imaging.faults import ImageError
from patina.tasks.io.atomic import sha256_of
from patina.tasks.restoration.batch import restore_scans, run_summary
from patina.tasks.restoration.inbox import plan, target_of
from patina.tasks.restoration.restore_file import restore_file
from patina.tasks.restoration.sidecars import OutputOptions, map_of, sidecar_of


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("bands", [1, 3, 4])
@pytest.mark.parametrize("profile", ["", "p3"])
def test_a_network_that_changes_nothing_keeps_every_pixel(
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
def test_the_change_is_made_at_the_depth_of_the_scan_and_not_to_alpha(
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


def test_resolution_and_exif_are_kept(tmp_path: Path) -> None:
    scan(tmp_path / "a.tif")
    tagged = pyvips.Image.new_from_file(str(tmp_path / "a.tif")).copy()
    tagged.set_type(pyvips.GValue.gstr_type, "exif-ifd0-Artist", "A. Conservator")
    tagged.write_to_file(str(tmp_path / "b.png"))
    restore_file(tmp_path / "b.png", tmp_path / "out.png", restorer(0.1))
    result = pyvips.Image.new_from_file(str(tmp_path / "out.png"))
    assert result.xres == pytest.approx(300 / 25.4, rel=1e-3)
    assert "A. Conservator" in result.get("exif-ifd0-Artist")


def test_the_sidecar_records_the_change_and_the_hashes_of_the_files(tmp_path: Path) -> None:
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


@pytest.mark.parametrize(
    ("shift", "within"),
    [
        (0.01, ["FADGI four stars", "ISO 19264-1 level A"]),
        (0.035, ["ISO 19264-1 level A"]),
        (0.2, []),
    ],
)
def test_the_sidecar_records_which_tolerances_the_change_meets(
    tmp_path: Path, shift: float, within: list[str]
) -> None:
    scan(tmp_path / "a.png")
    record = restore_file(tmp_path / "a.png", tmp_path / "out.png", restorer(shift))
    change = record["change"]["delta_e2000"]
    assert change["outside_damage"]["within"] == within
    assert change["outside_damage"]["mean"] == change["mean"]
    assert change["inside_damage"] is None


def test_a_result_is_computed_again_only_if_the_model_or_the_result_changed(tmp_path: Path) -> None:
    scan(tmp_path / "a.png")
    source, target = tmp_path / "a.png", tmp_path / "out.png"
    first = restore_file(source, target, restorer(0.1))
    written = target.stat().st_mtime_ns
    assert restore_file(source, target, restorer(0.1)) == first
    assert target.stat().st_mtime_ns == written
    assert restore_file(source, target, restorer(0.2))["model"]["sha256"] == "0.2"
    target.unlink()
    restore_file(source, target, restorer(0.2))
    assert pixels_of(target).shape == (HEIGHT, WIDTH, 3)


def test_a_result_with_the_former_names_of_networks_and_gates_is_complete(tmp_path: Path) -> None:
    scan(tmp_path / "a.png")
    source, target = tmp_path / "a.png", tmp_path / "out.png"
    first = restore_file(source, target, restorer(0.1))
    written = target.stat().st_mtime_ns
    sidecar = sidecar_of(target)
    older = sidecar.read_text().replace("_probability", "_likelihood")
    older = older.replace('"noise_', '"detail_').replace('"noise": {', '"detail": {')
    assert all(name in older for name in ("fill_likelihood_mean", "detail_255", '"detail": {'))
    sidecar.write_text(older)
    assert restore_file(source, target, restorer(0.1)) == first
    assert target.stat().st_mtime_ns == written


def test_a_result_that_was_edited_later_is_not_overwritten(tmp_path: Path) -> None:
    scan(tmp_path / "a.png")
    source, target = tmp_path / "a.png", tmp_path / "out.png"
    restore_file(source, target, restorer(0.1))
    retouched = pyvips.Image.new_from_file(str(target)).invert().pngsave_buffer()
    target.write_bytes(retouched)
    for again in (restorer(0.1), restorer(0.2)):
        with pytest.raises(
            ImageError, match=r"out\.png: the result was changed after it was restored"
        ):
            restore_file(source, target, again)
    assert target.read_bytes() == retouched


def test_a_file_of_another_program_is_not_taken_for_a_sidecar(tmp_path: Path) -> None:
    scan(tmp_path / "a.tif")
    (tmp_path / "b.tif.json").write_text("{}")
    with pytest.raises(ImageError, match=r"b\.tif\.json: Patina did not write"):
        restore_file(tmp_path / "a.tif", tmp_path / "b.tif", restorer(0.1))


def test_an_image_of_another_program_is_kept_and_a_result_without_a_sidecar_is_replaced(
    tmp_path: Path,
) -> None:
    scan(tmp_path / "a.tif")
    target = tmp_path / "out" / "a.tif"
    target.parent.mkdir()
    scan(target)
    before = target.read_bytes()
    with pytest.raises(ImageError, match=r"a\.tif: Patina did not write this file"):
        restore_file(tmp_path / "a.tif", target, restorer(0.1))
    assert target.read_bytes() == before
    target.unlink()
    first = restore_file(tmp_path / "a.tif", target, restorer(0.1))
    sidecar_of(target).unlink()  # as if a run was killed in between
    again = restore_file(tmp_path / "a.tif", target, restorer(0.1))
    assert again["result"] == first["result"]


def test_maps_and_packages_of_a_replaced_result_are_removed(tmp_path: Path) -> None:
    scan(tmp_path / "a.tif")
    target = tmp_path / "out.tif"
    restore_file(tmp_path / "a.tif", target, restorer(0.1), OutputOptions(maps=True, package=True))
    before = {path.name for path in tmp_path.iterdir()}
    restore_file(tmp_path / "a.tif", target, restorer(0.2), OutputOptions(maps=True))
    assert before - {path.name for path in tmp_path.iterdir()} == {"out.tif.change.zip"}


def test_keep_format_writes_jpeg_and_webp_in_their_formats(tmp_path: Path) -> None:
    assert target_of(Path("b.jpg"), keep_format=True) == Path("b.jpg")
    for name, most in (("a.jpg", 6), ("a.webp", 0)):
        scan(tmp_path / name)
        before = pixels_of(tmp_path / name).astype(int)
        restore_file(tmp_path / name, tmp_path / f"out-{name}", restorer(0))
        difference = np.abs(pixels_of(tmp_path / f"out-{name}") - before)
        assert difference.mean() <= most, name
        assert pyvips.Image.new_from_file(str(tmp_path / f"out-{name}")).get("vips-loader")


def test_protected_pixels_do_not_change_and_the_record_names_the_mask(tmp_path: Path) -> None:
    pixels = scan(tmp_path / "a.tif", bits=16)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[10:30, 20:60] = 255
    pyvips.Image.new_from_array(mask).write_to_file(str(tmp_path / "mask.png"))
    output = OutputOptions(protect=tmp_path / "mask.png")
    source, target = tmp_path / "a.tif", tmp_path / "out.tif"
    record = restore_file(source, target, restorer(0.1), output)
    same = (pixels_of(target) == pixels).all(axis=2)
    np.testing.assert_array_equal(same, mask > 0)
    assert record["applied"]["protect"] == sha256_of(tmp_path / "mask.png")
    # Without the mask it is another job
    assert restore_file(source, target, restorer(0.1))["change"]["share_of_pixels"] == 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_mask_has_the_orientation_in_which_a_viewer_shows_the_scan(
    orientation: int, tmp_path: Path
) -> None:
    plain = pyvips.Image.new_from_array(scan(tmp_path / "plain.tif")).copy(interpretation="srgb")
    plain.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    plain.write_to_file(str(tmp_path / "a.tif"))
    shown = plain.autorot()
    corner = pyvips.Image.black(shown.width, shown.height).draw_rect(1, 0, 0, 40, 20, fill=True)
    (corner * 200).cast("ushort").copy(interpretation="grey16").write_to_file(
        str(tmp_path / "mask.png")  # dark, but not black
    )
    output = OutputOptions(protect=tmp_path / "mask.png")
    restore_file(tmp_path / "a.tif", tmp_path / "out.tif", restorer(0.1), output)
    result = pyvips.Image.new_from_file(str(tmp_path / "out.tif")).autorot()
    spared = (result == shown).bandand().numpy() > 0
    assert spared[:20, :40].all()
    assert spared.sum() == 20 * 40


def test_a_folder_of_protective_masks_may_have_masks_for_some_of_the_scans(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    for name in ("a.tif", "b.tif", "c.tif"):
        scan(tmp_path / name)
    white = np.full((HEIGHT, WIDTH), 255, np.uint8)
    pyvips.Image.new_from_array(white).write_to_file(str(tmp_path / "masks" / "a.png"))
    pyvips.Image.new_from_array(white[1:]).write_to_file(str(tmp_path / "masks" / "c.png"))
    output = OutputOptions(protect=tmp_path / "masks")
    outcomes = list(restore_scans(plan([tmp_path], tmp_path / "out"), restorer(0.1), output))
    assert [outcome.get("share_of_pixels") for outcome in outcomes[:2]] == [0, 1]
    assert "draw the mask at the size of the scan" in outcomes[2]["reason"]
    with pytest.raises(ImageError, match="there is no such mask"):
        restore_file(
            tmp_path / "a.tif",
            tmp_path / "x.tif",
            restorer(0),
            OutputOptions(protect=tmp_path / "none"),
        )


def test_maps_show_the_damage_and_the_change(tmp_path: Path) -> None:
    scan(tmp_path / "a.tif")
    source, target, output = tmp_path / "a.tif", tmp_path / "out.tif", OutputOptions(maps=True)
    treated = dataclasses.replace(restorer(0, damaged=40, fill=0.1), treat=("damage",))
    record = restore_file(source, target, treated, output)
    damage, difference = (pixels_of(map_of(target, name)) for name in ("damage", "difference"))
    assert damage.shape == (HEIGHT, WIDTH, 1)
    upper, lower = np.s_[: HEIGHT // 4], np.s_[-HEIGHT // 4 :]
    assert (damage[upper] == 255).all()
    assert (damage[lower] == 0).all()
    np.testing.assert_allclose(difference[upper], 128 + 4 * 25.5, atol=1)
    assert (difference[lower] == 128).all()
    assert record["beside"] == ["out.tif.damage.png", "out.tif.difference.png"]
    map_of(target, "damage").unlink()
    restore_file(source, target, treated, output)
    assert map_of(target, "damage").exists()


def test_a_work_that_changes_much_is_flagged(tmp_path: Path) -> None:
    scan(tmp_path / "a.tif")
    strict = OutputOptions(flag_delta_e2000=5.0, flag_damaged=0.4)
    much = restorer(0.2, damaged=40)
    record = restore_file(tmp_path / "a.tif", tmp_path / "out.tif", much, strict)
    assert len(record["flags"]) == 2
    assert "in the damage map" in record["flags"][0]
    assert "mean ΔE2000" in record["flags"][1]
    little = restore_file(tmp_path / "a.tif", tmp_path / "out.tif", restorer(0.01), strict)
    assert little["flags"] == []
    outcomes = list(restore_scans([(tmp_path / "a.tif", tmp_path / "o.tif")], much, strict))
    assert run_summary(outcomes, tmp_path).endswith("1 flagged")
