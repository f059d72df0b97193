"""The laboratory's errors: what the user can fix is a `LabError`; anything else that is raised is a bug in noref.

Functions raise ValueError, KeyError and the like where their caller breaks a precondition. These are never user errors, and
`noref lab` shows their traceback.
"""

from noref.errors import NorefError


class LabError(NorefError):
    """A recipe, setting, database, weights file or results folder cannot be used; the message names it and says what to do."""
