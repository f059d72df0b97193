"""Options that several commands share."""

import enum
from pathlib import Path
from typing import Annotated, get_args

import typer

from noref.scorer import View

Views = enum.Enum("Views", {name.upper(): name for name in get_args(View)}, type=str)  # type: ignore[misc]
DEFAULT_VIEW = next(iter(Views))


def path_of(text: str) -> Path:
    """The path that an option gives; an empty text, as of a variable that is not set, would mean the current folder."""
    if not text:
        raise typer.BadParameter("an empty path")
    return Path(text)


ModelOption = Annotated[
    str,
    typer.Option("--model", metavar="NAME_OR_FILE", help="A shipped model (NAME or NAME@VERSION), or an exported .onnx."),
]
ViewOption = Annotated[
    Views,
    typer.Option("--view", help="Score small photos enlarged to the common size of the model, or at their native size."),
]
ExactOption = Annotated[bool, typer.Option("--exact", help="Decode large JPEGs in full, not at a reduced size; slower.")]
JobsOption = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        min=1,
        help="Photos scored in parallel; the results do not depend on it. On a cluster (noref score): scorers.",
        show_default="as processors and memory allow",
    ),
]
MaxPixelsOption = Annotated[int, typer.Option("--max-pixels", min=1, metavar="N", help="Refuse images with more pixels.")]
SettingsOption = Annotated[
    int,
    typer.Option(
        "--settings", min=1, metavar="N", help="Which settings to use if there are results for several: 1 is the latest."
    ),
]
DebugOption = Annotated[bool, typer.Option("--debug", help="Print the traceback of every error on standard error.")]
