"""The laboratory's errors: what the user can fix is a `LabError`; anything else that is raised is a bug in noref.

ValueError, KeyError and the like stay what functions raise where their caller breaks a precondition. They are never user errors,
so `noref lab` lets them surface with their traceback.
"""

from noref.errors import NorefError


class LabError(NorefError):
    """A recipe, setting, database, weights file or results folder cannot be used; the message names it and says what to do."""
