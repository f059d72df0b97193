"""The application: routes, and how a request for scores runs."""

import asyncio
import contextlib
import mimetypes
from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, Field

import noref
from noref.scorer import Scorer
from noref.web import PAGE, reference, uploads
from noref.web.guard import HEADERS, Guard
from noref.web.limits import DEFAULT, Limits, Refused
from noref.web.metrics import Measured, Metrics
from noref.web.pool import Pool

# FastAPI would send OpenTelemetry data if variables of the environment request it.
_OFF: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}

mimetypes.add_type("text/javascript", ".js")  # whatever the registry of Windows holds


class Parameters(BaseModel, extra="forbid"):
    """The query of a request for scores."""

    map: Annotated[bool, Field(description="Also return the quality map.")] = False


def create(scorer: Scorer, jobs: int = 1, limits: Limits = DEFAULT, hosts: frozenset[str] | None = None) -> FastAPI:
    """The application of one worker.

    Args:
        scorer: Scores the images; build it with `threads=1` if `jobs` is above 1.
        jobs: Images scored at a time.
        limits: What is accepted.
        hosts: Host names under which it answers; None for any.
    """
    metrics = Metrics()
    pool = Pool(scorer, jobs, limits, metrics)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await pool.warm_up()
        yield
        pool.close()

    app = FastAPI(
        title="noref",
        version=noref.__version__,
        description="Predicts how good photos look, without a reference: score, defects and quality map.",
        docs_url=None,  # FastAPI's own pages load scripts from another server
        redoc_url=None,
        redirect_slashes=False,
        telemetry=_OFF,
        lifespan=lifespan,
    )
    app.add_middleware(Guard, hosts=hosts, metrics=metrics)
    app.add_middleware(Measured, metrics=metrics)
    _answer_errors(app, metrics)
    _add_api(app, pool)
    _add_pages(app)
    return app


def _add_api(app: FastAPI, pool: Pool) -> None:
    """The routes for programs, which `/docs` describes."""
    limits = pool.limits

    @app.post("/v1/score", summary="Score images", responses=reference.ANSWERS, openapi_extra=reference.FORM)
    async def score(request: Request, parameters: Annotated[Parameters, Query()]) -> Response:
        """The results come in the order of the images; the map as a grid of 8 bits and as a transparent PNG overlay.

        An image that cannot be scored has `error` instead of a score.
        """
        pool.check()
        with pool.holding() as hold:
            images = await _within(limits.seconds, uploads.receive(request, limits, hold))
            found = await _while_connected(request, limits.seconds, pool.score(images, parameters.map))
        return JSONResponse({"results": found})

    @app.get("/v1/models", summary="The model that scores, with its card")
    async def models() -> Response:
        return JSONResponse({"models": [asdict(pool.scorer.card)]})

    @app.head("/healthz", include_in_schema=False)
    @app.get("/healthz", summary="Whether the service is ready")
    async def healthz() -> Response:
        return JSONResponse({"status": "ok"})

    @app.get("/metrics", summary="Measurements for Prometheus", response_class=Response)
    async def exposition() -> Response:
        return Response(pool.metrics.exposition(), media_type=CONTENT_TYPE_LATEST)


def _add_pages(app: FastAPI) -> None:
    """The routes for browsers."""

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(reference.page(app.openapi()))

    @app.head("/", include_in_schema=False)
    @app.get("/", include_in_schema=False)
    async def index() -> Response:
        return FileResponse(PAGE / "index.html")

    app.mount("/page", StaticFiles(directory=PAGE))


async def _within(seconds: float, body: Awaitable[list[uploads.Upload]]) -> list[uploads.Upload]:
    try:
        return await asyncio.wait_for(body, seconds)
    except asyncio.TimeoutError:
        cause = f"the upload took longer than {seconds:g} s"
        raise Refused(408, "UploadTooSlow", cause, "send fewer images at a time") from None


async def _while_connected(request: Request, seconds: float, scoring: Awaitable[Any]) -> Any:
    """What `scoring` returns. It is cancelled, and what waits is dropped, when the client closes the connection.

    Raises:
        Refused: The client has closed the connection, or the time is over.
    """
    work, gone = asyncio.ensure_future(scoring), asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({work, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return work.result()
        if gone.done():
            raise Refused(499, "ClientGone", "the client closed the connection", "send the request again")
        raise Refused(503, "TimeOver", f"scoring took longer than {seconds:g} s", "send fewer images at a time, or later", 10)
    finally:
        work.cancel()
        gone.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _invalid(error: Mapping[str, Any]) -> str:
    """What is wrong with a parameter of a query, from pydantic's description."""
    place, name = error["loc"][0], ".".join(map(str, error["loc"][1:]))
    return f"unknown parameter {name!r}" if error["type"] == "extra_forbidden" else f"{place} {name}: {error['msg']}"


def _answer_errors(app: FastAPI, metrics: Metrics) -> None:
    """Give every error the same form: kind, cause and cure."""

    def refuse(refusal: Refused) -> Response:
        metrics.refused.labels(refusal.kind).inc()
        return JSONResponse(refusal.content, refusal.status, headers=refusal.headers)

    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> Response:
        return refuse(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        return refuse(Refused(422, "InvalidParameter", "; ".join(map(_invalid, error.errors())), "see /docs"))

    @app.exception_handler(404)
    async def not_found(request: Request, _: Exception) -> Response:
        return refuse(Refused(404, "NotFound", f"there is no {request.url.path}", "see /docs"))

    @app.exception_handler(405)
    async def not_allowed(request: Request, error: Exception) -> Response:
        cause = f"{request.url.path} does not accept {request.method}"
        response = refuse(Refused(405, "MethodNotAllowed", cause, "see /docs"))
        response.headers.update(getattr(error, "headers", None) or {})  # the methods that it accepts
        return response

    @app.exception_handler(Exception)
    async def failed(_: Request, __: Exception) -> Response:  # its traceback is in the log
        response = refuse(Refused(500, "InternalError", "internal error", "please report it with the log of the service"))
        response.headers.update(HEADERS)  # Starlette sends it past all middleware
        return response
