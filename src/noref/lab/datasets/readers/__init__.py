"""Readers of databases, one module each: the card, and a function that reads the published layout.

All modules of this package are imported, which registers their databases.
"""

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
