"""Batches on a real Ray cluster of two nodes: an actor and a node killed half-way, and what cannot be."""

import importlib
import socket
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path
from types import SimpleNamespace

import pytest
from batch_fakes import DIE, expected, keep_threads, load_deadly, load_nothing, load_seeing, make, settings_of

from ray_cluster import two_nodes
from restorect.cli.executors import Wish, crew_of
from restorect.errors import ConfigError, RestorectError
from restorect.infer.batch import Event, Failed, Naming, Plan, Restored, plan_batch, run_batch
from restorect.ray import actors as actors_module
from restorect.ray.actors import Actors
from restorect.records import read_records

NAMING = Naming(task="low-light", size="fake", settings=settings_of())


def test_without_ray_it_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"--executor ray: needs Ray: pip install 'restorect\[ray\]'"):
        Actors(1, 1, keep_threads)


def say(monkeypatch: pytest.MonkeyPatch, *nodes: dict[str, float], version: str = "2.60.0") -> None:
    """Let Ray say that the cluster, which this process is in, has these nodes."""
    total = {name: sum(node.get(name, 0) for node in nodes) for name in ("CPU", "GPU")}
    told = SimpleNamespace(
        __version__=version,
        is_initialized=lambda: True,
        cluster_resources=lambda: {name: count for name, count in total.items() if count},
        nodes=lambda: [{"Alive": True, "Resources": node} for node in nodes],
    )
    monkeypatch.setitem(sys.modules, "ray", told)


def test_a_ray_that_is_too_old_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, {"CPU": 4.0}, version="2.8.1")
    with pytest.raises(ConfigError, match=r"Ray 2\.8\.1 is too old; pip install 'restorect\[ray\]'"):
        Actors(1, 1, keep_threads)


def test_workers_are_as_many_as_nodes_have_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker lies on one node; those of one node share its memory, and no others."""
    say(monkeypatch, {"CPU": 3.0}, {"CPU": 3.0}, {"CPU": 9.0}, {"object_store_memory": 1.0})
    crew = Actors(None, 2, keep_threads)
    assert (crew.size, crew.threads, crew.together) == (6, 2, 4)
    assert Actors(3, None, keep_threads).together == 3
    with pytest.raises(ConfigError, match="7 workers of 2 cores do not fit into the cluster, which has room for 6"):
        Actors(7, 2, keep_threads)


def test_a_worker_on_gpus_takes_one(monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, {"CPU": 16.0}, {"CPU": 16.0, "GPU": 2.0}, {"CPU": 2.0, "GPU": 4.0})

    def size(device: str) -> int:
        crew = crew_of(Wish(executor="ray", workers=None, address=None, threads=2, device=device))
        assert crew is not None
        return crew.size

    assert (size("cuda"), size("auto"), size("cpu"), size("mps")) == (3, 3, 17, 17)
    with pytest.raises(ConfigError, match="--device cuda:1: Ray chooses the GPU of each worker; give --device cuda"):
        size("cuda:1")
    say(monkeypatch, {"CPU": 16.0})
    assert size("auto") == 8
    with pytest.raises(ConfigError, match="1 workers of 2 cores and 1 GPU do not fit into the cluster"):
        size("cuda")


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
    while sum(node["Alive"] for node in sys.modules["ray"].nodes()) > 1:  # Ray takes its time to believe it
        time.sleep(0.2)
    with pytest.raises(ConfigError, match="3 workers of 1 cores do not fit into the cluster, which has room for 1"):
        Actors(3, 1, keep_threads)
    with pytest.raises(RestorectError, match="no weights here; get them"):
        run_batch(plan(tmp_path), load_nothing, workers=Actors(1, 1, keep_threads), force=True)


@pytest.mark.slow
def test_nodes_that_lack_a_module_end_the_run_by_one_line(
    tmp_path: Path, cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As nodes without restorect do: nothing that the driver sends can be understood there."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "only_here.py").write_text("def load():\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path / "modules")
    load = importlib.import_module("only_here").load
    make(tmp_path / "in" / "a.fake")
    with pytest.raises(RestorectError) as caught:
        run_batch(plan(tmp_path), load, workers=Actors(1, 1, keep_threads))
    assert "a node has no restorect that it could use (ModuleNotFoundError: No module named" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "out").glob("*.fake"))


@pytest.mark.slow
def test_each_actor_sees_the_gpu_that_it_took(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On nodes that are said to have two each. One that took none sees none, whatever Ray would let it see."""
    for number in range(8):
        make(tmp_path / "in" / f"{number}.fake", bytes([number]) * 50)
    with two_nodes(monkeypatch, Path(__file__).parent, cpus=2, gpus=2):
        for gpus, expected_places in ((1, ["0", "0", "1", "1"]), (0, [""] * 4)):
            notes = tmp_path / f"notes{gpus}"
            notes.mkdir()
            crew = Actors(None, 1, keep_threads, gpus=gpus)
            assert run_batch(plan(tmp_path), partial(load_seeing, notes, 4), workers=crew, force=True).restored == 8
            assert sorted(note.read_text() for note in notes.iterdir()) == expected_places


def test_what_is_no_ray_cluster_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A web server, and who says nothing: Ray itself would try for many minutes."""
    monkeypatch.setattr(actors_module, "_PATIENCE", 1.0)
    web = HTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler)
    thread = threading.Thread(target=web.serve_forever)
    thread.start()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port in (web.server_port, silent.getsockname()[1]):
            with pytest.raises(ConfigError, match=f"--address 127.0.0.1:{port}: what listens there is no Ray cluster"):
                Actors(1, 1, keep_threads, address=f"127.0.0.1:{port}")
    web.shutdown()
    thread.join()
    web.server_close()


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
