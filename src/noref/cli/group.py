"""What the groups of commands have in common."""

from typing import Any

import click

CONTEXT: dict[str, Any] = {"help_option_names": ["-h", "--help"], "show_default": True}
"""Settings of `noref`, which hold for the commands below it, too."""


class Commands(click.Group):
    """A group whose help lists its commands in the order in which they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands."""
        return [*self.commands]
