"""All commands of `noref lab`, and how their errors are reported.

Exit codes: 0 success; 1 success, but some images failed; 2 wrong usage, with one line that names cause and cure; 3 a bug in
noref, with its traceback; 130 interrupted (Ctrl-C).
"""

import traceback
from typing import Annotated, Any

import typer
import typer.core

from noref.errors import NorefError
from noref.lab.cli import catalogue, data, distort, evaluate, plot, score, study, train
from noref.lab.cli.options import BUG, INTERRUPTED, WRONG_USAGE

NEEDED = (
    *("imagehash", "lightning", "matplotlib", "onnx", "onnxscript", "openpyxl", "pandas", "piq", "pydantic", "ruamel"),
    *("safetensors", "scipy", "sklearn", "threadpoolctl", "timm", "torch", "torchvision", "typing_extensions"),
)
"""The packages that the extra `lab` installs, by the names under which they are imported."""

RESUMED = ("train", "evaluate", "study", "synthesize")
"""The commands that go on from what an interrupted run has written."""


class _Commands(typer.core.TyperGroup):
    """Runs a command and reports its exceptions: user errors as one line, bugs with their traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            resumes = ctx.invoked_subcommand in RESUMED
            typer.echo(f"noref lab: interrupted{'; the same command resumes' if resumes else ''}", err=True)
            raise typer.Exit(INTERRUPTED) from None
        except Exception as error:
            if isinstance(error, (typer.Abort, BrokenPipeError)) or hasattr(error, "exit_code"):
                raise  # typer's own: the end of a command, or refused options
            code, message = _explained(error)
            if code == BUG or ctx.params["debug"]:
                traceback.print_exception(error)
            typer.echo(f"noref lab: {message}", err=True)
            raise typer.Exit(code) from None


def _explained(error: Exception) -> tuple[int, str]:
    """Exit code and one-line message."""
    if isinstance(error, NorefError):
        return WRONG_USAGE, " ".join(map(str.strip, str(error).splitlines()))
    if isinstance(error, ModuleNotFoundError) and error.name is not None and error.name.partition(".")[0] in NEEDED:
        return WRONG_USAGE, f"the laboratory needs {error.name}; pip install 'noref[lab]'"
    return BUG, "internal error, a bug in noref; please report it with the traceback above"


app = typer.Typer(
    cls=_Commands,
    help="Train, evaluate, compare and export methods of blind image quality assessment.\n\n"
    "Exit code: 0 success, 1 success but some images failed, 2 wrong usage, 3 a bug in noref, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def main(
    debug: Annotated[bool, typer.Option("--debug", help="Print the traceback of user errors, too.")] = False,
) -> None:
    """Options of all commands; `_Commands` reads them."""


for command, summary in (
    (train.train, "Train a method and test it."),
    (train.export, "Export a trained method as one ONNX file."),
    (score.score, "Print the value of a method for each photo."),
    (evaluate.evaluate, "Measure the agreement of methods with people."),
    (evaluate.compare, "Compare results, with significance tests."),
    (catalogue.methods, "List the methods."),
    (catalogue.recipes, "List the recipes, or print one."),
    (catalogue.settings, "List the settings of a method."),
    (distort.distort, "Distort an image by a known type and level."),
    (distort.synthesize, "Build a database of distorted images."),
):
    app.command(short_help=summary)(command)
app.add_typer(data.app, name="data")
app.add_typer(plot.app, name="plot")
app.add_typer(study.app, name="study")
