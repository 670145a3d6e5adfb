"""A real Ray cluster on this machine."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PORTS = ("metrics_agent_port", "metrics_export_port", "runtime_env_agent_port", "dashboard_agent_listen_port")


@contextlib.contextmanager
def two_nodes(monkeypatch: pytest.MonkeyPatch, helpers: Path, *, cpus: int = 1, gpus: int = 0) -> Iterator[Any]:
    """Two nodes of one core each, or what they shall say to have, whose actors find modules in a folder of tests.

    Skipped without Ray.
    """
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    for name, value in {
        "PYTHONPATH": os.pathsep.join([str(helpers), os.environ.get("PYTHONPATH", "")]),
        "RAY_AUTH_MODE": "disabled",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_agent_register_timeout_ms": "600000",
        "RAY_worker_register_timeout_seconds": "600",
        "RAY_memory_monitor_refresh_ms": "0",
    }.items():
        monkeypatch.setenv(name, value)
    _patient(monkeypatch)
    cluster = Cluster()
    try:
        for number in range(2):
            parts = {"num_cpus": cpus, "num_gpus": gpus, "object_store_memory": 80 * 2**20}
            cluster.add_node(**parts, include_dashboard=False, **_ports(number))
        ray.init(address=cluster.address, logging_level="error", log_to_driver=False)
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


def _ports(number: int) -> dict[str, int]:
    """Those of a node; tests that run side by side (pytest-xdist) have others."""
    first = 42101 + 100 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) + 10 * number
    return {name: first + place for place, name in enumerate(PORTS)}


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
