"""A Redis behind a unix socket, which only its group can open."""

from __future__ import annotations

import asyncio

from session_store import AsyncStore, Config, Store
from tests.servers import RedisServer
from tests.session_store.samples import opened
from tests.wait import wait_until
from tests.worker.processes import WorkerProcess


def test_store_and_worker_use_a_socket_and_another_database_than_the_first(tmp_path):
    with RedisServer(unixsocket=str(tmp_path / "redis.sock"), requirepass="hunter2") as server:
        (tmp_path / "password").write_text("hunter2\n")
        url = f"unix://{tmp_path}/redis.sock?db=1"
        config = Config(redis_url=url, redis_password_file=str(tmp_path / "password"))
        token = opened(Store(config), age=3_600_000)
        brief = opened(Store(config), age=200)

        async def read() -> str:
            store = AsyncStore(config)
            try:
                session = await store.read(token)
                return session.ref.sid if session else ""
            finally:
                await store.close()

        assert asyncio.run(read()) == token.sid
        assert Store(Config(redis_url=server.url)).count() == 0
        with WorkerProcess(tmp_path, url, WIKI_REDIS_PASSWORD_FILE=str(tmp_path / "password")) as worker:
            wait_until(lambda: worker.ends == {brief.sid: "expired"}, "the end of the brief session")
            worker.wait_for_log(f"listening at {tmp_path}/redis.sock")
            assert worker.stop() == 0
        assert "hunter2" not in worker.log
