"""Hooks of the site's build: the command-line reference is written from the typer applications."""

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

import click
import typer.main

APPLICATIONS = {"noref": "noref.cli", "noref lab": "noref.lab.cli"}
MARK = "<!-- commands -->"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace the mark by a section for each command."""
    return markdown.replace(MARK, "\n".join(reference())) if MARK in markdown else markdown


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command by its full name, groups before what they hold."""
    for name, module in APPLICATIONS.items():
        yield from _below(name, typer.main.get_command(importlib.import_module(module).app))


def _below(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    for child, below in getattr(command, "commands", {}).items():
        if f"{name} {child}" not in APPLICATIONS:  # an application of its own
            yield from _below(f"{name} {child}", below)


def reference() -> Iterator[str]:
    """Markdown: a heading, the usage, the help and a table of the parameters of each command."""
    for name, command in commands():
        with click.Context(command, info_name=name) as context:
            yield f"## {name}\n"
            yield f"```text\n{' '.join([name, *command.collect_usage_pieces(context)])}\n```\n"
            yield _paragraphs(command.help or "")
            rows = [row for parameter in command.params if (row := _row(parameter, context))]
            if rows:
                yield "| parameter | meaning | default |\n| --- | --- | --- |"
                yield "\n".join(rows) + "\n"


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in inspect.cleandoc(text).split("\n\n")) + "\n"


def _row(parameter: click.Parameter, context: click.Context) -> str:
    """One parameter as a row; empty for `--help` and what is hidden."""
    if getattr(parameter, "hidden", False) or parameter.name == "help":
        return ""
    name = parameter.make_metavar(context)
    if isinstance(parameter, click.Option):
        value = "" if parameter.is_flag else f" {name}"
        name = f"{', '.join(parameter.opts)}{value}"
    shown = getattr(parameter, "show_default", None)
    default = shown if isinstance(shown, str) else parameter.default
    if default is None or default in (False, "", ()) or callable(default):
        default = "required" if parameter.required else ""
    default = getattr(default, "value", default)
    if isinstance(default, (list, tuple)):
        default = ", ".join(map(str, default))
    code = f"`{name}`".replace("|", "\\|")
    return f"| {code} | {_line(getattr(parameter, 'help', None))} | {default} |"


def _line(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")
