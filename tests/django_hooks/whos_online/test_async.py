"""In an event loop, all the way: nothing runs in a thread that need not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

import pytest
from asgiref.sync import iscoroutinefunction
from django.contrib.auth.models import User
from django.test import AsyncClient

from django_hooks.middleware import WhosOnlineMiddleware
from django_hooks.stores import get_async_store

from .conftest import AsyncBrowser, names, new_process, online

pytestmark = pytest.mark.django_db(transaction=True)


def run(work: Callable[[], Coroutine[None, None, None]]) -> None:
    async def whole() -> None:
        await work()
        await get_async_store().close()

    asyncio.run(whole())


async def log_in(client: AsyncClient, name: str = "sally") -> None:
    assert (await client.post("/aenter/", {"username": name})).status_code == 200


def test_members_and_guests_count(club):
    async def work() -> None:
        sally = AsyncBrowser()
        await log_in(sally)
        await AsyncBrowser("192.0.2.2").get("/auntouched/")

    run(work)
    assert names(club) == ["sally"]
    assert online(club).guests == 1


def test_a_log_out_takes_a_member_off(club):
    async def work() -> None:
        sally = AsyncBrowser()
        await log_in(sally)
        await sally.get("/leave/")

    run(work)
    assert names(club) == []
    assert online(club).guests == 1


@pytest.mark.parametrize("page", ["/awho/", "/auntouched/"])
def test_a_member_is_found_whether_or_not_the_view_asked(club, page):
    async def work() -> None:
        sally = AsyncBrowser()
        await log_in(sally)
        club.redis.flushall()
        new_process()
        for _ in range(3):
            await sally.get(page)

    run(work)
    assert names(club) == ["sally"]


def test_who_hides_may_be_asked_of_the_database(club, settings):
    settings.WHOS_ONLINE_HIDDEN = lambda user: User.objects.filter(pk=user.pk, username="sally").exists()

    async def work() -> None:
        for name in ("sally", "harry"):
            client = AsyncBrowser()
            await log_in(client, name)
            await client.get("/auntouched/")

    run(work)
    assert names(club) == ["harry"]
    assert online(club).hidden == 1


def test_a_template_in_an_event_loop_asks_for_no_user(club, settings):
    settings.WHOS_ONLINE_MEMBERS_ONLY = True

    async def work() -> None:
        sally = AsyncBrowser()
        await log_in(sally)
        response = await sally.get("/apage/")
        assert response.status_code == 200

    run(work)


def test_pages_are_made_while_redis_is_away(club, settings, caplog):
    settings.WIKI_REDIS_URL = "redis://127.0.0.1:1/0"

    async def work() -> None:
        assert (await AsyncBrowser().get("/auntouched/")).status_code == 200

    run(work)
    assert "who is online is not noted" in caplog.text


def test_the_middleware_is_what_it_stands_around():
    async def view(_: object) -> None: ...

    assert iscoroutinefunction(WhosOnlineMiddleware(view))
    assert not iscoroutinefunction(WhosOnlineMiddleware(lambda _: None))
