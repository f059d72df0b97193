"""Errors of the laboratory: a `LabError` is one that the user can fix; any other exception is a bug in noref.

Functions raise ValueError, KeyError and the like if their caller violates a precondition. These are never user errors, and
`noref lab` prints their traceback.
"""

from noref.errors import NorefError


class LabError(NorefError):
    """A recipe, setting, database, weights file or results folder cannot be used; the message names it, cause and cure."""
