"""System checks: what is wrong with the settings is said before anybody logs in. An id never changes its meaning.

What E001 means, and so on, is said in docs/site.md too.
"""

from . import basics, cookies, deployment, middleware, reach, sessions, shards, transport

__all__ = ["basics", "cookies", "deployment", "middleware", "reach", "sessions", "shards", "transport"]
