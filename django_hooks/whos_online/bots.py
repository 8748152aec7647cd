"""Who is no person: search engines, feed readers, link checkers, as far as they say so."""

from __future__ import annotations

from functools import cache, lru_cache

from crawlerdetect import CrawlerDetect

#: Characters of a user agent that are looked at; a longer one says nothing more, and takes long to read.
LOOKED_AT = 256

#: User agents whose reading is remembered.
REMEMBERED = 2048


def is_bot(user_agent: str) -> bool:
    """Whether a user agent is that of a bot."""
    return _is_bot(user_agent[:LOOKED_AT])


def get_ready() -> None:
    """Take the tenth of a second that the first answer takes before anybody waits for it."""
    _is_bot("x")


@lru_cache(REMEMBERED)
def _is_bot(user_agent: str) -> bool:
    return bool(_detector().is_crawler(user_agent))


@cache
def _detector() -> CrawlerDetect:
    return CrawlerDetect()
