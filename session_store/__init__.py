"""The kernel that site, wiki and worker share: sessions in Redis, and what is said of them."""

from .async_store import AsyncStore
from .config import Config
from .errors import BadRecord, ConfigurationError, SessionStoreError, StoreUnavailable
from .records import Person, Record
from .sessions import UNWANTED, Check, Opening, Reason, Ref, Session
from .store import Store
from .tokens import Token, make_nonce, make_token, parse_token, token_in_header

__all__ = [
    "UNWANTED",
    "AsyncStore",
    "BadRecord",
    "Check",
    "Config",
    "ConfigurationError",
    "Opening",
    "Person",
    "Reason",
    "Record",
    "Ref",
    "Session",
    "SessionStoreError",
    "Store",
    "StoreUnavailable",
    "Token",
    "make_nonce",
    "make_token",
    "parse_token",
    "token_in_header",
]
