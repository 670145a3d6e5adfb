"""Batches on a real Ray cluster of two nodes: an actor and a node killed half-way, and what cannot be."""

import os
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from batch_fakes import DIE, expected, keep_threads, load_deadly, load_nothing, make, settings_of

from restorect.errors import ConfigError, RestorectError
from restorect.infer.batch import Event, Failed, Naming, Plan, Restored, plan_batch, run_batch
from restorect.ray.actors import Actors
from restorect.records import read_records

NAMING = Naming(task="low-light", size="fake", settings=settings_of())
PORTS = ("metrics_agent_port", "metrics_export_port", "runtime_env_agent_port", "dashboard_agent_listen_port")


def test_without_ray_it_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"--executor ray: needs Ray: pip install 'restorect\[ray\]'"):
        Actors(1, 1, keep_threads)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Two nodes of one core each; of the second one another can be had."""
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    for name, value in {
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]),
        "RAY_AUTH_MODE": "disabled",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_agent_register_timeout_ms": "600000",
        "RAY_worker_register_timeout_seconds": "600",
        "RAY_memory_monitor_refresh_ms": "0",
    }.items():
        monkeypatch.setenv(name, value)
    _patient(monkeypatch)
    cluster = Cluster()
    for number in range(2):
        cluster.add_node(num_cpus=1, object_store_memory=80 * 2**20, include_dashboard=False, **_ports(number))
    ray.init(address=cluster.address, logging_level="error", log_to_driver=False)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def _ports(number: int) -> dict[str, int]:
    return {name: 42101 + 10 * number + place for place, name in enumerate(PORTS)}


def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A raylet gives its agent 15 s to say on which ports it is: too short on a busy machine, so they are given."""
    from ray._private.node import Node
    from ray._raylet import persist_port

    begin = Node.start_ray_processes

    def start(self) -> None:
        for name in PORTS:
            persist_port(self._session_dir, self._node_id, name, getattr(self._ray_params, name))
        begin(self)

    monkeypatch.setattr(Node, "start_ray_processes", start)


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
