"""Who is let in, and what is taken in, by a real server: forged hosts, origins, cookies, ids, names, sizes."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from serving import Serving, jpeg, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("web")) as running:
        yield running


def port(server: Serving) -> int:
    return urlsplit(server.base).port or 0


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.168.1.1", "a@localhost", "", "[::1"])
def test_a_forged_host_is_refused(server: Serving, host: str) -> None:
    for path in ("/", "/api/photos", "/static/index.html", f"/?token={server.token}"):
        answer = server.client.get(path, headers={"Host": host})
        assert answer.status_code in (400, 403)
        assert "set-cookie" not in answer.headers


def test_own_names_are_known(server: Serving) -> None:
    for name in ("localhost", "127.0.0.1", "LOCALHOST", "[::1]"):
        assert server.client.get("/api/photos", headers={"Host": f"{name}:{port(server)}"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_what_other_sites_send_changes_nothing(server: Serving, headers: dict[str, str]) -> None:
    before = server.photos()
    sent = [
        server.client.put("/api/photos", params={"name": "a.jpg"}, content=jpeg(), headers=headers),
        server.client.delete("/api/photos", headers=headers),
        server.client.post("/api/cancel", headers=headers),
    ]
    assert {answer.status_code for answer in sent} == {403}
    assert server.photos() == before


def test_the_own_page_may_send(server: Serving) -> None:
    for headers in ({"Origin": server.base}, {"Sec-Fetch-Site": "same-origin"}):
        assert server.client.post("/api/cancel", headers=headers).status_code == 204


def test_the_token_becomes_a_strict_cookie(server: Serving) -> None:
    with httpx.Client(base_url=server.base) as stranger:
        assert stranger.get("/").status_code == 401
        assert "restorect web" in stranger.get("/").text
        assert stranger.get("/", params={"token": "x" * 43}).status_code == 401
        for path in ("/api/photos", "/static/index.html", "/openapi.json", "/api/events"):
            answer = stranger.get(path)
            assert answer.status_code == 401
            assert answer.headers["content-type"] == "application/problem+json"
        answer = stranger.get("/", params={"token": server.token})
        assert answer.status_code == 303
        assert answer.headers["location"] == "/"
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert server.token.lower() not in cookie
        assert stranger.get("/api/photos").status_code == 200
        name = cookie.partition("=")[0]
    for forged in ("0" * 64, server.token, "", "é"):
        answer = httpx.get(f"{server.base}/api/photos", headers={"Cookie": f"{name}={forged}".encode()})
        assert answer.status_code == 401


def test_answers_carry_the_rules_of_the_page(server: Serving) -> None:
    for path in ("/", "/api/photos", "/nowhere"):
        headers = server.client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'self';")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("id", ["0" * 32, "..", "..%2f..%2ftoken", "A" * 32, "0" * 31, "%00"])
def test_forged_ids_lead_nowhere(server: Serving, id: str) -> None:
    for path in (f"/api/photos/{id}", f"/api/photos/{id}/files/0", f"/api/photos/{id}/pictures/1/tiles/0/0/0"):
        assert server.client.get(path).status_code in (200, 404, 422)
        assert server.token not in server.client.get(path).text
    assert server.client.get(f"/api/photos/{id}/files/0").status_code in (404, 422)


@pytest.mark.parametrize("path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/app.py"])
def test_only_files_of_the_page_are_served(server: Serving, path: str) -> None:
    with socket.create_connection(("127.0.0.1", port(server))) as raw:
        head = f"Host: localhost\r\nAuthorization: Bearer {server.token}\r\nConnection: close\r\n\r\n"
        raw.sendall(f"GET {path} HTTP/1.1\r\n{head}".encode())
        answer = raw.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"def make_app" not in answer


def test_what_is_no_photo_is_refused(server: Serving) -> None:
    for content, words in ((b"hello", "looks like text"), (b"%PDF-1.7" * 20000, "a PDF"), (b"", "empty")):
        answer = server.client.put("/api/photos", params={"name": "a.jpg"}, content=content)
        assert answer.status_code == 415
        assert words in answer.json()["detail"]
        assert answer.headers["content-type"] == "application/problem+json"
    assert server.client.put("/api/photos", content=jpeg()).status_code == 422
    assert server.client.put("/api/photos", params={"name": "../.."}, content=jpeg()).status_code == 422
    assert server.photos() == []


def test_what_is_too_large_is_refused_before_it_is_sent(server: Serving) -> None:
    limit = server.client.get("/api/about").json()["most"]["bytes"]
    head = (
        f"PUT /api/photos?name=a.jpg HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.token}\r\n"
        f"Content-Length: {limit + 1}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port(server))) as raw:
        raw.sendall(head.encode())
        assert raw.recv(100).startswith(b"HTTP/1.1 413")


def test_an_upload_that_is_cut_off_leaves_nothing(server: Serving) -> None:
    head = (
        f"PUT /api/photos?name=a.jpg HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.token}\r\n"
        "Content-Length: 100000\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port(server))) as raw:
        raw.sendall(head.encode() + jpeg())
    assert server.photos() == []
    state = server.log.parent / "state"
    while any(state.rglob("photo")):
        pass


def test_what_the_page_loads_is_sent_small(server: Serving) -> None:
    with server.client.stream("GET", "/static/vendor/openseadragon.min.js") as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert sum(map(len, answer.iter_raw())) < 120_000


def test_a_hundred_uploads_at_once(server: Serving) -> None:
    def send(number: int) -> tuple[int, str]:
        answer = server.client.put("/api/photos", params={"name": f"{number}.jpg"}, content=jpeg(number))
        return answer.status_code, answer.headers.get("retry-after", "")

    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(send, range(100)))
    assert {status for status, _ in answers} <= {201, 503}
    assert all(after for status, after in answers if status == 503)
    taken = sum(status == 201 for status, _ in answers)
    assert len(server.photos()) == taken >= 1
    server.client.delete("/api/photos").raise_for_status()


def test_behind_a_proxy(tmp_path: Path) -> None:
    with serving(tmp_path, "--root-path", "/photos/") as server:
        assert server.client.get("/api/photos").status_code == 200
        answer = httpx.get(server.base, params={"token": server.token})
        assert answer.headers["location"] == "/photos/"
        assert "path=/photos/" in answer.headers["set-cookie"].lower()
