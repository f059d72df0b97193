"""Who may reach the service."""

import pytest

from noref.web import app
from noref.web.guard import HEADERS, hosts_for


@pytest.fixture
def local(serving):
    return serving(hosts=hosts_for("127.0.0.1", "127.0.0.1", ["photos.example.org"]))


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000", "photos.example.org"])
def test_names_of_this_machine_are_answered(local, host):
    assert local.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["attacker.example", "localhost.attacker.example", "127.0.0.1.attacker.example", "", "[::1"])
@pytest.mark.parametrize("path", ["/healthz", "/", "/v1/models"])
def test_other_names_are_refused(local, host, path):
    response = local.get(path, headers={"host": host})
    assert response.status_code == 403
    assert response.json()["error"]["kind"] == "UnknownHost"


@pytest.mark.parametrize("origin", ["http://attacker.example", "null", "http://localhost:3000", "https://localhost.example"])
def test_pages_of_other_origins_cannot_send_requests(local, photo, origin):
    headers = {"host": "localhost:8000", "origin": origin}
    response = local.post("/v1/score", files={"images": ("a.jpg", photo)}, headers=headers)
    assert response.status_code == 403
    assert response.json()["error"]["kind"] == "OtherOrigin"
    refused = 'noref_requests_refused_total{kind="OtherOrigin"} 1.0'
    assert refused in local.get("/metrics", headers={"host": "localhost"}).text


def test_its_own_page_can(local, photo):
    headers = {"host": "localhost:8000", "origin": "http://localhost:8000"}
    assert local.post("/v1/score", files={"images": ("a.jpg", photo)}, headers=headers).status_code == 200


def test_an_internal_error_has_the_headers_of_every_answer(local, monkeypatch):
    monkeypatch.setattr(app, "asdict", lambda _: 1 / 0)
    response = local.get("/v1/models", headers={"host": "localhost"})
    assert response.status_code == 500
    assert response.json()["error"]["kind"] == "InternalError"
    assert {name: response.headers[name] for name in HEADERS} == HEADERS


def test_no_other_origin_may_read_an_answer(local):
    asked = {"host": "localhost", "origin": "http://attacker.example", "access-control-request-method": "POST"}
    for response in (local.options("/v1/score", headers=asked), local.get("/healthz", headers={"host": "localhost"})):
        assert not [name for name in response.headers if name.startswith("access-control")]
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'self'" in response.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("given", "bound", "named", "expected"),
    [
        ("localhost", "127.0.0.1", [], set()),
        ("LOCALHOST", "127.0.0.1", [], set()),
        ("127.1", "127.0.0.1", [], {"127.1"}),
        ("Desk", "127.0.1.1", [], {"desk", "127.0.1.1"}),
        ("127.0.0.2", "127.0.0.2", [], {"127.0.0.2"}),
        ("::ffff:127.0.0.1", "::ffff:127.0.0.1", [], {"::ffff:127.0.0.1"}),
        ("::1", "::1", ["Photos.Example"], {"photos.example"}),
    ],
)
def test_on_the_loopback_interface_only_names_of_this_machine_are_answered(given, bound, named, expected):
    assert hosts_for(given, bound, named) == {"localhost", "127.0.0.1", "::1", *expected}


@pytest.mark.parametrize(
    ("given", "bound", "named", "expected"),
    [
        ("0.0.0.0", "0.0.0.0", [], None),
        ("::", "::", [], None),
        ("192.0.2.1", "192.0.2.1", ["photos.example"], {"192.0.2.1", "photos.example"}),
        ("MyHost", "192.0.2.1", ["Proxy"], {"myhost", "proxy"}),
    ],
)
def test_elsewhere_the_given_names_are_answered(given, bound, named, expected):
    assert hosts_for(given, bound, named) == expected
