from __future__ import annotations

import asyncio
import socketserver
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

import pytest

from session_store import AsyncStore, Config, Store, StoreUnavailable
from session_store.async_connections import MOST, async_client
from session_store.scripts import Command
from tests.servers import RedisServer, free_port
from tests.session_store.samples import HARRY, HOUR, SALLY, ends, new_token, opened, ref_of

T = TypeVar("T")

#: Seconds; short, so that a hung server costs the tests little.
TIMEOUT = 0.2

#: What a loaded machine may add.
LEEWAY = 0.4


def run(config: Config, work: Callable[[AsyncStore], Awaitable[T]]) -> T:
    """Do some work in an event loop of its own."""

    async def main() -> T:
        store = AsyncStore(config)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(main())


def test_every_verb_does_what_the_verb_of_the_same_name_does(store):
    first, second, third, lost = (new_token() for _ in range(4))

    async def work(site: AsyncStore) -> None:
        assert (await site.open(first, SALLY, age=HOUR)).status == "opened"
        assert (await site.open(first, SALLY, age=HOUR)).status == "alive"
        assert await site.read(first) == store.read(first)
        assert (await site.check([first, second]))[0].session == store.read(first)
        assert 0 < await site.renew(first, age=HOUR) <= HOUR
        opening = await site.open(second, SALLY, age=HOUR, replaces=[ref_of(first)], lost=ref_of(lost))
        assert opening.status == "opened"
        assert await site.read(first) is None
        await site.open(third, HARRY, age=HOUR)
        assert [end.reason for end in await site.end_user("1", "revoked", actor="9")] == ["revoked"]
        assert [end.ref.sid for end in await site.end_all([ref_of(third)], "logout")] == [third.sid]
        assert await site.end_for_good([ref_of(lost, SALLY)], "logout", keep=HOUR) == []
        assert (await site.open(lost, SALLY, age=HOUR)).status == "ended"
        assert await site.read(new_token(7)) is None
        assert await site.renew(new_token(7)) is None

    run(store.config, work)
    assert ends(store) == {first.sid: "replaced", second.sid: "revoked", third.sid: "logout"}


def test_what_goes_beside_a_check_costs_no_round_trip_of_its_own(store, raw):
    token = opened(store)
    seen = []
    (check,) = run(store.config, lambda site: site.check([token], beside=[Command(("INCR", "beside"), seen.append)]))
    assert check.session
    assert (seen, raw.get("beside")) == ([1], b"1")


def test_a_redis_that_has_forgotten_the_scripts_learns_them_again(store, raw):
    token = opened(store)

    async def work(site: AsyncStore) -> None:
        raw.script_flush()
        assert await site.read(token)
        raw.script_flush()
        assert all(check.session for check in await site.check([token, token]))

    run(store.config, work)


def test_many_tasks_share_a_bounded_number_of_connections(store, raw):
    tokens = [opened(store) for _ in range(4 * MOST)]
    before = raw.info("stats")["total_connections_received"]

    async def work(site: AsyncStore) -> None:
        sessions = await asyncio.gather(*map(site.read, tokens))
        assert [session.ref.sid for session in sessions] == [token.sid for token in tokens]

    run(store.config, work)
    assert raw.info("stats")["total_connections_received"] - before <= MOST


def test_each_event_loop_has_connections_of_its_own(store):
    token = opened(store)

    async def client_of(site: AsyncStore) -> object:
        assert await site.read(token)
        return async_client(site.config)

    assert run(store.config, client_of) is not run(store.config, client_of)


def test_a_task_that_is_cancelled_leaves_no_answer_for_the_next_one(store, raw):
    tokens = [opened(store) for _ in range(30)]

    async def work(site: AsyncStore) -> None:
        for token in tokens:
            task = asyncio.create_task(site.read(token))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            session = await site.read(tokens[0])
            assert session.ref.sid == tokens[0].sid

    run(store.config, work)


def test_a_hung_redis_costs_one_timeout_and_then_nothing_for_a_second():
    with RedisServer() as server:
        server.pause()

        async def work(site: AsyncStore) -> tuple[float, float]:
            began = time.monotonic()
            failed = await asyncio.gather(*(site.read(new_token()) for _ in range(2 * MOST)), return_exceptions=True)
            assert all(isinstance(error, StoreUnavailable) for error in failed)
            waited = time.monotonic()
            with pytest.raises(StoreUnavailable, match="waiting to retry"):
                await site.read(new_token())
            return waited - began, time.monotonic() - waited

        first, second = run(Config(redis_url=server.url, redis_timeout=TIMEOUT), work)
        assert first < 2 * TIMEOUT + LEEWAY
        assert second < TIMEOUT
        server.resume()


def test_a_redis_that_is_away_is_said_to_be_unavailable():
    config = Config(redis_url=f"redis://:secret@127.0.0.1:{free_port()}/0")
    with pytest.raises(StoreUnavailable) as caught:
        run(config, lambda site: site.read(new_token()))
    assert "secret" not in str(caught.value)


def test_an_error_of_one_request_among_many_is_an_error(store, raw):
    token = opened(store)
    raw.delete(store.keys.shards[0].records)
    raw.set(store.keys.shards[0].records, "garbage")
    with pytest.raises(StoreUnavailable):
        run(store.config, lambda site: site.check([token, new_token()]))
    raw.delete(store.keys.shards[0].records)
    Store(store.config).end_all([ref_of(token)], "lost")


@contextmanager
def speaking(nonsense: bytes) -> Iterator[str]:
    """Answer whatever is asked with the same bytes; yield the URL."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            while self.request.recv(4096):
                self.request.sendall(nonsense)

    class Server(socketserver.ThreadingTCPServer):
        block_on_close = False  # a client's pool may keep its connection
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"redis://127.0.0.1:{server.server_address[1]}/0?protocol=2"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    "nonsense", [b"+OK\r\n", b":1\r\n", b"*1\r\n$1\r\nx\r\n", b"$-1\r\n", b"*0\r\n", b"HTTP/1.1 400"]
)
def test_an_answer_that_makes_no_sense_proves_nothing(nonsense):
    with speaking(nonsense) as url:
        config = Config(redis_url=url, redis_timeout=TIMEOUT)
        store = Store(config)
        for read in (lambda: run(config, lambda site: site.read(new_token())), lambda: store.read(new_token())):
            session = None
            with suppress(StoreUnavailable):
                session = read()
            assert session is None
        store.redis.close()
