"""What goes in comes out at its own size, depth and form, with a record of what was changed."""

import csv
import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import pyvips

from models import DAMAGE, DETAIL, FILL
from tasks.files import read_jsonl, sha256_of
from tasks.filing import Filing, map_of, restore_file
from tasks.images import ImageError
from tasks.restoring import held, plan, restore_scans, summed_up, target_of
from tasks.treating import Restorer, treatments

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


def restorer(shift: float, *, detail: float = 0, damaged: float = -40, fill: float = 0) -> Restorer:
    """Makes everything lighter by `shift`, adds chequers of `detail`, and fills with `fill`.

    damaged: the logit of a damage on the left half; there is none on the right one.
    """

    def interventions(tile: np.ndarray) -> np.ndarray:
        rows, columns = np.indices(tile.shape[1:3])
        parts = np.zeros((*tile.shape[:3], 7), np.float32)
        parts[..., DAMAGE] = np.where(columns < tile.shape[2] / 2, damaged, -40)[..., None]
        parts[..., DETAIL] = detail * np.where((rows + columns) % 2, 1, -1)[..., None]
        parts[..., FILL] = fill
        return parts

    def estimate(_: np.ndarray) -> np.ndarray:
        return np.float32([[[0, 0, 0, shift]] * 3])

    facts = {"file": "shift", "sha256": f"{shift}"}
    return Restorer(interventions, estimate, facts, tile_px=1024, overlap_px=32)


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
GREY = np.full((64, 64, 3), 0.5, np.float32)


@pytest.mark.parametrize(("size_255", "share"), [(1.9, 0), (4, 0.5), (6.1, 1)])
def test_a_work_whose_detail_or_colour_hardly_changes_keeps_it(
    size_255: float, share: float
) -> None:
    zones = {"detail_zone_255": 4.0, "colour_zone_255": 4.0}
    for plain in (restorer(size_255 / 255), restorer(0, detail=size_255 / 255)):
        change, _ = dataclasses.replace(plain, **zones).change(GREY)
        np.testing.assert_allclose(change, plain.change(GREY)[0] * share, atol=QUARTER_STEP)
        assert share or not change.any()


def test_a_change_never_leads_out_of_the_range_of_the_work() -> None:
    for level in (0.0, 0.01, 0.99, 1.0):
        view = np.full((64, 64, 3), level, np.float32)
        restored = view + restorer(0.2, detail=0.2).change(view)[0]
        assert 0 <= restored.min() <= restored.max() <= 1


def test_colour_and_detail_are_decided_apart() -> None:
    plain = restorer(20 / 255, detail=3 / 255)
    change, decided = dataclasses.replace(plain, detail_zone_255=8.0, colour_zone_255=8.0).change(
        GREY
    )
    np.testing.assert_allclose(change, 20 / 255, atol=QUARTER_STEP)
    assert decided["colour"] == [[0, 0, 0, pytest.approx(20 / 255, abs=1e-5)]] * 3


@pytest.mark.parametrize(
    ("treat", "left", "right"),
    [
        (("damage",), 0.2, 0),
        (("detail",), 0, 0.1),
        (("colour",), 0.05, 0.05),
        (("damage", "detail"), 0.2, 0.1),
        (("damage", "detail", "colour"), 0.25, 0.15),
    ],
)
def test_only_what_is_treated_is_changed(treat: tuple[str, ...], left: float, right: float) -> None:
    everything = restorer(0.05, detail=0.1, damaged=40, fill=0.2)
    change, _ = dataclasses.replace(everything, treat=treat).change(GREY)
    # The largest of the chequers, away from where both halves meet
    assert change[:, 8:20].max() == pytest.approx(left, abs=0.01)
    assert change[:, 44:56].max() == pytest.approx(right, abs=0.01)


def test_treatments_are_named_in_any_order_and_a_wrong_name_is_told() -> None:
    assert treatments("colour, damage") == ("damage", "colour")
    with pytest.raises(ValueError, match="color: not one of damage, detail, colour"):
        treatments("detail,color")


@pytest.mark.parametrize("size", [(5000, 90), (90, 2300), (2500, 2100)])
def test_a_large_work_is_treated_as_it_would_be_in_one_piece(size: tuple[int, int]) -> None:
    view = np.random.default_rng(0).random((*size, 3), np.float32) * 0.5 + 0.25

    def interventions(tile: np.ndarray) -> np.ndarray:
        logit = 200 * (tile[..., :1] - 0.6)
        return np.concatenate([logit, 0.1 * (tile - 0.5), tile * 0 + 0.1], axis=3)

    tiled = dataclasses.replace(restorer(0.05), interventions=interventions, tile_px=256)
    change, decided = tiled.change(view)
    whole, same = dataclasses.replace(tiled, tile_px=8192).change(view)
    np.testing.assert_allclose(change, whole, atol=1e-3)
    assert decided == same
    assert 0.25 < decided["damaged_share"] < 0.35
    lost = view[..., 0] > 0.62
    assert change[lost].mean() == pytest.approx(0.15, abs=0.005)


def test_a_network_cannot_shift_colours_where_it_corrects_detail() -> None:
    plain = restorer(0)

    def tinting(tile: np.ndarray) -> np.ndarray:
        return plain.interventions(tile) + np.float32([0] + [0.1] * 6)

    change, _ = dataclasses.replace(plain, interventions=tinting).change(GREY)
    assert not change.any()


@pytest.mark.parametrize("strength", [0.0, 0.5])
def test_all_that_is_done_is_scaled_by_the_strength(strength: float) -> None:
    whole = restorer(0.05, detail=0.1)
    change, _ = dataclasses.replace(whole, strength=strength).change(GREY)
    np.testing.assert_allclose(change, strength * whole.change(GREY)[0], atol=QUARTER_STEP)


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


@pytest.mark.parametrize(
    ("shift", "within"),
    [
        (0.01, ["FADGI four stars", "ISO 19264-1 level A"]),
        (0.035, ["ISO 19264-1 level A"]),
        (0.2, []),
    ],
)
def test_the_sidecar_says_which_tolerances_of_digitisation_the_change_keeps(
    tmp_path: Path, shift: float, within: list[str]
) -> None:
    scan(tmp_path / "a.png")
    record = restore_file(tmp_path / "a.png", tmp_path / "out.png", restorer(shift))
    change = record["change"]["delta_e2000"]
    assert change["outside_damage"]["within"] == within
    assert change["outside_damage"]["mean"] == change["mean"]
    assert change["inside_damage"] is None


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
    linear = pyvips.Image.new_from_file(str(inbox / "whole.png")).colourspace("scrgb")
    linear.write_to_file(str(inbox / "linear.tif"))
    outcomes = list(restore_scans(plan([inbox], outbox), restorer(0.1)))
    assert summed_up(outcomes, outbox) == "restore: 5 scans, 3 set aside, 0 flagged"
    reasons = {
        Path(fault["file"]).name: fault["reason"] for fault in read_jsonl(outbox / "failures.jsonl")
    }
    assert reasons["cut.png"] == "cut.png: no image that can be read to its end"
    assert reasons["letter.jpg"] == "letter.jpg: no image that can be read to its end"
    assert "convert it to RGB" in reasons["linear.tif"]
    with (outbox / "summary.csv").open(newline="") as file:
        rows = {Path(row["file"]).name: row for row in csv.DictReader(file)}
    assert rows["cut.png"]["reason"] == reasons["cut.png"]
    assert rows["whole.png"]["outcome"] == "restored"
    assert float(rows["whole.png"]["share_of_pixels"]) == 1
    restored = sorted(str(path.relative_to(outbox)) for path in outbox.rglob("*.json"))
    assert restored == ["deep/good.TIF.json", "whole.png.json"]


def test_a_batch_in_which_all_failed_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"2 scans, 2 set aside, 0 flagged; see .*failures\.jsonl"):
        summed_up([{"file": "a", "reason": "b"}] * 2, tmp_path)


def test_an_inbox_without_images_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no image in this folder"):
        plan([tmp_path], tmp_path / "out")
    with pytest.raises(FileNotFoundError, match="nowhere: no such file or folder"):
        plan([tmp_path / "nowhere"], tmp_path / "out")


def test_no_scan_is_overwritten_and_no_two_results_share_a_name(tmp_path: Path) -> None:
    for name in ("a.tif", "a.tiff", "a.TIF"):
        scan(tmp_path / name)
    with pytest.raises(ValueError, match=r"a\.TIF: its result would overwrite"):
        plan([tmp_path], tmp_path)
    targets = [target for _, target in plan([tmp_path], tmp_path / "out")]
    assert len(set(targets)) == 3


def test_results_in_the_inbox_are_no_scans(tmp_path: Path) -> None:
    scan(tmp_path / "a.tif")
    first = plan([tmp_path], tmp_path / "restored")
    list(restore_scans(first, restorer(0.1)))
    assert plan([tmp_path], tmp_path / "restored") == first


def test_a_file_of_anothers_is_not_taken_for_a_sidecar(tmp_path: Path) -> None:
    scan(tmp_path / "a.tif")
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


def test_jpeg_and_webp_stay_such_where_that_is_asked_for(tmp_path: Path) -> None:
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
    filing = Filing(protect=tmp_path / "mask.png")
    source, target = tmp_path / "a.tif", tmp_path / "out.tif"
    record = restore_file(source, target, restorer(0.1), filing)
    same = (pixels_of(target) == pixels).all(axis=2)
    np.testing.assert_array_equal(same, mask > 0)
    assert record["applied"]["protect"] == sha256_of(tmp_path / "mask.png")
    # Without the mask it is another job
    assert restore_file(source, target, restorer(0.1))["change"]["share_of_pixels"] == 1


def test_a_folder_of_masks_has_one_for_each_scan_that_needs_one(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    for name in ("a.tif", "b.tif", "c.tif"):
        scan(tmp_path / name)
    white = np.full((HEIGHT, WIDTH), 255, np.uint8)
    pyvips.Image.new_from_array(white).write_to_file(str(tmp_path / "masks" / "a.png"))
    pyvips.Image.new_from_array(white[1:]).write_to_file(str(tmp_path / "masks" / "c.png"))
    filing = Filing(protect=tmp_path / "masks")
    outcomes = list(restore_scans(plan([tmp_path], tmp_path / "out"), restorer(0.1), filing))
    assert [outcome.get("share_of_pixels") for outcome in outcomes[:2]] == [0, 1]
    assert "draw it at the scan's size" in outcomes[2]["reason"]
    with pytest.raises(ImageError, match="no such mask"):
        restore_file(
            tmp_path / "a.tif", tmp_path / "x.tif", restorer(0), Filing(protect=tmp_path / "none")
        )


def test_maps_show_where_damage_was_seen_and_what_was_added(tmp_path: Path) -> None:
    scan(tmp_path / "a.tif")
    source, target, filing = tmp_path / "a.tif", tmp_path / "out.tif", Filing(maps=True)
    treated = dataclasses.replace(restorer(0, damaged=40, fill=0.1), treat=("damage",))
    record = restore_file(source, target, treated, filing)
    damage, difference = (pixels_of(map_of(target, name)) for name in ("damage", "difference"))
    assert damage.shape == (HEIGHT, WIDTH, 1)
    left, right = np.s_[:, : WIDTH // 4], np.s_[:, -WIDTH // 4 :]
    assert (damage[left] == 255).all()
    assert (damage[right] == 0).all()
    np.testing.assert_allclose(difference[left], 128 + 4 * 25.5, atol=1)
    assert (difference[right] == 128).all()
    assert record["beside"] == ["out.tif.damage.png", "out.tif.difference.png"]
    map_of(target, "damage").unlink()
    restore_file(source, target, treated, filing)
    assert map_of(target, "damage").exists()


def test_a_work_that_changes_much_is_flagged(tmp_path: Path) -> None:
    scan(tmp_path / "a.tif")
    strict = Filing(flag_delta_e2000=5.0, flag_damaged=0.4)
    much = restorer(0.2, damaged=40)
    record = restore_file(tmp_path / "a.tif", tmp_path / "out.tif", much, strict)
    assert len(record["flags"]) == 2
    assert "taken for damage" in record["flags"][0]
    assert "mean ΔE2000" in record["flags"][1]
    little = restore_file(tmp_path / "a.tif", tmp_path / "out.tif", restorer(0.01), strict)
    assert little["flags"] == []
    outcomes = list(restore_scans([(tmp_path / "a.tif", tmp_path / "o.tif")], much, strict))
    assert summed_up(outcomes, tmp_path).endswith("1 flagged")


def test_two_runs_do_not_share_an_outbox_and_what_a_killed_one_left_is_swept(
    tmp_path: Path,
) -> None:
    left = tmp_path / "deep" / ".patina-half"
    left.mkdir(parents=True)
    (left / "pixels").write_bytes(b"half")
    (tmp_path / ".patina-half").write_bytes(b"half")
    with held(tmp_path):
        assert [path.name for path in tmp_path.rglob("*half*")] == []
        with pytest.raises(ValueError, match="another run is filling it"), held(tmp_path):
            pass
    with held(tmp_path):
        pass


def patina(folder: Path, *words: str, before: str = "") -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", f"{before}import cli; cli.main()", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path.cwd())},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )


@pytest.mark.parametrize("files", [1, 4, 7])
def test_a_run_that_was_killed_goes_on(tmp_path: Path, files: int) -> None:
    """Killed when `files` files are there: a result, its maps, its package and its sidecar each."""
    inbox, outbox = tmp_path / "in", tmp_path / "out"
    inbox.mkdir()
    for name in "abcdef":
        scan(inbox / f"{name}.tif")
    words = ("restore", str(inbox), "-o", str(outbox), "--maps", "--package")
    with patina(tmp_path, *words) as process:
        while len([*outbox.glob("*.tif*")]) < files and process.poll() is None:
            time.sleep(0.002)  # between looks; the look decides
        process.kill()
        process.communicate()
    done = {path: path.stat().st_mtime_ns for path in outbox.glob("*.json")}
    assert len(done) < 6
    for sidecar in done:
        result = sidecar.with_suffix("")
        assert json.loads(sidecar.read_text())["result"]["sha256"] == sha256_of(result)
    with patina(tmp_path, *words) as process:
        _, told = process.communicate()
    assert process.returncode == 0, told
    assert len([*outbox.glob("*.json")]) == 6
    assert len([*outbox.glob("*.tif*")]) == 6 * 5
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert not [*outbox.glob(".patina-*")]


def test_a_disk_that_fills_up_ends_the_run_and_what_is_done_is_kept(tmp_path: Path) -> None:
    inbox, outbox = tmp_path / "in", tmp_path / "out"
    inbox.mkdir()
    scan(inbox / "a.tif")
    pyvips.Image.new_from_file(str(inbox / "a.tif")).resize(10).write_to_file(str(inbox / "b.tif"))
    # A file as large as that of all parts of b finds no room, as on a full disk
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000,) * 2); "
    with patina(tmp_path, "restore", str(inbox), "-o", str(outbox), before=limit) as process:
        _, told = process.communicate()
    assert process.returncode == 1
    assert "File too large" in told
    assert "Traceback" not in told
    assert sorted(path.name for path in outbox.glob("*.tif*")) == ["a.tif", "a.tif.json"]


def test_no_run_begins_where_nothing_can_be_written(tmp_path: Path) -> None:
    scan(tmp_path / "a.tif")
    (tmp_path / "out").write_text("a file is in the way")
    with patina(tmp_path, "restore", "a.tif", "-o", "out") as process:
        _, told = process.communicate()
    assert process.returncode == 1
    assert told.startswith("patina: ")
    assert "out" in told
