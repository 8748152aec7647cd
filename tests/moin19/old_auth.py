"""The auth class of 2012, in its essence; it runs on Python 2.7 too."""

import redis
from MoinMoin import user
from MoinMoin.auth import BaseAuth


class OldExternalCookie(BaseAuth):
    """Believes ``name#address#key`` where the key is in the sorted set."""

    name = "external_cookie"

    def __init__(self, redis_url):
        BaseAuth.__init__(self)
        self._redis_url = redis_url

    def request(self, request, user_obj, **kw):
        """Return the user whom the cookie names."""
        parts = kw["cookie"].get("old_wiki_cookie", "").split("#")
        if len(parts) != 3 or redis.Redis.from_url(self._redis_url).zscore("wiki_cookie_keys", parts[2]) is None:
            return user_obj, True
        found = user.User(request, name=parts[0], auth_username=parts[0], auth_method=self.name)
        changed = found.email != parts[1]
        found.email = parts[1]
        found.create_or_update(changed)
        return found, False
