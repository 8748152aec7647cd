"""Ways in which a Redis refuses a client, and what people must be told of each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .servers import RedisServer

#: The word that nobody may see.
SECRET = "hunter2"

#: What stands in the URL before the host → what the log must say.
REFUSALS = {
    "": "wants a password",
    f":{SECRET}@": "refuses the password of the default user",
    f"nobody:{SECRET}@": "refuses the password of user 'nobody', or knows no such user",
    f"weak:{SECRET}@": "user 'weak' may not run evalsha",
    f"blind:{SECRET}@": "user 'blind' may not do that to keys",
}


@contextmanager
def refusing_server() -> Iterator[RedisServer]:
    """A server that refuses everybody but its administrator, each in another way."""
    with RedisServer(clear=True, requirepass="the-right-one") as server:
        with server.client() as client:
            client.execute_command("ACL", "SETUSER", "weak", "on", f">{SECRET}", "~*", "&*", "+@read")
            client.execute_command("ACL", "SETUSER", "blind", "on", f">{SECRET}", "~other:*", "&*", "+@all")
        yield server


def refused_url(server: RedisServer, who: str) -> str:
    """Return the URL of a client that is refused."""
    return f"redis://{who}127.0.0.1:{server.port}/0"
