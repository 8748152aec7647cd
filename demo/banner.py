"""What the demo says when all is up."""

from __future__ import annotations

from pathlib import Path

from .config import COOKIE_AGE, Config
from .redis_kind import Redis


def banner(config: Config, redis: Redis, seconds: float) -> str:
    """Return where everything is, and what to try."""
    age = f"{config.cookie_age} s" if config.cookie_age < 120 else f"{config.cookie_age / 60:g} minutes"
    hint = f"  (DEMO_COOKIE_AGE=30 {config.command}: watch one run out)" if config.cookie_age == COOKIE_AGE else ""
    return f"""
One log-in for a site and its wiki: all up after {seconds:.1f} s

  Site       {config.site_url}   log in as sally or harry, password surf
  Admin      {config.site_url}admin/   log in as admin, password surf: who is on, and what happened
  Wiki       {config.wiki_url}   Login there leads to the site and back; Logout leaves both
  Sessions   end {age} after log-in{hint}
  Audit log  {_short(config.audit_log)}   shown below as it grows
  Redis      {redis.describe()}
  Logs       {_short(config.logs)}   of each program

Ctrl-C stops everything; users, pages and the log are kept.
"""


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
