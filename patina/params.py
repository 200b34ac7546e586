"""The only reader of params.yaml: one frozen class for each section, that is, for each stage."""

import logging
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from patina.crawler import MUSEUMS
from patina.crawler.items import CrawlError
from patina.crawler.selection import Selection
from patina.errors import InputError
from patina.models import NETWORKS
from patina.tasks.degradations import DEGRADATIONS

FILTERS = [field.name for field in fields(Selection)]
SOURCES = ("sample", "folder", *MUSEUMS, "harvest")
log = logging.getLogger("patina")

Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
PatchSide = Annotated[int, Field(ge=16, multiple_of=16)]
Seed = Annotated[int, Field(ge=0)]
Severity = Annotated[float, Field(ge=0, le=1)]


class ParamsError(InputError):
    """params.yaml says something that cannot be meant; the message names file, place and remedy."""


class Section(BaseModel):
    """What every section has in common: it is frozen and knows no other keys than its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Crawl(Section, Selection):  # type: ignore[misc]  # mypy misses that it is frozen
    """Where the works come from. The filters of a museum's works are the fields of Selection.

    A filter that the file does not name filters nothing.
    """

    source: str  # of SOURCES
    folder: Annotated[str, Field(min_length=1)]  # of the scans, path or s3://; read by `folder`
    works: Count  # how many works the sample museum holds
    seed: Seed  # the sample museum's painter's seed
    contact: str  # e-mail or web address of who is calling
    delay_s: Annotated[float, Field(ge=0)]  # seconds between requests, if more than the museum's
    nightly: str  # cron line of the deployment crawl/nightly, UTC

    @field_validator("source")
    @classmethod
    def _source_is_known(cls, source: str) -> str:
        known("source", source, SOURCES)
        return source

    @field_validator("folder")
    @classmethod
    def _storage_is_known(cls, folder: str) -> str:
        if ":" in folder:
            from fsspec.utils import get_protocol  # 0.1 s that only such an address needs

            known("storage", get_protocol(folder), ("file", "s3"))
        return folder

    @field_validator(*FILTERS)
    @classmethod
    def _filter_can_be_meant(cls, value: str | int, field: ValidationInfo) -> str | int:
        try:
            Selection(**{str(field.field_name): value})  # type: ignore[arg-type]
        except CrawlError as error:
            raise ValueError(str(error)) from error
        return value

    @property
    def selection(self) -> Selection:
        """The filters alone."""
        return Selection(**{name: getattr(self, name) for name in FILTERS})

    @property
    def is_museum(self) -> bool:
        """Whether the works are fetched by `patina crawl`, not by the stage."""
        return self.source in MUSEUMS


class Preprocess(Section):
    """How works are brought to one form."""

    working_px: Annotated[int, Field(ge=16)]  # long side of the clean works, pixels


class Split(Section):
    """How works are dealt to the training, validation and test sides."""

    seed: Seed  # another seed deals anew
    validation: Share  # share of the works
    test: Share  # share of the works
    least_test_works: Count  # a small collection still has so many test works

    @model_validator(mode="after")
    def _something_is_left_to_train_on(self) -> Self:
        if self.validation + self.test >= 1:
            raise ValueError(
                "validation + test must be less than 1, or nothing is left to train on"
            )
        return self


class StepMix(Section):
    """One degradation's part in the mixture."""

    weight: Annotated[float, Field(ge=0)]  # how often it is drawn, against the others
    severity: tuple[Severity, Severity]  # from, to


class Degrade(Section):
    """How works are deteriorated."""

    seed: Seed
    twins: Count  # deteriorated twins of each work
    count: tuple[Count, Count]  # degradations in one twin, fewest and most
    steps: dict[str, StepMix]

    @property
    def mixture(self) -> dict[str, tuple[float, tuple[float, float]]]:
        """What `patina.tasks.dataset.recipes.draw_recipe` takes."""
        return {name: (step.weight, step.severity) for name, step in self.steps.items()}

    @model_validator(mode="after")
    def _steps_are_known(self) -> Self:
        for name in self.steps:
            known("degradation", name, DEGRADATIONS)
            if self.steps[name].severity[0] > self.steps[name].severity[1]:
                raise ValueError(f"{name}: severity must not fall")
        drawn = sum(step.weight > 0 for step in self.steps.values())
        if not self.count[0] <= self.count[1] <= drawn:
            raise ValueError(f"count {list(self.count)} must rise, and not exceed {drawn} steps")
        return self


class Train(Section):
    """Which network of a restorer is trained on the works, and how long."""

    network: str  # a name from patina.models.NETWORKS
    width: Annotated[float, Field(gt=0)]  # factor on its channels
    start: Annotated[str, Field(pattern=r"^(pretrained|scratch|.+\.keras)$")]  # or a model's file
    steps: Annotated[int, Field(ge=0)]  # batches in all; 0: as many as suit the network
    learning_rate: Annotated[float, Field(ge=0)]  # at its highest; 0: what suits the network
    warmup_steps: Annotated[int, Field(ge=0)]  # batches until then
    precision: Literal["auto", "float32", "mixed_bfloat16"]
    minutes: Annotated[float, Field(ge=0)]  # wall-clock limit; 0: none
    seed: Seed

    @model_validator(mode="after")
    def _network_is_known(self) -> Self:
        known("network", self.network, NETWORKS)
        return self


FLAGS = ("flag_damaged", "flag_repainted", "flag_delta_e2000")


class Restore(Section):
    """How a scan of any size is cut into tiles, and what is left alone.

    The defaults are for a folder without a params.yaml.
    """

    treat: tuple[Literal["detail", "damage", "tone", "craquelure"], ...] = (
        "detail",
        "damage",
        "tone",
    )
    device: Literal["CPU", "GPU", "AUTO"] = (
        "CPU"  # AUTO: a GPU that OpenVINO knows, if there is one
    )
    tile_px: Annotated[int, Field(ge=64, multiple_of=32)] = 1088  # of a square tile, with overlap
    overlap_px: Annotated[int, Field(ge=0, multiple_of=32)] = 192  # shared by neighbouring tiles
    # Steps across JPEG's grid, times those elsewhere: less blocky works keep their compression
    jpeg_blockiness: Annotated[float, Field(ge=1)] = 1.18
    detail_255: Annotated[float, Field(ge=0)] = 2.0  # 8-bit steps; less corrected works stay
    detail_likelihood: Annotated[float, Field(ge=0, le=1)] = 0.45  # that a work gains by it
    blur_255: Annotated[float, Field(ge=0)] = 1.2  # 8-bit steps; the same of blur
    blur_likelihood: Annotated[float, Field(ge=0, le=1)] = 0.4
    damage_likelihood: Annotated[float, Field(gt=0, le=1)] = 0.75  # of what is filled
    damage_doubt: Annotated[float, Field(gt=0, le=1)] = 0.45  # of what is filled with it
    damage_share: Annotated[float, Field(ge=0, le=1)] = 0.0006  # less surely damaged works stay
    fill_area: Annotated[float, Field(ge=0, le=1)] = 0.001  # share; a larger piece is proposed …
    fill_width: Annotated[float, Field(ge=0, le=1)] = 0.03  # … unless thinner, of the long side
    fill_share: Annotated[float, Field(ge=0, le=1)] = 0.06  # most that is filled, but for the thin
    fill_likelihood: Annotated[float, Field(ge=0, le=1)] = 0.1  # that a piece is damage
    fill_likelihood_mean: Annotated[float, Field(ge=0, le=1)] = 0.25  # of what would be filled
    fill_surely: Annotated[float, Field(ge=0, le=1)] = 0.6  # likelihood of damage from which on …
    fill_area_surely: Annotated[float, Field(ge=0, le=1)] = 0.02  # … this stands for fill_area
    fill_unlike: Annotated[float, Field(ge=0, le=1)] = 0.6  # of the rim, that must be seen
    area_likelihood: Annotated[float, Field(ge=0, le=1)] = 0.4  # that an area is proposed
    tone_255: Annotated[float, Field(ge=0)] = 8.0  # 8-bit steps; colours that change less stay
    flag_damaged: Annotated[float, Field(gt=0)] = 0.25  # share in the damage map: have a look
    flag_repainted: Annotated[float, Field(gt=0)] = (
        0.1  # share that is filled × ΔE2000 there: alike
    )
    flag_delta_e2000: Annotated[float, Field(gt=0)] = 10.0  # mean change of a work: alike

    @property
    def applied(self) -> dict[str, Any]:
        """What `patina.tasks.restoration.batch.load_restorer` takes."""
        plain = {"treat", "device", "tile_px", "overlap_px"}
        gates = self.model_dump(exclude={*plain, *FLAGS})
        return self.model_dump(include=plain) | {"gates": gates}

    @property
    def flags(self) -> dict[str, Any]:
        """What `patina.tasks.restoration.restore_file.Filing` takes."""
        return self.model_dump(include={*FLAGS})

    @model_validator(mode="after")
    def _tiles_advance(self) -> Self:
        if self.overlap_px * 2 > self.tile_px:
            raise ValueError(f"overlap_px {self.overlap_px} is over half of tile_px {self.tile_px}")
        return self


class Evaluate(Section):
    """What the reports show."""

    panels: Annotated[int, Field(ge=0)]  # before/after pictures


class Promote(Section):
    """What a new network must leave alone."""

    # Long sides at which the hard sound works are painted; none: they are not asked for
    sound_px: tuple[Annotated[int, Field(ge=64)], ...] = (600, 1200)


class Params(Section):
    """The whole of params.yaml."""

    crawl: Crawl
    preprocess: Preprocess
    split: Split
    degrade: Degrade
    train: Train
    restore: Restore
    evaluate: Evaluate
    promote: Promote = Promote()


def known(kind: str, name: str, names: Any) -> None:
    """Raise ValueError, listing the known `names`, when `name` is not among them."""
    if name not in names:
        raise ValueError(f"unknown {kind} {name!r}; known: {', '.join(sorted(names))}")


def load(path: Path = Path("params.yaml"), **changes: Mapping[str, Any]) -> Params:
    """Read and check `path`; `changes` are values by section that stand instead of the file's.

    Raises ParamsError, a line for each fault, when the file is missing, is no YAML or says
    something that is not known.
    """
    read = _read(path)
    for section, values in changes.items():
        read[section] |= values
    return _checked(path, read)


def restore_here(path: Path = Path("params.yaml")) -> Restore:
    """The section restore of `path`, which needs no other; the defaults where it has none.

    A file of that name that is no YAML is another program's, and is told of.
    """
    try:
        read = _read(path) if path.exists() else None
    except ParamsError as error:
        log.warning("%s; restoring with the defaults", error)
        return Restore()
    section = read.get("restore") if isinstance(read, Mapping) else None
    if not isinstance(section, Mapping):
        return Restore()
    try:
        return Restore.model_validate(section)
    except ValidationError as error:
        raise ParamsError("\n".join(_faults(path, error, "restore"))) from error


def _read(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ParamsError(
            f"{path}: cannot be read ({error.strerror}); run from the root"
        ) from error
    except yaml.YAMLError as error:
        raise ParamsError(f"{path}: no YAML: {error}") from error


def _checked(path: Path, read: Any) -> Params:
    try:
        return Params.model_validate(read)
    except ValidationError as error:
        raise ParamsError("\n".join(_faults(path, error))) from error


def _faults(path: Path, error: ValidationError, *within: str) -> list[str]:
    faults: list[Any] = [fault | {"loc": (*within, *fault["loc"])} for fault in error.errors()]
    return [f"{path}: {'.'.join(map(str, fault['loc']))}: {_message(fault)}" for fault in faults]


def _message(fault: Any) -> str:
    if fault["type"] != "extra_forbidden":
        return str(fault["msg"]).removeprefix("Value error, ")
    section: type[BaseModel] = Params
    for name in fault["loc"][:-1]:
        inner = section.model_fields[name].annotation if name in section.model_fields else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            section = StepMix
            break
        section = inner
    return f"unknown key; known: {', '.join(section.model_fields)}"
