"""All commands of `noref`, and how the program ends."""

import contextlib
import os
import pkgutil
import sys
import traceback
from collections.abc import Iterator
from typing import Any

import click

import noref
from noref import drafts, streams
from noref.cli.group import CONTEXT
from noref.cli.output import Exit, reason, say
from noref.printing import printable

COMMANDS = {
    "score": "noref.cli.score:score",
    "results": "noref.cli.results:results",
    "compare": "noref.cli.compare:compare",
    "threshold": "noref.cli.threshold:threshold",
    "report": "noref.cli.report:report",
    "models": "noref.cli.models:models",
    "serve": "noref.cli.serve:serve",
    "lab": "noref.lab.cli.app:app",
}
"""Where each command is, in the order of the help. It is imported when it is called, so that the others cost no time."""


class _Noref(click.Group):
    """The commands of `COMMANDS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command: click.Command | None = pkgutil.resolve_name(COMMANDS[cmd_name]) if cmd_name in COMMANDS else None
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not ctx.resilient_parsing:  # click would suggest added commands only
            raise click.exceptions.NoSuchCommand(args[0], possibilities=COMMANDS, ctx=ctx)
        return super().resolve_command(ctx, args)

    def make_context(self, *args: Any, **options: Any) -> click.Context:
        with _endings():
            return super().make_context(*args, **options)

    def invoke(self, ctx: click.Context) -> object:
        with _endings():
            return super().invoke(ctx)


@contextlib.contextmanager
def _endings() -> Iterator[None]:
    """Escape what arguments hold in messages about them, and end with `Exit.INTERRUPTED` where click would end with 1."""
    try:
        yield
    except click.UsageError as error:
        if type(error) is not click.UsageError:  # its subclasses escape what they quote
            raise
        raise click.UsageError(printable(error.message), error.ctx) from None
    except BaseException as error:
        if not _is_interrupt(error):
            raise
        say("noref: interrupted")
        raise click.exceptions.Exit(Exit.INTERRUPTED) from None


def _is_interrupt(error: BaseException | None) -> bool:
    """Whether Ctrl-C is the cause; a compiled module that is being imported turns it into an error of its own."""
    return error is not None and (isinstance(error, KeyboardInterrupt) or _is_interrupt(error.__cause__))


@click.group(
    name="noref",
    cls=_Noref,
    help="Predict how good photos look, without a reference. Scores run from 0 to 100; higher is better.",
    context_settings=CONTEXT,
)
@click.version_option(noref.__version__, message="noref %(version)s", help="Print the version and stop.")
def app() -> None:
    """All commands."""


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
        drafts.discard()
        os._exit(code)
    sys.exit(code)
