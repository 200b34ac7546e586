"""params.yaml is read once, and invalid values are reported at once."""

import os
from pathlib import Path

import pytest
from scrapy.settings import Settings
from scrapy.spiderloader import SpiderLoader

from patina.crawler.settings import SPIDER_MODULES
from patina.params import MUSEUMS, Params, ParamsError, Restore, load, restore_here

PARAMS = Path("params.yaml")


def changed(tmp_path: Path, old: str, new: str) -> Path:
    text = PARAMS.read_text()
    assert old in text
    path = tmp_path / "params.yaml"
    path.write_text(text.replace(old, new, 1))
    return path


def test_the_shipped_params_are_valid() -> None:
    assert isinstance(load(PARAMS), Params)


def test_the_museums_in_params_are_those_with_a_spider() -> None:
    loader = SpiderLoader.from_settings(Settings({"SPIDER_MODULES": SPIDER_MODULES}))
    fetched = {name for name in loader.list() if getattr(loader.load(name), "museum", False)}
    assert fetched == set(MUSEUMS)


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
            "network: tone",
            "network: vnet",
            "train: unknown network 'vnet'; known: areas, blur, compressed_noise, inpainting",
        ),
        ("start: pretrained", "start: elsewhere", "train.start: String should match pattern"),
        (
            "source: sample",
            "source: louvre",
            "crawl.source: unknown source 'louvre'; known: artic, cleveland, folder, ",
        ),
        ("treat: [detail, damage", "treat: [detail, harm", "restore.treat.1: Input should be 'det"),
        ("test: 0.1", "test: 0.9", "validation \\+ test must be less than 1"),
        (
            "overlap_px: 128",
            "overlap_px: 768",
            "overlap_px 768 must be at most half of tile_px 1152",
        ),
        ("count: [1, 4]", "count: [4, 1]", "count \\[4, 1\\]: give the minimum and the maximum"),
        ("severity: [0.2, 0.9]", "severity: [0.2, 9]", "degrade.steps.fading.severity.1: .* 1"),
    ],
)
def test_an_unknown_value_is_an_error_that_lists_the_known_ones(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = changed(tmp_path, old, new)
    with pytest.raises(ParamsError, match=message) as raised:
        load(path)
    assert str(path) in str(raised.value)


def test_a_missing_file_and_invalid_yaml_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"nowhere\.yaml: cannot be read"):
        load(tmp_path / "nowhere.yaml")
    with pytest.raises(ParamsError, match="not valid YAML"):
        load(changed(tmp_path, "crawl:", "crawl: ["))
    path = tmp_path / "other.yaml"
    for content in (b"restore: \xff\xfe", b"restore: " + b"[" * 50_000):
        path.write_bytes(content)
        with pytest.raises(ParamsError, match="not valid YAML"):
            load(path)
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(ParamsError, match=r"pipe\.yaml: it is not a file"):
        load(tmp_path / "pipe.yaml")


def test_a_single_value_in_place_of_a_list_is_an_error_in_words_of_yaml(tmp_path: Path) -> None:
    path = changed(tmp_path, "treat: [detail, damage, stains, tone]", "treat: detail")
    with pytest.raises(ParamsError, match=r"restore\.treat: Input should be a list, such as"):
        load(path)


def test_a_folder_without_params_uses_the_shipped_ones() -> None:
    assert Restore() == load(PARAMS).restore


def test_former_names_of_networks_and_gates_are_understood(tmp_path: Path) -> None:
    assert load(changed(tmp_path, "network: tone", "network: detail")).train.network == "noise"
    path = tmp_path / "older.yaml"
    path.write_text("restore: {detail_probability: 0.7, fill_likelihood: 0.6, area_likelihood: 1}")
    expected = Restore(noise_probability=0.7, fill_probability=0.6, area_probability=1)
    assert restore_here(path) == expected


def test_restoring_ignores_a_params_file_of_another_program(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    assert restore_here(path) == Restore()
    for text in ("lr: 3\n", "", "- a\n- list\n"):
        path.write_text(text)
        assert restore_here(path) == Restore()
    ours = changed(tmp_path, "noise_255: 2.0", "noise_255: 3.0")
    assert restore_here(ours).noise_255 == 3
    path.write_text("restore: {detail_255: 3.0}\n")
    assert restore_here(path).noise_255 == 3
    path.write_text("a program of another's: [")
    assert restore_here(path) == Restore()
    for text, fault in (
        ("{noise_255: much}", "noise_255"),
        ("{odd: 1}", "odd: unknown key; known: jpeg_blockiness"),
    ):
        path.write_text(f"restore: {text}\n")
        with pytest.raises(ParamsError, match=rf"params\.yaml: restore\..*{fault}"):
            restore_here(path)
