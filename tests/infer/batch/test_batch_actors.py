"""Batches on a real Ray cluster of two nodes: an actor and a node killed half-way, and what cannot be."""

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from batch_fakes import DIE, expected, keep_threads, load_deadly, load_nothing, make, settings_of

from ray_cluster import two_nodes
from restorect.errors import ConfigError, RestorectError
from restorect.infer.batch import Event, Failed, Naming, Plan, Restored, plan_batch, run_batch
from restorect.ray.actors import Actors
from restorect.records import read_records

NAMING = Naming(task="low-light", size="fake", settings=settings_of())


def test_without_ray_it_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"--executor ray: needs Ray: pip install 'restorect\[ray\]'"):
        Actors(1, 1, keep_threads)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Two nodes of one core each; of the second one another can be had."""
    with two_nodes(monkeypatch, Path(__file__).parent) as cluster:
        yield cluster


def plan(tmp_path: Path) -> Plan:
    return plan_batch([str(tmp_path / "in")], tmp_path / "out", NAMING)


def done(out: Path) -> list[str]:
    records = [line for path in out.glob("*.jsonl") for line in read_records(path)]
    return sorted(Path(line["input"]).name for line in records if line["status"] == "done")


@pytest.mark.slow
def test_a_batch_outlives_an_actor_and_a_node(tmp_path: Path, cluster) -> None:
    sources = [make(tmp_path / "in" / f"{n:02d}.fake", bytes([n]) * 50) for n in range(40)]
    deadly = make(tmp_path / "in" / "zz.fake", DIE)
    events: list[Event] = []

    def tell(event: Event) -> None:
        events.append(event)
        if sum(isinstance(each, Restored) for each in events) == 6 and len(cluster.worker_nodes) == 1:
            cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)

    crew = Actors(2, 1, keep_threads)
    summary = run_batch(plan(tmp_path), partial(load_deadly, 0.3), workers=crew, on_event=tell)
    assert len(cluster.worker_nodes) == 0
    (failed,) = [event for event in events if isinstance(event, Failed)]
    assert (failed.path, summary.exit_code) == (str(deadly), 1)
    assert failed.reason.startswith("its worker died, 2 times")
    assert done(tmp_path / "out") == [source.name for source in sources]
    assert all((tmp_path / "out" / source.name).read_bytes() == expected(source) for source in sources)
    assert not list((tmp_path / "out").glob(".restorect-*.jsonl"))
    with pytest.raises(ConfigError, match="3 workers of 1 cores do not fit into the cluster, which has room for 1"):
        Actors(3, 1, keep_threads)
    with pytest.raises(RestorectError, match="no weights here; get them"):
        run_batch(plan(tmp_path), load_nothing, workers=Actors(1, 1, keep_threads), force=True)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("127.0.0.1:1", "--address 127.0.0.1:1: nobody listens there ("),
        ("127.0.0.1:99999999999", "nobody listens there ("),
        ("ray://host:10001", "give HOST:PORT of the cluster's head node, or auto"),
        ("host", "give HOST:PORT of the cluster's head node, or auto"),
    ],
)
def test_an_address_without_a_cluster_is_one_line(address: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Actors(1, 1, keep_threads, address=address)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
