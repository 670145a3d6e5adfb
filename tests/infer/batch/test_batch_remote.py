"""Photographs behind URLs: of fsspec's own memory, and of a real HTTP server that fails at times."""

import os
import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from batch_fakes import FakeRestorer, expected, make, settings_of

from restorect.cli.restore_plan import place_of
from restorect.infer.batch import Event, Failed, Naming, Part, Plan, Summary, plan_batch, plan_failed, run_batch
from restorect.infer.batch import remote as remote_module
from restorect.infer.batch.bucket import held
from restorect.infer.batch.failures import BusyError, LostError
from restorect.infer.batch.manifest import Manifest
from restorect.infer.batch.part import WHOLE
from restorect.infer.batch.remote import RemoteError, object_state, path_of, read_object
from restorect.infer.batch.report import report

fsspec = pytest.importorskip("fsspec")
NAMING = Naming(task="low-light", size="fake", settings=settings_of())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_module, "_PAUSE", 0.001)


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[str]:
    files = fsspec.filesystem("memory")
    for name in ("a.fake", "2024/b.fake", "2024/05/c.fake"):
        files.pipe(f"/bucket/{name}", make(tmp_path / "source" / name, name.encode()).read_bytes())
    yield "memory://bucket"
    files.rm("/bucket", recursive=True)


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder; `/flaky/...` fails twice, `/closed/...` is denied, `/broken/...` always fails.

    `/signed/...` opens to whoever knows the signature, and only to read, as signatures of S3 do.
    """

    asked: ClassVar[Counter[str]] = Counter()
    read: ClassVar[Counter[str]] = Counter()
    marked: ClassVar[bool] = False

    def send_head(self):
        self.asked[self.path] += 1
        if self.path.startswith("/signed/") and (self.command == "HEAD" or "X-Amz-Signature=s3cr3t" not in self.path):
            return self.send_error(403)
        if self.path.startswith("/closed/"):
            return self.send_error(403)
        if self.path.startswith("/broken/") or (self.path.startswith("/flaky/") and self.asked[self.path] <= 2):
            return self.send_error(503)
        return super().send_head()

    def end_headers(self):
        if self.marked:
            self.send_header("ETag", f'"{Path(self.translate_path(self.path)).read_bytes().hex()}"')
        super().end_headers()

    def copyfile(self, source, outputfile):
        self.read[self.path] += 1
        super().copyfile(source, outputfile)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    pytest.importorskip("aiohttp")
    Handler.asked.clear()
    Handler.read.clear()
    for folder in ("good", "flaky", "broken", "closed", "signed"):
        make(tmp_path / "site" / folder / "a.fake", folder.encode())
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tmp_path / "site")))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def plan(out: Path, *names: str, part: Part = WHOLE) -> Plan:
    return plan_batch([], out, NAMING, lines=names, part=part)


def run(plan: Plan) -> tuple[int, int, dict[str, str]]:
    summary: Summary = run_batch(plan, FakeRestorer)
    return summary.restored, summary.skipped, {failure.path: failure.reason for failure in summary.failures}


def test_objects_are_restored_like_files(tmp_path: Path, bucket: str) -> None:
    out, names = tmp_path / "out", ("a.fake", "2024/b.fake", "2024/05/c.fake")
    urls = [f"{bucket}/{name}" for name in names]
    assert run(plan(out, *urls, urls[0])) == (3, 0, {})
    assert all((out / name).read_bytes() == expected(tmp_path / "source" / name) for name in names)
    assert sorted(entry.input for entry in Manifest(out).inputs()) == sorted(urls)
    assert run(plan_batch(urls, out, NAMING)) == (0, 3, {})
    fsspec.filesystem("memory").pipe("/bucket/a.fake", b"FAKE" + b"a.fakf")  # as long as before
    assert run(plan(out, *urls)) == (1, 2, {})
    assert sum(len(plan(tmp_path / "new", *urls, part=Part(n, 2)).jobs) for n in (1, 2)) == 3


def test_outputs_go_to_any_store(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of fsspec's: whole, once, with the record beside them; a lock that is another's at the end is told, and stays."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    url, files = f"{bucket}/restored", fsspec.filesystem("memory")
    for expected_counts in ((3, 0, {}), (0, 3, {})):
        folder, place = place_of(url, WHOLE)
        found = plan_batch([f"{bucket}/"], folder, NAMING, recursive=True, url=place)
        assert run(found) == expected_counts
    assert files.cat("/bucket/restored/2024/b.fake") == expected(tmp_path / "source/2024/b.fake")
    assert list(files.find("/bucket/restored/.restorect")) == ["/bucket/restored/.restorect/restorect-manifest.jsonl"]
    lock = "/bucket/restored/.restorect/.restorect.lock"
    with pytest.raises(LostError, match="its lock was removed or replaced"), held(url, folder, WHOLE):
        files.pipe(lock, b"another")
    with pytest.raises(BusyError, match="another restorect is writing there"), held(url, folder, WHOLE):
        pass
    assert files.cat(lock) == b"another"


def test_what_is_gone_is_a_row_and_is_tried_again(tmp_path: Path, bucket: str) -> None:
    out, gone = tmp_path / "out", f"{bucket}/2024/gone.fake"
    reason = "there is no such object; check the name"
    assert run(plan(out, f"{bucket}/a.fake", gone)) == (1, 0, {gone: reason})
    assert dict(report(out)[1].reasons) == {reason: 1}
    fsspec.filesystem("memory").pipe("/bucket/2024/gone.fake", b"FAKE" + b"back")
    assert run(plan_failed(out, NAMING)) == (1, 0, {})
    assert (out / "2024" / "gone.fake").exists()


def test_a_server_that_fails_at_times_is_asked_again(tmp_path: Path, site: str) -> None:
    out = tmp_path / "out"
    named = [f"{site}/{folder}/a.fake" for folder in ("good", "flaky", "broken", "closed", "none")]
    restored, _, failed = run(plan(out, *named))
    assert restored == 2
    assert all(
        (out / name / "a.fake").read_bytes() == expected(tmp_path / "site" / name / "a.fake")
        for name in ("good", "flaky")
    )
    assert failed == {
        named[2]: "cannot be reached (status 503); check the network, and try again",
        named[3]: "access is denied; check the credentials of this machine",
        named[4]: "there is no such object; check the name",
    }
    assert run(plan(out, *named[:2])) == (0, 2, {})
    assert read_object(named[0], 6) == b"FAKEgo"
    assert object_state(named[0]).bytes == 8


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nosuch://bucket/a.fake", "nosuch:// is no kind of store that fsspec knows"),
        ("gs://bucket/a.fake", "pip install 'restorect[remote]'"),
    ],
)
def test_stores_that_cannot_be_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, words: str
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "gcsfs", None)
    _, _, failed = run(plan(tmp_path / "out", url))
    assert words in failed[url]


class ResourceNotFoundError(Exception):
    """As Azure's library raises it."""

    status_code, error_code = 404, "ContainerNotFound"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ResourceNotFoundError(), "there is no such bucket"),
        (OSError("Forbidden: https://storage/b/photos\nmy-account has no storage.objects.get"), "access is denied"),
    ],
)
def test_what_libraries_of_stores_say_is_understood(
    bucket: str, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    """adlfs and gcsfs raise these."""

    def fail(*_arguments: object) -> None:
        raise error

    monkeypatch.setattr(fsspec.get_filesystem_class("memory"), "cat_file", fail)
    with pytest.raises(RemoteError, match=words) as caught:
        read_object(f"{bucket}/a.fake")
    assert "account" not in str(caught.value)


def test_passwords_are_refused_and_not_shown(tmp_path: Path) -> None:
    result = plan(tmp_path / "out", "https://me:secret@host/a.fake")
    (failure,) = result.failures
    assert "leave it out" in failure.reason
    assert "secret" not in str(failure)
    with pytest.raises(RemoteError):
        path_of("ftp://me@host/a")


def test_names_of_objects() -> None:
    assert path_of("https://host/x/a.jpg?size=5#top") == Path("/host/x/a.jpg")
    assert path_of("s3://bucket/x/what?.jpg") == Path("/bucket/x/what?.jpg")


def test_what_is_done_and_has_not_changed_is_not_read_again(tmp_path: Path, site: str, monkeypatch) -> None:
    monkeypatch.setattr(Handler, "marked", True)
    out, url, file = tmp_path / "out", f"{site}/good/a.fake", tmp_path / "site" / "good" / "a.fake"
    assert run(plan(out, url)) == (1, 0, {})
    assert run(plan(out, url)) == (0, 1, {})
    assert Handler.read == {"/good/a.fake": 1}
    make(file, b"gooe")  # as long as before, and within the same second
    assert run(plan(out, url)) == (1, 0, {})
    assert (out / "a.fake").read_bytes() == expected(file)
    monkeypatch.setattr(Handler, "marked", False)  # by the time of its last change alone
    os.utime(file, (1, 1))
    assert run(plan(out, url)) == (0, 1, {})
    reads = Handler.read["/good/a.fake"]
    make(file, b"good")
    assert run(plan(out, url)) == (1, 0, {})
    assert Handler.read["/good/a.fake"] > reads


def test_signatures_are_used_and_told_to_nobody(tmp_path: Path, site: str, caplog: pytest.LogCaptureFixture) -> None:
    """The record, the report, events and log lines know a photo by what stands before the query."""
    caplog.set_level("INFO")
    out, plain = tmp_path / "out", [f"{site}/signed/{name}.fake" for name in ("a", "gone")]
    signed = [f"{url}?X-Amz-Credential=AKIA&X-Amz-Signature=s3cr3t&n={n}" for n, url in enumerate(plain)]
    events: list[Event] = []
    run_batch(plan(out, *signed, signed[0] + "0"), FakeRestorer, on_event=events.append)
    told = [str(events), str(report(out)), *(path.read_text() for path in out.glob("*.jsonl")), caplog.text]
    assert not [text for text in told if "s3cr3t" in text or "AKIA" in text]
    assert (out / "a.fake").read_bytes() == expected(tmp_path / "site" / "signed" / "a.fake")
    assert [entry.input for entry in Manifest(out).inputs() if entry.status == "done"] == plain[:1]
    assert [event.reason for event in events if isinstance(event, Failed)] == [
        "is named twice, with different queries, and a photo is known by what stands before the ?; name it once",
        "there is no such object; check the name",
    ]
    resigned = plain[0] + "?X-Amz-Signature=s3cr3t2"
    assert run(plan(out, resigned)) == (0, 1, {})
    again = plan_failed(out, NAMING)
    assert again.jobs == ()
    assert [failure.path for failure in again.failures] == plain[1:]
    assert "give the first command again, without --retry-failed" in again.failures[0].reason
