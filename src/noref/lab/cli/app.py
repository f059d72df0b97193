"""All commands of `noref lab`, and how their errors are reported.

Exit codes: 0 success; 1 success, but some images failed; 2 wrong usage, with one line that names cause and cure; 3 a bug in
noref, with its traceback; 130 interrupted (Ctrl-C).
"""

import traceback

import click

from noref.cli.group import Commands
from noref.cli.output import Exit, say
from noref.errors import NorefError
from noref.lab.cli import catalogue, data, distort, evaluate, plot, score, study, train

NEEDED = (
    *("imagehash", "lightning", "matplotlib", "onnx", "onnxscript", "openpyxl", "pandas", "piq", "pydantic", "ruamel"),
    *("safetensors", "scipy", "sklearn", "threadpoolctl", "timm", "torch", "torchvision", "typing_extensions"),
)
"""The packages that the extra `lab` installs, by the names under which they are imported."""

RESUMED = ("train", "evaluate", "study", "synthesize")
"""The commands that resume an interrupted run."""


class _Laboratory(Commands):
    """Runs a command and reports its exceptions: user errors as one line, bugs with their traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            resumes = ctx.invoked_subcommand in RESUMED
            say(f"noref lab: interrupted{'; the same command resumes' if resumes else ''}")
            raise click.exceptions.Exit(Exit.INTERRUPTED) from None
        except Exception as error:
            if isinstance(error, (click.exceptions.Exit, click.Abort, click.ClickException)):
                raise
            if isinstance(error, OSError) and error.filename is None:  # standard output, most likely, which `noref` explains
                raise
            code, message = _explained(error)
            if code == Exit.BUG or ctx.params["debug"]:
                traceback.print_exception(error)
            say(f"noref lab: {message}")
            raise click.exceptions.Exit(code) from None


def _explained(error: Exception) -> tuple[int, str]:
    """Exit code and one-line message."""
    if isinstance(error, NorefError):
        return Exit.STOPPED, " ".join(map(str.strip, str(error).splitlines()))
    if isinstance(error, ModuleNotFoundError) and error.name is not None and error.name.partition(".")[0] in NEEDED:
        return Exit.STOPPED, f"the laboratory needs {error.name}; pip install 'noref[lab]'"
    return Exit.BUG, "internal error, a bug in noref; please report it with the traceback above"


@click.group(cls=_Laboratory, short_help="Train, evaluate and export methods.")
@click.option("--debug", is_flag=True, help="Print the traceback of user errors, too.")
def app(debug: bool) -> None:  # `_Laboratory` reads the option
    """Train, evaluate, compare and export methods of blind image quality assessment.

    Needs the extra: pip install 'noref[lab]'.

    Exit code: 0 success, 1 success but some images failed, 2 wrong usage, 3 a bug in noref, 130 interrupted.
    """


app.add_command(train.train)
app.add_command(train.export)
app.add_command(score.score)
app.add_command(evaluate.evaluate)
app.add_command(evaluate.compare)
app.add_command(catalogue.methods)
app.add_command(catalogue.recipes)
app.add_command(catalogue.settings)
app.add_command(distort.distort)
app.add_command(distort.synthesize)
app.add_command(data.data)
app.add_command(plot.plot)
app.add_command(study.study)
