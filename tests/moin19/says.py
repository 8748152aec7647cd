"""What moin_auth.moin19 makes of things, for its own interpreter: questions come and answers go as JSON."""

import json
import os
import sys

sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from moin_auth import moin19  # noqa: E402 - sys.path first

asked = json.load(sys.stdin)
sessions = moin19.Sessions("redis://localhost", "", asked["prefix"], 10, 1)
json.dump(
    {
        "tokens": [moin19.token_in_header(header, "wiki_session") for header in asked["headers"]],
        "sids": [moin19.sid_of(token) for token in asked["valid"]],
        "shards": [moin19.shard_of(token) for token in asked["valid"]],
        "logout keys": [moin19.logout_key_of(token) for token in asked["valid"]],
        "keys": [sessions.key(3, name) for name in asked["names"]],
        "users": [sessions.users_key(3, user) for user in asked["users"]],
        "scripts": [moin19.CHECK_SCRIPT, moin19.END_SCRIPT],
        "addresses": [moin19.clean(address) for address in asked["addresses"]],
        "name keys": [moin19.name_key(name) for name in asked["users"]],
        "settings": dict(moin19.SETTINGS),
        "cookies": [moin19.unquote_cookie(value) for value in asked["cookies"]],
    },
    sys.stdout,
)
