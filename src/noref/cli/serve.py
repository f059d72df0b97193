"""`noref serve`: the page and the HTTP service, or the page as a static folder."""

import ipaddress
import os
import re
import socket
from collections.abc import Sequence
from pathlib import Path

import click

import noref
from noref import capacity
from noref.cli.options import (
    AUTOMATIC_JOBS,
    PATH,
    Whole,
    debug_option,
    exact_option,
    max_pixels_option,
    model_option,
    view_option,
)
from noref.cli.output import needing, require_local, say, stop, stops
from noref.scorer import View
from noref.web.limits import DEFAULT, MIB, Limits

MAX_PIXELS = 100_000_000  # in any format, about what a job's memory is reserved for
COUNT = Whole(min=1)


class _HostName(click.ParamType[str]):
    """A name or an address as in the Host header of a request, without scheme and port."""

    name = "host name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text, if it is one."""
        try:
            ipaddress.ip_address(value)
        except ValueError:
            if not re.fullmatch(r"[\w.-]+", value):
                self.fail(f"{value!r} is not a host name; give it without scheme, brackets, port and path.", param, ctx)
        return value


@click.command(short_help="Serve a page and an HTTP API that score photos.")
@click.option("--host", metavar="ADDRESS", default="127.0.0.1", help="Address to listen on.")
@click.option("--port", type=Whole(0, 65535), metavar="N", default=8000, help="Port to listen on; 0 for any free one.")
@click.option(
    "--allow-host",
    type=_HostName(),
    metavar="NAME",
    multiple=True,
    show_default="the names of this machine, or any with another --host",
    help="Also answer to this host name, such as that of a proxy; may be given more than once.",
)
@click.option("--workers", type=COUNT, metavar="N", default=1, help="Processes, each with a model of its own.")
@click.option(
    "--jobs", type=COUNT, metavar="N", show_default=AUTOMATIC_JOBS, help="Photos that each worker scores in parallel."
)
@model_option()
@view_option()
@exact_option
@max_pixels_option(MAX_PIXELS)
@click.option("--max-image", type=COUNT, metavar="MIB", default=DEFAULT.image // MIB, help="Refuse larger files.")
@click.option("--max-upload", type=COUNT, metavar="MIB", default=DEFAULT.upload // MIB, help="Refuse larger requests.")
@click.option("--max-images", type=COUNT, metavar="N", default=DEFAULT.images, help="Images in one request.")
@click.option(
    "--queue",
    type=COUNT,
    metavar="N",
    default=DEFAULT.queue,
    help="Refuse requests while a worker has this many images queued.",
)
@click.option(
    "--timeout",
    type=COUNT,
    metavar="SECONDS",
    default=int(DEFAULT.seconds),
    help="Time for an upload, and again for scoring its images.",
)
@click.option(
    "--export",
    "folder",
    type=PATH,
    metavar="FOLDER",
    help="Instead of serving, write a static folder whose page scores in the browser; only --ort and --model apply.",
)
@click.option("--ort", type=PATH, metavar="FOLDER", help="The npm package onnxruntime-web, unpacked, for --export.")
@debug_option
def serve(
    host: str,
    port: int,
    allow_host: Sequence[str],
    workers: int,
    jobs: int | None,
    model: str,
    view: View,
    exact: bool,
    max_pixels: int,
    max_image: int,
    max_upload: int,
    max_images: int,
    queue: int,
    timeout: int,
    folder: Path | None,
    ort: Path | None,
    debug: bool,
) -> None:
    """Serve a page and an HTTP API that score photos (needs the extra: pip install 'noref[web]').

    By default only this machine can reach it. Nothing is stored, and nothing is sent elsewhere. Ctrl-C ends it when the running
    requests are answered.
    """
    if not host:  # as of a variable that is not set; it would mean every address
        stop("--host is empty; give an address, such as 127.0.0.1 for this machine alone, or 0.0.0.0 for all")
    require_local(model, folder, ort)
    if folder is not None:
        _export(folder, ort, model, debug)
        return
    if ort is not None:
        stop("--ort needs --export, the folder to write")
    with needing("the service", "web"):
        from noref.web import guard, server
    jobs = jobs or max(1, capacity.default_jobs() // workers)
    limits = Limits(max_upload * MIB, max_image * MIB, max_images, queue, timeout)
    with stops(debug):
        scorer = noref.Scorer(model, threads=1, max_pixels=max_pixels, exact=exact, view=view)
        try:
            listener = server.listen(host, port)
        except OSError as error:
            if isinstance(error.__context__, socket.gaierror):
                reason = "the host name cannot be resolved"
            else:
                reason = os.strerror(error.errno) if error.errno else str(error)  # its `strerror` may repeat the address
            stop(f"cannot listen on {host}, port {port} ({reason.lower()}); choose another --port or --host")
        address, number = listener.getsockname()[:2]
        place = f"[{host}]" if ":" in host else host
        say(f"{scorer.card.label} on http://{place}:{number} (Ctrl-C ends it)")
        server.run(listener, scorer, workers, jobs, limits, guard.hosts_for(host, address, allow_host))


def _export(folder: Path, ort: Path | None, model: str, debug: bool) -> None:
    from noref.web.export import export

    if ort is None:
        stop("--export needs --ort, the folder of onnxruntime-web; `npm pack onnxruntime-web` downloads it as an archive")
    with stops(debug):
        export(folder, ort, model)
    say(f"{folder} is ready for any static file server, such as: python -m http.server --bind 127.0.0.1 --directory {folder}")
