"""What `wiki-worker check` says of a cluster."""

from __future__ import annotations

from tests.cluster.servers import ClusterServers
from tests.worker.processes import run_command

SETTING = "notify-keyspace-events"


def test_check_looks_at_each_primary_and_says_what_is_not_so_everywhere() -> None:
    with ClusterServers(replicas=0) as cluster:
        right, greedy, dead = cluster.primaries
        right.admin.config_set(SETTING, "KExe")
        flags = right.admin.config_get(SETTING)[SETTING]
        greedy.admin.config_set("maxmemory", "1gb")
        greedy.admin.config_set("maxmemory-policy", "allkeys-lru")

        done = run_command(cluster.url, "check")
        assert done.returncode == 1
        assert f"{SETTING} is '{flags}' (127.0.0.1:{right.port})" in done.stdout
        assert f"(127.0.0.1:{greedy.port}, 127.0.0.1:{dead.port})" in done.stdout, "two lack the flags"
        assert f"allkeys-lru, maxmemory {2**30} (127.0.0.1:{greedy.port})" in done.stdout
        assert done.stdout.count("Valkey") == done.stdout.count("may do all") == 1
        assert all(f"127.0.0.1:{node.port} answers in" in done.stdout for node in cluster.nodes)

        dead.kill()
        done = run_command(cluster.url, "check")
        assert done.returncode == 1
        assert f"no answer from 127.0.0.1:{dead.port}" in done.stdout
        assert f"127.0.0.1:{right.port} answers in" in done.stdout


def test_check_hears_each_primary_where_the_flags_cant_be_read() -> None:
    with ClusterServers(replicas=0, notify_keyspace_events="Kxe") as cluster:
        cluster.nodes[1].admin.config_set(SETTING, "")
        for node in cluster.nodes:
            node.admin.execute_command("ACL SETUSER default -config")
        done = run_command(cluster.url, "check")
        deaf = f"(127.0.0.1:{cluster.nodes[1].port})"
        assert f"{SETTING} can't be read {deaf}" in done.stdout
        assert done.stdout.count("an expired key was told of") == 1
