"""All commands of `noref`, and how the program ends."""

import importlib
import os
import sys
import traceback
from typing import Annotated

import typer

import noref
from noref import streams
from noref.cli import compare, models, report, results, score, serve, threshold
from noref.cli.output import EXIT_CODES, Exit, reason, say

app = typer.Typer(
    help="Predict how good photos look, without a reference. Scores run from 0 to 100; higher is better.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(f"noref {noref.__version__}")
        raise typer.Exit(Exit.OK)


app.command(epilog=EXIT_CODES)(score.score)
app.command(short_help="List, filter and export kept results.")(results.results)
app.command(short_help="Compare systems by the scores of the same pictures.", epilog=EXIT_CODES)(compare.compare)
app.command(short_help="Measure thresholds on photos labelled keep or reject.")(threshold.threshold)
app.command(short_help="Write results as one HTML file.")(report.report)
app.command(short_help="List the models that ship.")(models.models)
app.command(short_help="Serve a page and an HTTP API that score photos.")(serve.serve)


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    help="Train, evaluate and export methods (needs the extra: pip install 'noref[lab]').",
    short_help="Train, evaluate and export methods.",
)
def lab(context: typer.Context) -> None:
    # By name, so that the runtime does not depend on the laboratory.
    commands = importlib.import_module("noref.lab.cli.app")
    commands.app(context.args, prog_name="noref lab")


def main() -> None:
    """The command `noref`."""
    streams.prepare()
    try:
        app()
        code: int = Exit.OK
    except SystemExit as end:  # how typer ends
        if end.code is None or isinstance(end.code, int):
            code = end.code or Exit.OK
        else:  # a message, which Python itself would print
            say(str(end.code))
            code = Exit.STOPPED
    except Exception as error:
        if isinstance(error, OSError) and error.filename is None:
            say(f"noref: {reason(error)}")
            code = Exit.STOPPED
        else:
            say("noref: internal error", *traceback.format_exc().splitlines())
            code = Exit.BUG
    lost = streams.flush()
    if code == Exit.OK and "stdout" in lost:
        code = Exit.SOME_FAILED if isinstance(lost["stdout"], BrokenPipeError) else Exit.STOPPED
        if code == Exit.STOPPED:
            say(f"noref: {reason(lost['stdout'])}")
    # A normal exit waits for the photos being scored, and fails if a stream cannot be written.
    if code == Exit.INTERRUPTED or lost:
        os._exit(code)
    sys.exit(code)
