"""Batches from and to Google's and Azure's stores: emulators on loopback, where they are installed.

`pip install gcsfs adlfs`, and on the PATH `fake-gcs-server` and `azurite-blob` (`npm install azurite`).
"""

import json
import logging
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from batch_fakes import FakeRestorer, inverted, settings_of

from restorect.cli.restore_plan import place_of
from restorect.infer.batch import BusyError, Naming, OutputError, Plan, Summary, plan_batch, run_batch
from restorect.infer.batch.bucket import held
from restorect.infer.batch.part import WHOLE
from restorect.infer.batch.remote import list_objects

fsspec = pytest.importorskip("fsspec")
NAMING = Naming(task="low-light", size="fake", settings=settings_of())
NAMES = [f"{n % 3}/{n:02d}.fake" for n in range(20)]
AZURE = "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={};BlobEndpoint={};"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="  # of all emulators


class Closed(BaseHTTPRequestHandler):
    """A store that lets nobody."""

    def do_GET(self) -> None:
        body = json.dumps({"error": {"code": 403, "message": "no s3cr3t"}}).encode()
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else body)

    do_POST = do_PUT = do_HEAD = do_DELETE = do_GET  # noqa: N815

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def closed() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Closed)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class Store:
    """An emulator, and how this process is led to it, or to another address."""

    def __init__(self, kind: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        pytest.importorskip({"gs": "gcsfs", "az": "adlfs"}[kind])
        program = {"gs": "fake-gcs-server", "az": "azurite-blob"}[kind]
        found = shutil.which(program)
        if found is None:
            pytest.skip(f"{program} is not installed")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        options = {
            "gs": f"-scheme http -backend memory -host 127.0.0.1 -port {port} -public-host 127.0.0.1:{port}",
            "az": f"--silent --skipApiVersionCheck --location {folder} --blobHost 127.0.0.1 --blobPort {port}",
        }
        self.kind, self._patch = kind, monkeypatch
        self.process = subprocess.Popen([found, *options[kind].split()], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 600
        while socket.socket().connect_ex(("127.0.0.1", port)) and time.monotonic() < deadline:
            time.sleep(0.1)
        self.lead_to(f"http://127.0.0.1:{port}")
        self.files.mkdir("photos")

    def lead_to(self, address: str) -> None:
        self._patch.setenv("STORAGE_EMULATOR_HOST", address)
        self._patch.setenv("AZURE_STORAGE_CONNECTION_STRING", AZURE.format(KEY, f"{address}/devstoreaccount1"))
        fsspec.get_filesystem_class(self.kind).clear_instance_cache()

    @property
    def files(self) -> Any:
        files = fsspec.filesystem(self.kind)
        files.invalidate_cache()
        return files

    def fill(self, *names: str) -> list[str]:
        for name in names:
            self.files.pipe(f"photos/in/{name}", b"FAKE" + name.encode())
        return [f"{self.kind}://photos/in/{name}" for name in names]


@pytest.fixture(params=["gs", "az"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    logging.getLogger("gcsfs").setLevel(logging.ERROR)  # it looks for credentials that an emulator does not need
    store = Store(request.param, monkeypatch, tmp_path / "emulator")
    yield store
    store.process.kill()
    store.process.wait()


def plan(store: Store, *arguments: str, out: str = "photos/out") -> Plan:
    folder, url = place_of(f"{store.kind}://{out}", WHOLE)
    return plan_batch(arguments, folder, NAMING, recursive=True, url=url)


def run(plan: Plan, **options: object) -> tuple[int, int, dict[str, str]]:
    summary: Summary = run_batch(plan, FakeRestorer, **options)
    return summary.restored, summary.skipped, {failure.path: failure.reason for failure in summary.failures}


@pytest.mark.slow
def test_a_bucket_is_restored_into_a_bucket_once(store: Store) -> None:
    store.fill(*NAMES)
    assert run(plan(store, f"{store.kind}://photos/in/")) == (20, 0, {})
    assert all(store.files.cat(f"photos/out/{name}") == b"FAKE" + inverted(name.encode()) for name in NAMES)
    assert run(plan(store, f"{store.kind}://photos/in/")) == (0, 20, {})
    store.files.pipe(f"photos/in/{NAMES[0]}", b"FAKEother")
    assert run(plan(store, f"{store.kind}://photos/in/")) == (1, 19, {})
    found = {name.partition("/out/")[2] for name in store.files.find("photos/out")}
    assert found == {*NAMES, ".restorect/restorect-manifest.jsonl"}


@pytest.mark.slow
def test_what_is_not_there_is_a_row_and_what_is_there_stays(store: Store) -> None:
    (url,) = store.fill("a.fake")
    gone = [f"{store.kind}://photos/in/gone.fake", f"{store.kind}://nobucket/a.fake"]
    restored, _, failed = run(plan(store, url, *gone))
    assert (restored, list(failed)) == (1, gone)
    assert failed[gone[0]] == "there is no such object; check the name"
    assert failed[gone[1]] in ("there is no such object; check the name", "there is no such bucket; check the name")
    store.files.pipe("photos/out2/a.fake", b"precious")
    _, _, failed = run(plan(store, url, out="photos/out2"))
    assert "a.fake: exists and was not made by restorect" in failed[url]
    assert store.files.cat("photos/out2/a.fake") == b"precious"
    with pytest.raises(OutputError, match=r"nobucket/out: there is no such (bucket|object); check the name"):
        run(plan(store, url, out="nobucket/out"))


@pytest.mark.slow
def test_two_drivers_are_kept_apart(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (url,) = store.fill("a.fake")
    first = plan(store, url)
    first.out.mkdir(parents=True)
    with held(f"{store.kind}://photos/out", first.out, WHOLE):
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
        with pytest.raises(BusyError, match="another restorect is writing there"):
            run(plan(store, url))


@pytest.mark.slow
def test_folders_are_listed_in_pages(store: Store) -> None:
    """Google gives 1,000 names a page, Azure 5,000."""
    count = {"gs": 1100, "az": 5100}[store.kind]
    store.files.pipe({f"photos/in/{n:04d}.fake": b"FAKE" for n in range(count)})
    assert len(list(list_objects(f"{store.kind}://photos/in"))) == count


@pytest.mark.slow
def test_a_store_that_denies_is_one_line(store: Store, closed: str, tmp_path: Path) -> None:
    (url,) = store.fill("a.fake")
    store.lead_to(closed)
    with pytest.raises(OutputError) as caught:
        run(plan(store, url))
    assert str(caught.value).endswith("photos/out: access is denied; check the credentials of this machine")
    found = plan_batch([url], tmp_path / "out", NAMING)
    assert run(found) == (0, 0, {url: "access is denied; check the credentials of this machine"})


@pytest.mark.slow
@pytest.mark.parametrize("store", ["az"], indirect=True)
def test_what_is_archived_is_a_row(store: Store, tmp_path: Path) -> None:
    import os

    from azure.storage.blob import BlobClient

    (url,) = store.fill("a.fake")
    client = BlobClient.from_connection_string(os.environ["AZURE_STORAGE_CONNECTION_STRING"], "photos", "in/a.fake")
    client.set_standard_blob_tier("Archive")
    frozen = "is frozen in an archive tier of its store; have it restored there, and try again"
    assert run(plan_batch([url], tmp_path / "out", NAMING)) == (0, 0, {url: frozen})
