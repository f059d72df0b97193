"""Write the command-line reference, docs/reference/cli.md, from the commands themselves: `python tools/cli_reference.py`."""

from collections.abc import Iterator
from pathlib import Path

import click

from noref.cli import Exit
from noref.cli.app import app
from noref.cli.group import CONTEXT

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "cli.md"
WIDTH = 90  # columns of the help texts

INTRODUCTION = """\
# Command line

`noref score` predicts scores; `noref results`, `noref threshold` and `noref report` read the file in which it kept them.
`noref compare` compares systems by the scores of the same pictures, `noref serve` is the page and HTTP service, `noref models`
describes the models that ship, and `noref lab` trains, evaluates and exports methods. Results go to standard
output, everything else to standard error. Below is the output of `--help` of every command.
"""

EXIT_CODES = """\
## Exit codes

All commands but `noref lab` return the highest code that applies. `noref serve`, which runs until it is interrupted, then
returns 0.

| code | meaning |
| --- | --- |
{rows}

A closed standard input counts as an empty list; output to a closed stream is dropped.

`noref lab` returns 0 for success, 1 for success with some failed images or output that its reader closed, 2 for wrong usage
(one line names the cause and the cure), 3 for a bug in noref, whose traceback is printed, and 130 when it is interrupted.
`--debug` prints the traceback of every error; in the laboratory it precedes the command (`noref lab --debug train ...`).

## Shell completion

`eval "$(_NOREF_COMPLETE=bash_source noref)"` in `~/.bashrc` completes commands, options, models and paths; for other shells,
replace `bash` by `zsh` or `fish`, as in [click's guide](https://click.palletsprojects.com/en/stable/shell-completion/).
"""


def commands(name: str = "noref", command: click.Command = app) -> Iterator[tuple[str, click.Command]]:
    """Every command by its full name; a group precedes its commands."""
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for child in command.list_commands(context):
            if below := command.get_command(context, child):
                yield from commands(f"{name} {child}", below)


def page() -> str:
    """The whole page as Markdown."""
    sections = []
    for name, command in commands():
        width = {"terminal_width": WIDTH, "max_content_width": WIDTH}
        context = command.context_class(command, info_name=name, **width, **CONTEXT)
        lines = [line.rstrip() for line in command.get_help(context).splitlines()]
        sections.append("\n".join([f"## {name}", "", "```text", *lines, "```", ""]))
    rows = "\n".join(f"| {code:d} | {code.meaning} |" for code in Exit)
    return "\n".join([INTRODUCTION, *sections, EXIT_CODES.format(rows=rows)])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
