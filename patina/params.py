"""The only reader of params.yaml, with one frozen class for each section."""

import logging
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
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
from patina.models import DETECTION_STRIDE_PX, NETWORKS, present_role
from patina.tasks.restoration.gates import NAMES as GATES
from patina.tasks.restoration.gates import Gates, present_name
from patina.tasks.restoration.option_values import DEFAULT_TREATMENTS, Device, TreatmentName

FILTERS = [field.name for field in fields(Selection)]
SOURCES = ("sample", "folder", *MUSEUMS, "harvest")
log = logging.getLogger("patina")

Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0)]
Severity = Annotated[float, Field(ge=0, le=1)]
Limit = Annotated[float, Field(gt=0)]


class ParamsError(InputError):
    """params.yaml is invalid; the message names file, key and remedy."""


class Section(BaseModel):
    """Base class of the sections: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Crawl(Section, Selection):  # type: ignore[misc]  # mypy misses that it is frozen
    """The source of the works. The filters of a museum's works are the fields of Selection.

    A filter that is missing in the file filters nothing.
    """

    source: str  # one of SOURCES
    folder: Annotated[str, Field(min_length=1)]  # path or s3:// of the scans for source folder
    works: Count  # number of works in the sample museum
    seed: Seed  # seed of the sample museum
    contact: str  # the user's e-mail or web address, which the museum sees
    delay_s: Annotated[float, Field(ge=0)]  # seconds between requests, at least the museum's own
    nightly: str  # schedule of the deployment crawl/nightly, a cron line in UTC

    @field_validator("source")
    @classmethod
    def _source_is_known(cls, source: str) -> str:
        refuse_unknown("source", source, SOURCES)
        return source

    @field_validator("folder")
    @classmethod
    def _storage_is_known(cls, folder: str) -> str:
        if ":" in folder:
            from fsspec.utils import get_protocol  # late, because the import takes 0.1 s

            refuse_unknown("storage", get_protocol(folder), ("file", "s3"))
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
        """The filters of the section."""
        return Selection(**{name: getattr(self, name) for name in FILTERS})

    @property
    def is_museum(self) -> bool:
        """Whether `patina crawl` fetches the works, and not the stage crawl."""
        return self.source in MUSEUMS


class Preprocess(Section):
    """How works are brought into one form."""

    working_px: Annotated[int, Field(ge=16)]  # long side of the clean works in pixels


class Split(Section):
    """How works are split into training, validation and test sets."""

    seed: Seed  # another seed gives another split
    validation: Share  # share of the works
    test: Share  # share of the works
    least_test_works: Count  # minimum number of test works

    @model_validator(mode="after")
    def _some_works_are_for_training(self) -> Self:
        if self.validation + self.test >= 1:
            raise ValueError(
                "validation + test must be less than 1; the other works are for training"
            )
        return self


class StepMix(Section):
    """How often and how severely one degradation is drawn."""

    weight: Annotated[float, Field(ge=0)]  # how often it is drawn, relative to the others
    severity: tuple[Severity, Severity]  # lowest and highest


class Degrade(Section):
    """How works are degraded."""

    seed: Seed  # seed of the random numbers
    twins: Count  # number of degraded copies ("twins") of each work
    count: tuple[Count, Count]  # lowest and highest number of degradations in one twin
    steps: dict[str, StepMix]  # degradations by name

    @property
    def mixture(self) -> dict[str, tuple[float, tuple[float, float]]]:
        """The argument `mixture` of `patina.tasks.dataset.recipes.draw_recipe`."""
        return {name: (step.weight, step.severity) for name, step in self.steps.items()}

    @model_validator(mode="after")
    def _steps_are_known(self) -> Self:
        from patina.tasks.degradations import DEGRADATIONS  # late: restoring does not need it

        for name in self.steps:
            refuse_unknown("degradation", name, DEGRADATIONS)
            if self.steps[name].severity[0] > self.steps[name].severity[1]:
                raise ValueError(f"{name}: the second severity must not be lower than the first")
        drawn = sum(step.weight > 0 for step in self.steps.values())
        if not self.count[0] <= self.count[1] <= drawn:
            raise ValueError(
                f"count {list(self.count)}: give the minimum and the maximum number of steps, "
                f"at most {drawn}"
            )
        return self


class Train(Section):
    """Which network is trained on the works, and how."""

    network: Annotated[str, AfterValidator(present_role)]  # a name in patina.models.NETWORKS
    width: Annotated[float, Field(gt=0)]  # factor for the number of channels
    start: Annotated[str, Field(pattern=r"^(pretrained|scratch|.+\.keras)$")]  # initial weights
    steps: Annotated[int, Field(ge=0)]  # number of batches; 0: a default for the network
    learning_rate: Annotated[float, Field(ge=0)]  # maximum; 0: see params.yaml
    warmup_steps: Annotated[int, Field(ge=0)]  # batches until the learning rate is at its maximum
    precision: Literal["auto", "float32", "mixed_bfloat16"]  # auto: by CPU and GPU
    minutes: Annotated[float, Field(ge=0)]  # wall-clock limit; 0: none
    seed: Seed  # seed of the random numbers

    @model_validator(mode="after")
    def _network_is_known(self) -> Self:
        refuse_unknown("network", self.network, NETWORKS)
        return self


FLAGS = ("flag_damaged", "flag_repainted", "flag_delta_e2000")


class Restore(Section, Gates):  # type: ignore[misc]  # mypy misses that it is frozen
    """How scans are restored; the gates are the fields of Gates.

    The defaults are for a folder without a params.yaml.
    """

    treat: tuple[TreatmentName, ...] = DEFAULT_TREATMENTS  # treatments to apply
    device: Device = "CPU"  # GPU: an Intel GPU; AUTO: a GPU if there is one
    # Side of a tile, with its overlap, and overlap of neighbouring tiles
    tile_px: Annotated[int, Field(ge=64, multiple_of=DETECTION_STRIDE_PX)] = 1152
    overlap_px: Annotated[int, Field(ge=0, multiple_of=DETECTION_STRIDE_PX)] = 128
    # From these values on, a work is flagged for inspection
    flag_damaged: Limit = 0.25  # share of the work in the damage map
    flag_repainted: Limit = 0.1  # filled share, times the mean ΔE2000 inside it
    flag_delta_e2000: Limit = 10.0  # mean change of the work

    @model_validator(mode="before")
    @classmethod
    def _former_names_of_gates_are_understood(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        present = {name: present_name(str(name)) for name in given}
        return {
            present[name] if present[name] in GATES else name: value
            for name, value in given.items()
        }

    @property
    def loading(self) -> dict[str, Any]:
        """The arguments of `patina.tasks.restoration.batch.load_restorer`."""
        gates = self.model_dump(include={*GATES})
        return self.model_dump(exclude={*GATES, *FLAGS}) | {"gates": gates}

    @property
    def flags(self) -> dict[str, Any]:
        """The thresholds for flags, as arguments of `sidecars.OutputOptions`."""
        return self.model_dump(include={*FLAGS})

    @model_validator(mode="after")
    def _tiles_advance(self) -> Self:
        if self.overlap_px * 2 > self.tile_px:
            raise ValueError(
                f"overlap_px {self.overlap_px} must be at most half of tile_px {self.tile_px}"
            )
        return self


class Evaluate(Section):
    """The content of the reports."""

    panels: Annotated[int, Field(ge=0)]  # number of before/after pictures


class Promote(Section):
    """The undamaged pictures that a new network must not harm."""

    # Long sides in pixels of the hard works; empty: none are used
    sound_px: tuple[Annotated[int, Field(ge=64)], ...] = (600, 1200)


class Params(Section):
    """All sections of params.yaml."""

    crawl: Crawl
    preprocess: Preprocess
    split: Split
    degrade: Degrade
    train: Train
    restore: Restore
    evaluate: Evaluate
    promote: Promote = Promote()


def refuse_unknown(kind: str, name: str, names: Any) -> None:
    """Raise ValueError, with the known `names`, if `name` is not one of them."""
    if name not in names:
        raise ValueError(f"unknown {kind} {name!r}; known: {', '.join(sorted(names))}")


def load(path: Path = Path("params.yaml"), **changes: Mapping[str, Any]) -> Params:
    """Read and check `path`. changes: values by section that override those of the file.

    Raises ParamsError, with a line for each fault, if the file is missing, is not YAML, or has an
    unknown key or invalid value.
    """
    read = _read(path)
    for section, values in changes.items():
        read[section] |= values
    return _checked(path, read)


def restore_here(path: Path = Path("params.yaml")) -> Restore:
    """The section restore of `path`, or the defaults if file or section are missing.

    The other sections may be missing. If the file is not YAML, it belongs to another program; a
    warning says so.
    """
    try:
        read = _read(path) if path.exists() else None
    except ParamsError as error:
        log.warning("%s; Patina uses the defaults", error)
        return Restore()
    section = read.get("restore") if isinstance(read, Mapping) else None
    if not isinstance(section, Mapping):
        return Restore()
    try:
        return Restore.model_validate(section)
    except ValidationError as error:
        raise ParamsError("\n".join(_faults(path, error, "restore"))) from error


def _read(path: Path) -> Any:
    import yaml  # late: restoring needs it only where a params.yaml is

    try:
        if path.exists() and not path.is_file():  # reading a pipe could wait forever
            raise ParamsError(f"{path}: it is not a file")
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ParamsError(
            f"{path}: cannot be read ({error.strerror}); run the command in Patina's root folder"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise ParamsError(f"{path}: not valid YAML: {reason}") from error


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
        message = str(fault["msg"]).removeprefix("Value error, ")
        return message.replace("a valid tuple", "a list, such as [a, b]")
    section: type[BaseModel] = Params
    for name in fault["loc"][:-1]:
        inner = section.model_fields[name].annotation if name in section.model_fields else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            section = StepMix
            break
        section = inner
    return f"unknown key; known: {', '.join(section.model_fields)}"
