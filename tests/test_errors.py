"""An error that the user can correct is printed as one line; a bug keeps its traceback."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from patina.errors import InputError, PatinaError, ServiceError, errors_as_lines
from patina.flows.crawl_process import CrawlFlowError
from patina.params import ParamsError
from patina.tasks.imaging.faults import ImageError
from patina.tasks.io.storage import StorageError
from patina.tasks.restoration.inference import DamagedGraphError
from patina.tasks.restoration.undo import UndoError


@pytest.mark.parametrize("kind", [ParamsError, ImageError, UndoError, DamagedGraphError])
def test_invalid_input_is_an_input_error(kind: type[Exception]) -> None:
    assert issubclass(kind, InputError)


def test_every_error_class_derives_from_patina_error() -> None:
    assert issubclass(CrawlFlowError, ServiceError)
    assert issubclass(StorageError, PatinaError)


@pytest.mark.parametrize("error", [InputError("scan.tif: no"), PermissionError(13, "no", "out")])
def test_an_error_that_the_user_can_correct_is_printed_as_one_line(error: Exception) -> None:
    with pytest.raises(SystemExit, match=r"^patina: .*no"), errors_as_lines():
        raise error


def test_a_full_disk_without_the_name_of_a_file_is_an_error_with_its_remedy() -> None:
    with pytest.raises(SystemExit, match=r"^patina: the disk is full; free"), errors_as_lines():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_the_error_for_a_missing_package_has_the_command_that_installs_it() -> None:
    printed = (
        r"^patina: this command needs prefect, .* pip install 'patina-restoration\[pipeline\]'$"
    )
    with pytest.raises(SystemExit, match=printed), errors_as_lines():
        raise ModuleNotFoundError("No module named 'prefect.flows'", name="prefect.flows")


def test_a_bug_keeps_its_traceback_and_asks_to_be_reported() -> None:
    with pytest.raises(ValueError, match="not broadcast") as caught, errors_as_lines():
        raise ValueError("could not broadcast")
    assert "Please report it" in caught.value.__notes__[0]


def test_pipeline_commands_without_the_extra_say_what_to_install(tmp_path: Path) -> None:
    program = """
import sys
class Guard:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "mlflow":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Guard())
from patina.cli import main
sys.argv = ["patina", "compare"]
main()
"""
    root = str(Path(__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "needs mlflow" in done.stderr
    assert "Traceback" not in done.stderr
