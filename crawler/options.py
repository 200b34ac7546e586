"""Command line options for the filters of a crawl, one for each field of Selection."""

from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from inspect import Parameter, signature
from typing import Annotated, Any, TypeVar

import typer

from patina.crawler.selection import Selection

Result = TypeVar("Result")


def with_filters(command: Callable[..., Result]) -> Callable[..., Result]:
    """Add an option to a Typer command for each field of Selection that it does not have.

    The options replace the parameter `filters` of the command, which gets a dict of the given
    options by the names of the fields.
    """
    own = signature(command).parameters
    options = [
        Parameter(
            field.name,
            Parameter.KEYWORD_ONLY,
            annotation=Annotated[
                type(field.default) | None, typer.Option(help=field.metadata["help"])
            ],
            default=None,
        )
        for field in fields(Selection)
        if field.name not in own
    ]

    @wraps(command)
    def with_dict(**given: Any) -> Result:
        values = {option.name: given.pop(option.name) for option in options}
        filters = {name: value for name, value in values.items() if value is not None}
        return command(**given, filters=filters)

    parameters: list[Parameter] = []
    for name, parameter in own.items():
        parameters += (
            options if name == "filters" else [parameter.replace(kind=Parameter.KEYWORD_ONLY)]
        )
    vars(with_dict)["__signature__"] = signature(command).replace(parameters=parameters)
    return with_dict
