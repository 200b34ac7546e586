"""params.yaml is read once, and what it cannot mean is said at once."""

from pathlib import Path

import pytest

from patina.params import Params, ParamsError, Restore, load, restore_here

PARAMS = Path("params.yaml")


def changed(tmp_path: Path, old: str, new: str) -> Path:
    text = PARAMS.read_text()
    assert old in text
    path = tmp_path / "params.yaml"
    path.write_text(text.replace(old, new, 1))
    return path


def test_the_shipped_params_load() -> None:
    assert isinstance(load(PARAMS), Params)


def test_params_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(PARAMS).train.width = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  working_px:", "  workingpx:", "preprocess.workingpx: unknown key; known: working_px"),
        ("crawl:", "crowl:", "crowl: unknown key; known: crawl, preprocess, split"),
        ("    blur: {weight", "    blur: {wait", "unknown key; known: weight, severity"),
        ("    blur:", "    blurr:", "unknown degradation 'blurr'; known: abrasion, blot, blur, "),
        (
            "network: conservator",
            "network: vnet",
            "train: unknown network 'vnet'; known: conservator, nafnet, unet",
        ),
        ("loss: charbonnier", "loss: l3", "train: unknown loss 'l3'; known: charbonnier, l1, rms"),
        (
            "source: sample",
            "source: louvre",
            "crawl.source: unknown source 'louvre'; known: artic, cleveland, folder, ",
        ),
        (
            "patch_px: [128]",
            "patch_px: [120]",
            "train.patch_px.0: Input should be a multiple of 16",
        ),
        ("test: 0.1", "test: 0.9", "validation \\+ test must be less than 1"),
        ("overlap_px: 256", "overlap_px: 768", "overlap_px 768 is over half of tile_px 1088"),
        ("count: [1, 4]", "count: [4, 1]", "count \\[4, 1\\] must rise"),
        ("severity: [0.2, 0.9]", "severity: [0.2, 9]", "degrade.steps.fading.severity.1: .* 1"),
    ],
)
def test_what_is_not_known_fails_at_load_and_names_what_is(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = changed(tmp_path, old, new)
    with pytest.raises(ParamsError, match=message) as raised:
        load(path)
    assert str(path) in str(raised.value)


def test_a_missing_file_and_broken_yaml_are_named(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"nowhere\.yaml: cannot be read"):
        load(tmp_path / "nowhere.yaml")
    with pytest.raises(ParamsError, match="no YAML"):
        load(changed(tmp_path, "crawl:", "crawl: ["))


def test_a_folder_without_params_is_restored_as_the_project_restores() -> None:
    assert Restore() == load(PARAMS).restore


def test_restoring_takes_no_notice_of_a_params_file_of_anothers(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    assert restore_here(path) == Restore()
    for text in ("lr: 3\n", "", "- a\n- list\n"):
        path.write_text(text)
        assert restore_here(path) == Restore()
    ours = changed(tmp_path, "detail_zone_255: 2.0", "detail_zone_255: 3.0")
    assert restore_here(ours).detail_zone_255 == 3
    for old, new in (("crawl:", "crawl: ["), ("detail_zone_255: 2.0", "detail_zone_255: much")):
        with pytest.raises(ParamsError):
            restore_here(changed(tmp_path, old, new))
