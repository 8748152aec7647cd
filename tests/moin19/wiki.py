# -*- coding: utf-8 -*-
"""A wiki of MoinMoin 1.9, for its own interpreter: ``python wiki.py PORT DIRECTORY OPTIONS``.

It runs on Python 2.7 too. OPTIONS is a JSON object: ``method``, the arguments of ExternalCookie; ``config``, settings
of the wiki; ``root``, the path below which it is; ``others``, whether another auth method stands beside ours;
``users``, accounts of the wiki's own that it is to have: lists of name, address and password; ``old``, the URL of the
Redis that the auth class of 2012 asks, in place of ours.
"""

import json
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[0] = ROOT  # not this directory

from werkzeug.serving import run_simple  # noqa: E402 - sys.path first

PLUGINS = ("action", "converter", "events", "filter", "formatter", "macro", "parser", "theme", "userprefs", "xmlrpc")

PACKAGE = "from MoinMoin.util import pysupport\nmodules = pysupport.getPackageModules(__file__)\n"


def make_data(place):
    """Make an empty wiki's directories."""
    for name in ("pages", "user", "cache", "plugin"):
        make_directory(os.path.join(place, "data", name))
    write(os.path.join(place, "data", "plugin", "__init__.py"), "")
    for name in PLUGINS:
        make_directory(os.path.join(place, "data", "plugin", name))
        write(os.path.join(place, "data", "plugin", name, "__init__.py"), PACKAGE)
    for name in ("edit-log", "event-log"):
        write(os.path.join(place, "data", name), "")


def make_directory(path):
    """Make a directory where there is none."""
    if not os.path.isdir(path):
        os.makedirs(path)


def write(path, text):
    """Write a small file where there is none."""
    if not os.path.exists(path):
        with open(path, "w") as new:
            new.write(text)


def configure(place, options):
    """Make the wiki's configuration importable, as MoinMoin wants it."""
    from MoinMoin.auth import MoinAuth
    from MoinMoin.config import multiconfig

    from moin_auth.moin19 import ExternalCookie

    if options.get("old"):
        from tests.moin19.old_auth import OldExternalCookie

        method = OldExternalCookie(options["old"])
    else:
        method = ExternalCookie(**options.get("method", {}))

    class Config(multiconfig.DefaultConfig):
        sitename = "Test wiki"
        interwikiname = "TestWiki"
        data_dir = os.path.join(place, "data")
        data_underlay_dir = None
        page_front_page = "Home"
        secrets = "only for tests, and long enough"
        language_ignore_browser = True
        surge_action_limits = None
        user_checkbox_defaults = {"edit_on_doubleclick": 0}  # with it, pages that can be edited are a 500 in py3moin
        auth = [MoinAuth(), method] if options.get("others") else [method]

    for name, value in options.get("config", {}).items():
        setattr(Config, name, value)
    module = type(sys)("wikiconfig")
    module.Config, module.__file__ = Config, __file__
    sys.modules["wikiconfig"] = module


def make_users(users):
    """Make accounts of the wiki's own."""
    from MoinMoin import user
    from MoinMoin.web.contexts import ScriptContext

    context = ScriptContext()
    for name, email, password in users:
        if not user.getUserId(context, name):
            account = user.User(context)
            account.name, account.email = name, email
            account.enc_password = user.encodePassword(context.cfg, password)
            account.save()


def mend_xml_rpc():
    """Give py3moin back what it mislaid, so that its XML-RPC can be tried.

    A function there has the name of a module that it needs, and what it returns is no response.
    """
    import xmlrpc.client

    import MoinMoin.xmlrpc

    handler = MoinMoin.xmlrpc.xmlrpc2
    MoinMoin.xmlrpc.xmlrpc.client = xmlrpc.client
    MoinMoin.xmlrpc.xmlrpc2 = lambda context: handler(context).response


def below(app, root):
    """Tell a wiki which part of a path is its own."""

    def answer(environ, start_response):
        if environ["PATH_INFO"].startswith(root):
            environ["SCRIPT_NAME"], environ["PATH_INFO"] = root, environ["PATH_INFO"][len(root) :]
        return app(environ, start_response)

    return answer if root else app


def main(port, place, options):
    """Serve until killed."""
    if sys.version_info >= (3, 12):
        from tests.moin19 import old_imp

        old_imp.install()
    make_data(place)
    configure(place, options)
    if options.get("users"):
        make_users(options["users"])
    if sys.version_info > (3,):
        mend_xml_rpc()
    from MoinMoin.web.serving import make_application

    app = make_application(shared=False)
    run_simple("127.0.0.1", port, below(app, str(options.get("root", ""))), threaded=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]))
