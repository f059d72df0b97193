"""HTML files that need no other and open no connection."""

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

import noref
from noref.drafts import draft
from noref.report.embedding import shown


def write(template: str, path: Path, styles: Sequence[str], scripts: Sequence[str] = (), **values: object) -> None:
    """Fill a template and write it as a file, which appears when it is complete.

    Args:
        template: Name of the template, which extends `base.html.j2`.
        path: Of the HTML file; replaced if there is one.
        styles: Names of its style sheets.
        scripts: Names of the parts of its script, in the order in which they are joined.
        values: What the template states.

    Raises:
        OSError: The file cannot be written.
    """
    style, script = "".join(map(_asset, styles)), "".join(map(_asset, scripts))
    rules = ["default-src 'none'", "img-src data:", f"style-src '{_digest(style)}'"]
    rules += [f"script-src '{_digest(script)}'"] if script else []
    rules += ["base-uri 'none'", "form-action 'none'"]
    page = _environment().get_template(template)
    parts = page.stream(version=noref.__version__, rules=rules, style=style, script=script, **values)
    with draft(path) as file, file.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(parts)


def _asset(name: str) -> str:
    return resources.files("noref.report").joinpath("template").joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("noref.report", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"thousands": "{:,}".format, "shown": shown}
    return environment
