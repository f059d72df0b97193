"""The HTTP service behind `noref serve`; it needs the extra: pip install 'noref[web]'."""

from pathlib import Path

PAGE = Path(__file__).with_name("page")
"""The folder of the page; index.html is served at /, everything below /page."""
