"""Batches from and to a bucket: a real S3 API on loopback, with its pages, its faults and its kills."""

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from batch_fakes import FakeRestorer, inverted, settings_of
from batch_process import finish, start
from s3_server import Store

from restorect.cli.restore_plan import listed, place_of
from restorect.errors import ConfigError
from restorect.infer.batch import (
    BusyError,
    Event,
    Naming,
    OutputError,
    Part,
    Plan,
    Summary,
    plan_batch,
    plan_failed,
    run_batch,
)
from restorect.infer.batch import bucket as bucket_module
from restorect.infer.batch import estimate as estimate_module
from restorect.infer.batch.estimate import estimate
from restorect.infer.batch.failures import LostError
from restorect.infer.batch.lock import locked
from restorect.infer.batch.part import MANIFEST_NAME, WHOLE
from restorect.infer.batch.remote import RATE, list_objects, object_state
from restorect.infer.batch.report import report
from restorect.infer.batch.sources import Refused, Source
from restorect.records import read_records

for needed in ("s3fs", "moto.server"):
    pytest.importorskip(needed)

NAMING = Naming(task="low-light", size="fake", settings=settings_of())
OUT = "s3://photos/out"


@pytest.fixture(scope="module")
def server() -> Iterator[Store]:
    store = Store()
    yield store
    store.close()


@pytest.fixture
def store(server: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    import s3fs

    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "s3cr3t",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "2",
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(s3fs.S3FileSystem, "read_timeout", 60)
    s3fs.S3FileSystem.clear_instance_cache()
    yield server
    for key in server.keys(""):
        server.remove(key)


def fill(store: Store, *names: str) -> list[str]:
    for name in names:
        store.put(f"in/{name}", b"FAKE" + name.encode())
    return [f"s3://photos/in/{name}" for name in names]


def plan(*arguments: str, out: str = OUT, part: Part = WHOLE, recursive: bool = True) -> Plan:
    folder, url = place_of(out, part)
    return plan_batch(arguments, folder, NAMING, recursive=recursive, part=part, url=url)


def run(plan: Plan, **options: object) -> tuple[int, int, dict[str, str]]:
    summary: Summary = run_batch(plan, FakeRestorer, **options)
    return summary.restored, summary.skipped, {failure.path: failure.reason for failure in summary.failures}


def wrong(store: Store, *names: str) -> list[str]:
    return [name for name in names if store.get(f"out/{name}") != b"FAKE" + inverted(name.encode())]


def test_a_bucket_is_restored_into_a_bucket_once(store: Store) -> None:
    names = [f"{n % 3}/{n:02d}.fake" for n in range(12)]
    fill(store, *names, "notes.txt", ".hidden.fake")
    assert run(plan("s3://photos/in/")) == (12, 0, {})
    assert wrong(store, *names) == []
    assert store.keys("out/") == sorted(f"out/{name}" for name in (*names, ".restorect/restorect-manifest.jsonl"))
    before = store.faulty.asked.copy()
    assert run(plan("s3://photos/in/")) == (0, 12, {})
    after = store.faulty.asked - before
    assert after["HEAD"] <= 3 * 12 + 4  # the photo; its output, that it is there and unchanged; the folders
    assert after["GET"] < 12, "nothing that is done is read"
    store.put(f"out/{names[0]}", b"spoilt")
    store.remove(f"out/{names[1]}")
    fill(store, *names[2:3])
    store.put(f"in/{names[2]}", b"FAKE" + names[3].encode())
    assert run(plan("s3://photos/in/")) == (3, 9, {})
    assert wrong(store, *names[:2]) == []
    assert store.get(f"out/{names[2]}") == store.get(f"out/{names[3]}")


def test_folders_are_listed_in_pages(store: Store) -> None:
    fill(store, *(f"{n:04d}.fake" for n in range(2100)), "deep/a.fake")
    assert len(plan("s3://photos/in/").jobs) == 2101
    assert len(plan("s3://photos/in/", recursive=False).jobs) == 2100
    assert sum(len(plan("s3://photos/in/", part=Part(n, 3)).jobs) for n in (1, 2, 3)) == 2101
    assert sorted(list_objects("s3://photos/in/deep")) == ["s3://photos/in/deep/a.fake"]


@pytest.mark.parametrize(
    ("folder", "reason"),
    [
        ("s3://nobucket/in/", "there is no such bucket; check the name"),
        ("s3://closed/in/", "access is denied; check the credentials of this machine"),
        ("s3://photos/none/", "holds no photographs; give another folder"),
    ],
)
def test_folders_that_cannot_be_listed_say_why(store: Store, folder: str, reason: str) -> None:
    assert [(each.path, each.reason) for each in plan(folder).failures] == [(folder, reason)]


def test_the_cost_of_many_photos_is_told_by_a_look_at_some(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{n:03d}.fake" for n in range(400)]
    for n, url in enumerate(fill(store, *names)):  # large and small ones by turns, a quarter of them done
        store.put(url.removeprefix("s3://photos/"), b"FAKE" + b"x" * (6 if n % 2 else 96))
    run(plan(*(f"s3://photos/in/{name}" for name in names[:100])))
    exact = estimate(plan("s3://photos/in/"), FakeRestorer())
    assert (exact.named, exact.looked, exact.photos, exact.done, exact.failed) == (400, 400, 300, 100, 0)
    assert exact.bytes == 300 * 55
    monkeypatch.setattr(estimate_module, "LOOKED", 40)
    store.remove("in/399.fake")
    gone = [f"s3://photos/in/{n}.fake" for n in range(400, 800)]
    whole, before = plan("s3://photos/in/", *gone), store.faulty.asked.copy()
    rough = estimate(whole, FakeRestorer())
    assert (store.faulty.asked - before).total() <= 3 * 40, "no request is sent for most of them"
    assert (rough.named, rough.looked, rough.photos + rough.done + rough.failed) == (799, 40, 799)
    assert rough.photos == pytest.approx(299, abs=40)
    assert rough.done == pytest.approx(100, abs=40)
    assert rough.failed == pytest.approx(400, abs=40)
    assert rough.bytes == pytest.approx(299 * 55, rel=0.35)


def test_what_a_bucket_cannot_give_is_a_row(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frozen, gone, denied, broken and stuck ones are failures of these photos alone."""
    import s3fs

    monkeypatch.setattr(s3fs.S3FileSystem, "read_timeout", 10)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    s3fs.S3FileSystem.clear_instance_cache()
    urls = fill(store, "a.fake", "b.fake", "broken.fake", "stuck.fake")
    store.put("in/ice.fake", b"FAKEice", storage="GLACIER")
    more = ["s3://photos/in/ice.fake", "s3://photos/in/gone.fake", "s3://nobucket/a.fake", "s3://closed/a.fake"]
    reasons = {
        urls[2]: "cannot be reached (status 503); check the network, and try again",
        more[0]: "is frozen in an archive tier of its store; have it restored there, and try again",
        more[1]: "there is no such object; check the name",
        more[2]: "there is no such bucket; check the name",
        more[3]: "access is denied; check the credentials of this machine",
    }
    events: list[Event] = []
    restored, _, failed = run(plan(*urls, *more), on_event=events.append)
    late = failed.pop(urls[3])
    assert failed == reasons
    assert restored == 2
    assert late.startswith("cannot be reached (")
    assert late.endswith("); check the network, and try again")
    rows, totals = report(place_of(OUT, WHOLE)[0])
    assert {row["path"]: row["reason"] for row in rows if row["reason"]} == reasons | {urls[3]: late}
    assert (totals.done, totals.failed) == (2, 6)
    assert "s3cr3t" not in str([events, rows])


def test_a_store_that_fails_at_times_is_asked_again(store: Store) -> None:
    urls = fill(store, "flaky-1.fake", "2.fake")
    assert run(plan(*urls, out="s3://photos/out/flaky")) == (2, 0, {})
    assert store.get("out/flaky/flaky-1.fake") == b"FAKE" + inverted(b"flaky-1.fake")


@pytest.mark.parametrize(
    ("out", "error", "words"),
    [
        ("s3://nobucket/out", OutputError, "s3://nobucket/out: there is no such bucket; check the name"),
        ("s3://closed/out", OutputError, "s3://closed/out: access is denied; check the credentials of this machine"),
        ("s3://photos/broken", OutputError, "s3://photos/broken: cannot be reached (status 503)"),
        ("https://host/out", ConfigError, "cannot be written to; give a bucket"),
        ("s3://key:s3cr3t@photos/out", ConfigError, "holds a user's name or password"),
        ("nosuch://photos/out", ConfigError, "nosuch:// is no kind of store that fsspec knows"),
    ],
)
def test_places_that_cannot_be_are_one_line(store: Store, out: str, error: type, words: str) -> None:
    urls = fill(store, "a.fake")
    with pytest.raises(error) as caught:
        run(plan(*urls, out=out))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


def test_what_others_put_there_stays(store: Store) -> None:
    urls = fill(store, "a.fake", "b.fake")
    store.put("out/a.fake", b"precious")
    _, _, failed = run(plan(*urls))
    assert list(failed) == urls[:1]
    assert "s3://photos/out/a.fake: exists and was not made by restorect" in failed[urls[0]]
    assert store.get("out/a.fake") == b"precious"
    assert run(plan(*urls), force=True) == (2, 0, {})
    with pytest.raises(ConfigError, match="an input would be replaced"):
        plan(*urls, out="s3://photos/in")


def other_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))


def test_another_machine_knows_what_was_done(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    urls = fill(store, *(f"{n}.fake" for n in range(6)))
    assert run(plan(*urls[:3]))[0] == 3
    other_machine(tmp_path, monkeypatch)
    assert run(plan(*urls)) == (3, 3, {})
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert run(plan(*urls)) == (0, 6, {})
    assert report(place_of(OUT, WHOLE)[0])[1].done == 6


def test_two_drivers_are_kept_apart(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    urls = fill(store, *(f"{n}.fake" for n in range(8)))
    first = plan(*urls)
    with bucket_module.held(OUT, first.out, WHOLE) if first.out.mkdir(parents=True) is None else None:  # type: ignore[union-attr]
        other_machine(tmp_path, monkeypatch)
        for part in (WHOLE, Part(1, 2)):
            with pytest.raises(BusyError, match=r"another restorect is writing there \(process \d+ on .*remove s3://"):
                run(plan(*urls, part=part))
    assert [run(plan(*urls, part=Part(n, 2)))[2] for n in (1, 2)] == [{}, {}]
    assert wrong(store, *(f"{n}.fake" for n in range(8))) == []


def test_a_second_driver_on_this_machine_is_told_the_bucket(store: Store) -> None:
    second = plan(*fill(store, "a.fake"))
    second.out.mkdir(parents=True)
    with locked(second.out, WHOLE, OUT), pytest.raises(BusyError, match=rf"^{OUT}: another restorect is writing there"):
        run(second)


def test_a_lock_that_is_taken_away_ends_the_run(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_module, "_PERIOD", 0.0)
    monkeypatch.setattr(bucket_module, "_SHARE", 0)
    urls = fill(store, *(f"{n}.fake" for n in range(8)))

    def steal(event: Event) -> None:
        if type(event).__name__ == "Restored":
            store.put("out/.restorect/.restorect.lock", b"another")

    with pytest.raises(LostError, match="its lock was removed or replaced"):
        run(plan(*urls), on_event=steal, workers=1)
    assert store.get("out/.restorect/.restorect.lock") == b"another"


@pytest.mark.slow
def test_killed_runs_lose_nothing(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed at system calls of all kinds and started again, on the same machine: each photo is done exactly once."""
    names = [f"{n}.fake" for n in range(8)]
    urls = fill(store, *names)
    for die in (11, 14, 17, 21, 0):
        code, _, error = finish(start(OUT, *urls, die=die))
        assert code == (-9 if die else 0), error
        there = [name for name in names if f"out/{name}" in store.keys("out/")]
        assert wrong(store, *there) == []
    (tmp_path / "copy.jsonl").write_bytes(store.get("out/.restorect/restorect-manifest.jsonl"))
    done = [line["input"] for line in read_records(tmp_path / "copy.jsonl") if line["status"] == "done"]
    assert sorted(done) == urls
    assert store.keys("out/") == sorted(f"out/{name}" for name in (*names, ".restorect/restorect-manifest.jsonl"))


def test_a_machine_that_died_is_followed_by_another(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lock is in the way until somebody says that it has ended; outputs that no copy of its record knows count."""
    names = [f"{n}.fake" for n in range(6)]
    urls, gate = fill(store, *names), tmp_path / "gate"
    process = start(OUT, *urls, gate=gate)
    while not os.path.exists(f"{gate}.reached"):
        assert process.poll() is None
        threading.Event().wait(0.05)
    while "out/0.fake" not in store.keys("out/"):
        threading.Event().wait(0.05)
    process.kill()
    finish(process)
    other_machine(tmp_path, monkeypatch)
    with pytest.raises(BusyError, match=r"if it has ended, remove s3://photos/out/\.restorect/\.restorect\.lock"):
        run(plan(*urls))
    store.remove("out/.restorect/.restorect.lock")
    restored, skipped, failed = run(plan(*urls))
    assert (restored + skipped, wrong(store, *names)) == (6 - len(failed), [])
    assert failed == {}


def test_requests_are_limited(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    urls = fill(store, "a.fake")
    object_state(urls[0])
    monkeypatch.setattr(RATE, "limit", 20.0)
    begun = time.monotonic()
    threads = [threading.Thread(target=object_state, args=(urls[0],)) for _ in range(11)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - begun >= 0.5


@pytest.mark.slow
def test_many_small_objects(store: Store) -> None:
    names = [f"{n % 7}/{n}-{'flaky' if n % 50 == 0 else 'good'}.fake" for n in range(1000)]
    fill(store, *names)
    assert run(plan("s3://photos/in/")) == (1000, 0, {})
    assert wrong(store, *names) == []


def test_an_inventory_in_a_bucket_is_a_list(store: Store) -> None:
    names = ["a.fake", "b.fake"]
    fill(store, *names)
    store.put("lists/d.csv", "".join(f'"photos","in/{name}"\n' for name in names).encode())
    manifest = {"sourceBucket": "photos", "destinationBucket": "arn:aws:s3:::photos", "fileFormat": "CSV"}
    manifest |= {"fileSchema": "Bucket, Key", "files": [{"key": "lists/d.csv"}]}
    store.put("lists/manifest.json", json.dumps(manifest).encode())
    folder, url = place_of(OUT, WHOLE)
    lines = listed("s3://photos/lists/manifest.json")
    assert run(plan_batch([], folder, NAMING, lines=lines, url=url)) == (2, 0, {})
    assert wrong(store, *names) == []
    with pytest.raises(
        ConfigError, match=r"--files-from s3://photos/lists/gone\.txt: cannot be read \(there is no such"
    ):
        list(listed("s3://photos/lists/gone.txt"))


def test_what_an_inventory_calls_frozen_is_a_row_and_is_tried_again(store: Store) -> None:
    """Asked for by nobody until the store has brought it back; the inventory calls it frozen even then."""
    names = ["2024/deep/a.fake", "2024/b.fake", "2025/c.fake"]
    fill(store, *names[:2])
    tiers = dict(zip(names, ("STANDARD", "GLACIER", "DEEP_ARCHIVE"), strict=True))
    rows = "".join(f'"photos","in/{name}","{tier}"\n' for name, tier in tiers.items())
    store.put("lists/d.csv", rows.encode())
    manifest = {"sourceBucket": "photos", "destinationBucket": "arn:aws:s3:::photos", "fileFormat": "CSV"}
    manifest |= {"fileSchema": "Bucket, Key, StorageClass", "files": [{"key": "lists/d.csv"}]}
    store.put("lists/manifest.json", json.dumps(manifest).encode())
    folder, url = place_of(OUT, WHOLE)

    def again(part: Part = WHOLE) -> Plan:
        return plan_batch([], folder, NAMING, lines=listed("s3://photos/lists/manifest.json"), part=part, url=url)

    def failed() -> set[str]:
        return {row["path"] for row in report(folder)[0] if row["status"] == "failed"}

    ice = {f"s3://photos/in/{name}" for name in names[1:]}
    assert sum(len(again(Part(n, 3)).failures) for n in (1, 2, 3)) == 2
    restored, _, told = run(again())
    assert (restored, set(told), failed()) == (1, ice, ice)
    assert all("says the inventory" in reason for reason in told.values())
    size = (folder / MANIFEST_NAME).stat().st_size
    assert set(run(again())[2]) == ice
    assert (folder / MANIFEST_NAME).stat().st_size == size, "what is known is not written again"
    restored, _, told = run(plan_failed(folder, NAMING, url=url))
    assert (restored, set(told)) == (1, {"s3://photos/in/2025/c.fake"})
    assert wrong(store, *names[:2]) == [], "outputs keep the tree of the whole list"
    restored, skipped, told = run(again())
    assert (restored, skipped, set(told)) == (0, 2, {"s3://photos/in/2025/c.fake"})
    assert failed() == {"s3://photos/in/2025/c.fake"}


def test_an_archive_that_is_frozen_as_a_whole_has_a_report(store: Store) -> None:
    source = Source.named("s3://photos/in/a.fake", by_name=True)
    folder, url = place_of(OUT, WHOLE)
    whole = plan_batch([], folder, NAMING, lines=[Refused(source.url, "is frozen", source)], url=url)
    assert run(whole)[2] == {"s3://photos/in/a.fake": "is frozen"}
    assert report(folder)[1].reasons == {"is frozen": 1}
    assert store.keys("out/") == [f"out/.restorect/{MANIFEST_NAME}"]
