"""A wiki of MoinMoin 1.9 believes a Redis by TLS only if its certificate is that host's."""

from __future__ import annotations

import pytest

from session_store import Config, Person, Store, make_nonce, make_token
from tests.certificates import Authority
from tests.servers import RedisServer


@pytest.mark.parametrize(("host", "name"), [("127.0.0.1", "sally"), ("elsewhere.example", None)])
def test_only_the_hosts_own_certificate_counts(host, name, make_wiki, tmp_path) -> None:
    certificates = Authority(tmp_path / "tls").issue(host)
    with RedisServer(tls=certificates, blind=name is None) as redis:
        url = f"rediss://127.0.0.1:{redis.port}/0?{certificates.options}"
        token = make_token(b"the site's", make_nonce(), 0, 0)
        Store(Config(redis_url=f"{url}&ssl_check_hostname=false", redis_timeout=15)).open(
            token, Person("1", "sally"), age=3_600_000
        )
        wiki = make_wiki(redis=redis, method={"redis_url": url})
        assert wiki.reader(token.value).name() == name
