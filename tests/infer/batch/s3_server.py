"""A real S3 API on loopback (moto's server), in this process, that fails where it is told to."""

import threading
from collections import Counter
from collections.abc import Iterator

_DENIED = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>no</Message></Error>"
_SLOW_DOWN = b"<?xml version='1.0'?><Error><Code>ServiceUnavailable</Code><Message>later</Message></Error>"
ACCOUNT = "123456789012"


class Faulty:
    """Keys that hold `flaky` fail once each, `broken` always, `stuck` answers late; the bucket `closed` is denied.

    Attributes:
        asked: requests by method.
        closed: set when nobody waits any more.
    """

    def __init__(self) -> None:
        from moto.server import DomainDispatcherApplication, create_backend_app

        self.closed = threading.Event()
        self.asked, self._seen = Counter[str](), Counter[tuple[str, str]]()
        self._app, self._guard = DomainDispatcherApplication(create_backend_app), threading.Lock()

    def __call__(self, environment, start) -> Iterator[bytes]:
        path, method = environment["PATH_INFO"], environment["REQUEST_METHOD"]
        with self._guard:
            self.asked[method] += 1
            self._seen[method, path] += 1
            first = self._seen[method, path] == 1
        if path.startswith("/closed"):
            return self._refused(start, "403 Forbidden", _DENIED if method != "HEAD" else b"")
        if "broken" in path or ("flaky" in path and first):
            return self._refused(start, "503 Service Unavailable", _SLOW_DOWN if method != "HEAD" else b"")
        if "stuck" in path:
            self.closed.wait(60)
        return self._app(environment, start)

    @staticmethod
    def _refused(start, status: str, body: bytes) -> list[bytes]:
        start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
        return [body]


class Store:
    """The server, and what lies in it.

    Attributes:
        faulty: what it is asked.
        port: on loopback.
    """

    def __init__(self) -> None:
        from werkzeug.serving import WSGIRequestHandler, make_server

        class Quiet(WSGIRequestHandler):
            def log(self, *_arguments: object) -> None:
                pass

        self.faulty = Faulty()
        self._server = make_server("127.0.0.1", 0, self.faulty, threaded=True, request_handler=Quiet)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.backend.create_bucket("photos", "us-east-1")

    @property
    def backend(self):
        from moto.s3.models import s3_backends

        return s3_backends[ACCOUNT]["aws"]

    def put(self, key: str, data: bytes, **values: object) -> None:
        self.backend.put_object("photos", key, data, **values)

    def get(self, key: str) -> bytes:
        return self.backend.get_object("photos", key).value

    def keys(self, prefix: str) -> list[str]:
        return sorted(name for name in self.backend.get_bucket("photos").keys if name.startswith(prefix))

    def remove(self, key: str) -> None:
        self.backend.delete_object("photos", key)

    def close(self) -> None:
        self.faulty.closed.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
