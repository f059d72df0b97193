"""All commands of `noref`, and how the program ends."""

import importlib
import os
import sys
import traceback

import click

import noref
from noref import streams
from noref.cli.group import CONTEXT, Commands
from noref.cli.output import Exit, reason, say

COMMANDS = ("score", "results", "compare", "threshold", "report", "models", "serve")
"""Commands that are imported when they are called, each from a module of its name; the help lists them in this order."""


class _Noref(Commands):
    """The commands of `COMMANDS` and those that are added."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(importlib.import_module(f"noref.cli.{cmd_name}"), cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:  # which the command did not end by; click would end with 1
            say("noref: interrupted")
            raise click.exceptions.Exit(Exit.INTERRUPTED) from None


@click.group(
    cls=_Noref,
    help="Predict how good photos look, without a reference. Scores run from 0 to 100; higher is better.",
    context_settings=CONTEXT,
)
@click.version_option(noref.__version__, message="noref %(version)s", help="Print the version and stop.")
def app() -> None:
    """All commands."""


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    help="Train, evaluate and export methods (needs the extra: pip install 'noref[lab]').",
    short_help="Train, evaluate and export methods.",
)
@click.pass_context
def lab(context: click.Context) -> None:
    # By name, so that the runtime does not depend on the laboratory.
    commands = importlib.import_module("noref.lab.cli.app")
    commands.app(context.args, prog_name="noref lab")


def main() -> None:
    """The command `noref`."""
    streams.prepare()
    try:
        app()
        code: int = Exit.OK
    except SystemExit as end:  # how click ends
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
