"""What MoinMoin 1.9 needs of the module `imp`, which is gone since Python 3.12: packages are loaded by directory."""

import importlib.util
import os
import sys
import types


def find_module(name, places):
    """Return what `load_module` takes."""
    return None, os.path.join(places[0], name), None


def load_module(name, file, path, description):
    """Load a package under a name."""
    place = os.path.join(path, "__init__.py")
    spec = importlib.util.spec_from_file_location(name, place, submodule_search_locations=[path])
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def install():
    """Put it where `import imp` finds it."""
    imp = types.ModuleType("imp")
    imp.find_module, imp.load_module = find_module, load_module
    imp.acquire_lock = imp.release_lock = lambda: None
    sys.modules["imp"] = imp
