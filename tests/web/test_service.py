"""What the service answers."""

import base64
import io
import json
import re
import threading
import time

import numpy as np
import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient
from PIL import Image

import noref
from noref.cli.app import app as commands
from noref.web import app, pool
from noref.web.limits import Limits
from pictures import make_scene
from tiny_models import save_model


def files(*contents: tuple[str, bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    return [("images", content) for content in contents]


def metrics(client) -> dict[str, float]:
    lines = client.get("/metrics").text.splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


def error(response) -> str:
    body = response.json()["error"]
    assert body["cause"]
    assert body["cure"]
    return body["kind"]


def test_scores_are_those_of_the_command_line_bit_for_bit(serving, save):
    paths = [save(f"{seed}.{kind}", make_scene(300, 400, seed)) for seed, kind in enumerate(["png", "jpg", "webp", "png"])]
    large = np.asarray(Image.fromarray(make_scene()).resize((4096, 3072)))  # decoded at a reduced size
    paths.append(save("large.jpg", large))
    printed = CliRunner().invoke(commands, ["score", *map(str, paths), "--explain", "--format", "jsonl", "--jobs", "2"]).stdout
    expected = [json.loads(line) for line in printed.splitlines()]
    assert "decoded at 1/4" in expected[-1]["policy"]
    sent = files(*((str(path), path.read_bytes()) for path in paths))
    response = serving(jobs=2).post("/v1/score", files=sent)
    assert response.status_code == 200
    assert response.json()["results"] == expected


def test_one_that_cannot_be_scored_keeps_its_place(serving, photo):
    sent = files(("a.jpg", photo), ("notes.txt", b"Dear Sir"), ("cut.jpg", photo[:900]), ("b.jpg", photo))
    first, second, third, fourth = serving().post("/v1/score", files=sent).json()["results"]
    assert first["score"] == fourth["score"]
    assert second["image"] == "notes.txt"
    assert second["error"]["kind"] == "NotAnImage"
    assert third["error"].keys() == {"kind", "cause", "cure"}


def test_the_map_comes_on_request(serving, scorer, photo):
    client = serving()
    assert "map" not in client.post("/v1/score", files=files(("a.jpg", photo))).json()["results"][0]
    result = client.post("/v1/score?map=true", files=files(("a.jpg", photo))).json()["results"][0]
    expected = scorer.score(photo).map
    grid = np.frombuffer(base64.b64decode(result["map"]["values"]), np.uint8)
    assert np.abs(grid.reshape(result["map"]["height"], result["map"]["width"]) / 2.55 - np.clip(expected, 0, 100)).max() < 0.2
    head, _, data = result["map_png"].partition(",")
    assert head == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as drawing:
        assert drawing.mode == "RGBA"
        assert drawing.width * expected.shape[0] == drawing.height * expected.shape[1]


def test_a_model_without_a_map_has_none_to_return(tmp_path, photo):
    operators = "values = Cast<to = 1>(pixels) mean = ReduceMean<keepdims = 0>(values) score = Reshape(mean, shape)"
    signature = "(uint8[1, H, W, 3] pixels) => (float[1] score)"
    model = save_model(tmp_path / "mean.onnx", signature, operators, "int64[1] shape = {1}")
    with TestClient(app.create(noref.Scorer(model))) as client:
        result = client.post("/v1/score?map=true", files=files(("a.jpg", photo))).json()["results"][0]
    assert result["score"] > 0
    assert result["map"] is None
    assert result["map_png"] is None


def test_a_bug_does_not_show_its_traceback_to_the_client(serving, photo, monkeypatch, caplog):
    def broken(self, photo):
        raise ZeroDivisionError("/secret/path")

    client = serving()
    monkeypatch.setattr(noref.Scorer, "assess", broken)
    response = client.post("/v1/score", files=files(("a.jpg", photo)))
    assert response.json()["results"][0]["error"]["kind"] == "InternalError"
    assert "secret" not in response.text
    assert "/secret/path" in caplog.text


def test_the_card_of_the_model(serving, scorer):
    (card,) = serving().get("/v1/models").json()["models"]
    assert (card["name"], card["version"], card["sha256"]) == (scorer.card.name, scorer.card.version, scorer.card.sha256)


def test_it_is_healthy_when_it_has_started(serving):
    assert serving().get("/healthz").json() == {"status": "ok"}
    assert [serving().head(path).status_code for path in ("/healthz", "/")] == [200, 200]


def test_requests_images_and_failures_are_counted(serving, photo):
    client = serving(limits=Limits(images=2))
    client.post("/v1/score", files=files(("a.jpg", photo), ("b.txt", b"text")))
    client.post("/v1/score", files=files(*[("a.jpg", photo)] * 3))
    client.get("/page/nowhere")
    client.get("/elsewhere/7")
    found = metrics(client)
    assert found['noref_requests_total{path="/v1/score",status="200"}'] == 1
    assert found['noref_requests_total{path="/v1/score",status="413"}'] == 1
    assert found['noref_requests_total{path="/page",status="404"}'] == 1
    assert found['noref_requests_total{path="other",status="404"}'] == 1
    assert found['noref_requests_refused_total{kind="TooManyImages"}'] == 1
    assert found["noref_images_scored_total"] == 1
    assert found['noref_images_failed_total{kind="NotAnImage"}'] == 1
    assert found["noref_image_seconds_count"] == 2
    assert found['noref_request_seconds_count{path="/v1/score"}'] == 2
    assert found["noref_requests_in_progress"] == 1  # the one that reads them
    assert found["noref_queue_images"] == 0
    assert found["noref_received_bytes_total"] > 2 * len(photo)


def test_the_documents_of_the_api_load_nothing_from_elsewhere(serving):
    client = serving()
    page = client.get("/docs").text
    assert "POST /v1/score" in page
    assert "images" in page
    assert not re.search(r"//|<script|@import", page)
    assert client.get("/redoc").status_code == 404
    form = client.get("/openapi.json").json()["paths"]["/v1/score"]["post"]["requestBody"]["content"]
    assert list(form) == ["multipart/form-data"]


def test_the_environment_cannot_turn_telemetry_on(serving, monkeypatch, caplog):
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://unusable")  # FastAPI would warn of it
    assert serving().get("/healthz").status_code == 200
    assert not caplog.records


def test_the_page_is_served_and_nothing_beside_it(serving):
    client = serving()
    assert client.get("/").headers["content-type"].startswith("text/html")
    assert client.get("/page/index.html").text == client.get("/").text
    assert error(client.get("/page/%2e%2e/app.py")) == "NotFound"
    assert error(client.get("/page/../../errors.py")) == "NotFound"


def test_a_full_queue_answers_429_with_the_time_to_wait(serving, photo):
    response = serving(limits=Limits(queue=0)).post("/v1/score", files=files(("a.jpg", photo)))
    assert response.status_code == 429
    assert error(response) == "QueueFull"
    assert int(response.headers["retry-after"]) >= 1


def test_scoring_that_takes_too_long_answers_503(serving, photo, monkeypatch):
    over = threading.Event()
    client = serving(limits=Limits(seconds=0.05))
    monkeypatch.setattr(pool, "answer", lambda *_: over.wait(30))
    response = client.post("/v1/score", files=files(("a.jpg", photo)))
    assert response.status_code == 503
    assert error(response) == "TimeOver"
    assert "retry-after" in response.headers
    assert metrics(client)["noref_queue_images"] == 1  # its thread still works
    over.set()
    deadline = time.monotonic() + 20
    while metrics(client)["noref_queue_images"]:
        assert time.monotonic() < deadline


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/none", 404), ("GET", "/v1/score", 405)])
def test_errors_of_every_kind_have_one_form(serving, method, path, status):
    response = serving().request(method, path)
    assert response.status_code == status
    error(response)
    assert response.headers.get("allow") == ("POST" if status == 405 else None)


@pytest.mark.parametrize(("query", "cause"), [("map=maybe", "query map: Input"), ("Map=true", "unknown parameter 'Map'")])
def test_an_invalid_or_unknown_parameter_is_named(serving, photo, query, cause):
    response = serving().post(f"/v1/score?{query}", files=files(("a.jpg", photo)))
    assert response.status_code == 422
    assert cause in response.json()["error"]["cause"]
