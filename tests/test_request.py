"""The command, the flow and a program make the same request."""

import json
from dataclasses import asdict, fields, replace
from inspect import signature
from pathlib import Path

import pytest
from restorers import patina, scan
from typer.testing import CliRunner

from patina.cli import app
from patina.cli.restoring import restore as command
from patina.errors import InputError
from patina.flows.restore import restore as flow
from patina.params import Restore
from patina.tasks.restoration.request import RestoreRequest, job_of, loading_of, run

REQUEST = RestoreRequest(("scans",))
FULL = RestoreRequest(
    ("a scan.tif", "scans"),
    "out",
    treat="detail,damage",
    force="detail",
    strength="0.5",
    limit_fill="0.5%",
    mask="damage",
    protect="masks",
    stains="spills",
    model="model.keras",
    quality="best",
    precision="f32",
    device="CPU",
    recursive=False,
    keep_format=True,
    maps=True,
    package=True,
    iiif=True,
    iiif_base="https://museum.org/iiif",
    report=False,
)


def test_command_and_flow_have_every_field_with_the_same_default() -> None:
    for asking in (command, flow.fn):
        given = signature(asking).parameters
        own = {field.name: given[field.name].default for field in fields(RestoreRequest)[2:]}
        assert RestoreRequest.of(("scans",), "restored", own) == REQUEST


def test_the_docs_name_every_option_and_every_parameter_of_the_deployment() -> None:
    text = Path("docs/restoring.md").read_text()
    parameters = text[text.index("The deployment `restore/batch` takes") :].split("\n\n")[0]
    for field in fields(RestoreRequest)[2:]:
        option = f"--{'no-' * (field.default is True)}{field.name.replace('_', '-')}"
        assert f"| `{option}" in text or f", `{option} " in text
        assert f"`{field.name}`" in parameters


def test_a_request_is_made_from_the_arguments_of_a_command_or_a_flow() -> None:
    given = asdict(FULL) | {"strength": 0.5, "mask": Path("damage"), "params": None}
    assert RestoreRequest.of(FULL.inboxes, FULL.outbox, given) == FULL
    assert RestoreRequest.of(FULL.inboxes, "out", given | {"mask": None}).mask == ""


def test_a_request_is_the_same_after_json() -> None:
    kept = json.loads(json.dumps(asdict(FULL)))
    assert RestoreRequest(**kept | {"inboxes": tuple(kept["inboxes"])}) == FULL


def test_the_command_of_a_request_has_all_values_that_are_not_defaults() -> None:
    assert REQUEST.command() == "patina restore scans"
    printed = FULL.command()
    assert printed.startswith("patina restore 'a scan.tif' scans -o out --treat detail,damage ")
    for field in fields(RestoreRequest)[2:]:
        assert f"--{'no-' * (field.name in ('recursive', 'report'))}" in printed
        assert field.name.replace("_", "-") in printed


def test_an_invalid_value_is_an_error_when_the_request_is_made() -> None:
    with pytest.raises(InputError, match="strength: 2: give a number from 0 to 1"):
        replace(REQUEST, strength="2")
    with pytest.raises(InputError, match="treat: colors: unknown"):
        replace(REQUEST, treat="colors")
    with pytest.raises(InputError, match="no scan was given"):
        RestoreRequest(())


def test_the_values_of_a_request_override_the_settings(tmp_path: Path) -> None:
    scan(tmp_path / "a.tif")
    request = RestoreRequest((str(tmp_path),), str(tmp_path / "out"), treat="tone", iiif=True)
    job = job_of(request, Restore(treat=("detail",), flag_damaged=0.5))
    assert job.loading["treat"] == ("tone",)
    assert job.loading["gates"] == Restore().loading["gates"]
    assert job.output.flag_damaged == 0.5
    assert job.output.maps
    assert job.scans == [(tmp_path / "a.tif", tmp_path / "out/a.tif")]


def test_a_forced_treatment_must_be_one_of_those_to_apply() -> None:
    request = replace(REQUEST, force="craquelure")
    with pytest.raises(
        InputError, match=r"force: craquelure: not among .* \(detail, damage, stains, tone"
    ):
        loading_of(request, Restore())
    applied = loading_of(replace(request, treat="craquelure"), Restore())
    assert applied["treat"] == applied["forced"] == ("craquelure",)


def test_a_request_gives_the_bytes_of_its_command(tmp_path: Path) -> None:
    scan(tmp_path / "a.tif")
    request = RestoreRequest((str(tmp_path / "a.tif"),), str(tmp_path / "out"), force="tone,detail")
    (outcome,) = run(request, Restore())
    assert outcome["outcome"] == "restored"
    words = replace(request, outbox=str(tmp_path / "again")).command().split()
    with patina(tmp_path, *words[1:]) as process:
        _, printed = process.communicate()
    assert process.returncode == 0, printed
    assert (tmp_path / "out/a.tif").read_bytes() == (tmp_path / "again/a.tif").read_bytes()
    assert (tmp_path / "out/summary.csv").exists()


def test_the_command_prints_its_version_and_refuses_an_unknown_quality() -> None:
    printed = CliRunner().invoke(app, ["--version"])
    assert printed.output.startswith("patina ")
    refused = CliRunner().invoke(app, ["restore", "a.tif", "--quality", "good"])
    assert refused.exit_code == 2
    assert "'good' is not one of" in refused.output
