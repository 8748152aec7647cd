"""The wiki's configuration: everybody reads, who is known writes, and only the site says who that is."""

from __future__ import annotations

import os
from pathlib import Path

from moin.config import AclConfig, IndexStorageConfig
from moin.config.default import DefaultConfig
from moin.constants.namespaces import (
    NAMESPACE_DEFAULT,
    NAMESPACE_USERPROFILES,
    NAMESPACE_USERS,
)
from moin.storage import create_mapping
from moin.utils import get_xstatic_module_path_map

from moin_auth import ExternalCookie

HERE = Path(__file__).resolve().parent
VAR = Path(os.environ["DEMO_VAR"])
INSTANCE = Path(os.environ.get("DEMO_WIKI_INSTANCE") or VAR / "wiki")
SITE_URL = f"http://localhost:{os.environ['SITE_PORT']}/"


def _acl(default: str) -> AclConfig:
    return AclConfig(before="", default=default, after="", hierarchic=False)


class Config(DefaultConfig):
    """What differs from moin's defaults."""

    # The one log-in. Where Redis and the site are, it reads from the environment.
    auth = [ExternalCookie(autocreate=True)]  # noqa: RUF012 - moin's way

    sitename = "Surf Club wiki"
    interwikiname = "SurfClubWiki"
    interwiki_map = {  # noqa: RUF012 - moin's way
        "Self": os.environ["WIKI_URL"],
        "SurfClubWiki": os.environ["WIKI_URL"],
        "Site": SITE_URL,  # so that pages link to the site on whatever port it is today
    }

    email_tracebacks = False  # moin asks for it and has no default

    wikiconfig_dir = str(HERE)
    instance_dir = str(INSTANCE)
    data_dir = str(INSTANCE / "data")
    wiki_local_dir = str(INSTANCE / "local")
    index_storage = IndexStorageConfig(name="FileStorage", args=(str(INSTANCE / "index"),), kwargs={})
    serve_files = get_xstatic_module_path_map(["font_awesome", "svgedit_moin", "pygments"])

    namespaces = {  # noqa: RUF012 - moin's way
        NAMESPACE_DEFAULT: "default",
        NAMESPACE_USERS: "users",
        NAMESPACE_USERPROFILES: "userprofiles",
    }
    uri = f"stores:fs:{data_dir}/%(backend)s/%(kind)s"
    namespace_mapping, backend_mapping, acl_mapping = create_mapping(
        uri,
        namespaces,
        dict.fromkeys(namespaces.values(), uri),
        {
            NAMESPACE_DEFAULT: _acl("Known:read,write,create,destroy All:read"),
            NAMESPACE_USERS: _acl("Known:read,write,create,destroy All:read"),
            NAMESPACE_USERPROFILES: AclConfig(before="All:", default="", after="", hierarchic=False),
        },
    )
    default_root = "Home"


MOINCFG = Config
SECRET_KEY = (VAR / "secrets" / "wiki").read_text()
SESSION_COOKIE_NAME = "moin_session"  # cookies ignore ports: a name that no other program on localhost uses
SESSION_COOKIE_SAMESITE = "Lax"
