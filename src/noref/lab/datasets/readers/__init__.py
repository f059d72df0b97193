"""One module a database: its card, and the function that reads its published layout.

Every module here is imported, which registers its databases: a new database is a new module.
"""

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
