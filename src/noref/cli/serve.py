"""`noref serve`: the page and the HTTP service, or the page as a static folder."""

import os
import socket
from pathlib import Path
from typing import Annotated

import typer

import noref
from noref import capacity, card
from noref.cli.options import DEFAULT_VIEW, DebugOption, ExactOption, MaxPixelsOption, ModelOption, ViewOption
from noref.cli.output import needing, require_local, say, stop, stops
from noref.web.limits import DEFAULT, MIB, Limits

MAX_PIXELS = 100_000_000  # in any format, about what a job's memory is reserved for


def serve(
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0 for any free one.")] = 8000,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-host",
            metavar="NAME",
            help="Also answer to this host name, such as that of a proxy; may be given more than once.",
            show_default="the names of this machine, or any with another --host",
        ),
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes, each with a model of its own.")] = 1,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", min=1, help="Photos that each worker scores in parallel.", show_default="as processors and memory allow"
        ),
    ] = None,
    model: ModelOption = card.DEFAULT,
    view: ViewOption = DEFAULT_VIEW,
    exact: ExactOption = False,
    max_pixels: MaxPixelsOption = MAX_PIXELS,
    max_image: Annotated[
        int,
        typer.Option("--max-image", min=1, metavar="MIB", help="Refuse larger files."),
    ] = DEFAULT.image // MIB,
    max_upload: Annotated[
        int, typer.Option("--max-upload", min=1, metavar="MIB", help="Refuse larger requests.")
    ] = DEFAULT.upload // MIB,
    max_images: Annotated[
        int, typer.Option("--max-images", min=1, metavar="N", help="Images in one request.")
    ] = DEFAULT.images,
    queue: Annotated[
        int, typer.Option("--queue", min=1, metavar="N", help="Refuse requests while a worker has this many images queued.")
    ] = DEFAULT.queue,
    timeout: Annotated[
        int,
        typer.Option("--timeout", min=1, metavar="SECONDS", help="Time for an upload, and again for scoring its images."),
    ] = int(DEFAULT.seconds),
    folder: Annotated[
        Path | None,
        typer.Option(
            "--export",
            metavar="FOLDER",
            help="Instead of serving, write a static folder whose page scores in the browser; only --ort and --model apply.",
        ),
    ] = None,
    ort: Annotated[
        Path | None,
        typer.Option("--ort", metavar="FOLDER", help="The npm package onnxruntime-web, unpacked, for --export."),
    ] = None,
    debug: DebugOption = False,
) -> None:
    """Serve a page and an HTTP API that score photos (needs the extra: pip install 'noref[web]').

    By default only this machine can reach it. Nothing is stored, and nothing is sent elsewhere. Ctrl-C ends it when the running
    requests are answered.
    """
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
        scorer = noref.Scorer(model, threads=1, max_pixels=max_pixels, exact=exact, view=view.value)
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
        server.run(listener, scorer, workers, jobs, limits, guard.hosts_for(host, address, allow_host or []))


def _export(folder: Path, ort: Path | None, model: str, debug: bool) -> None:
    from noref.web.export import export

    if ort is None:
        stop("--export needs --ort, the folder of onnxruntime-web; `npm pack onnxruntime-web` downloads it as an archive")
    with stops(debug):
        export(folder, ort, model)
    say(f"{folder} is ready for any static file server, such as: python -m http.server --bind 127.0.0.1 --directory {folder}")
