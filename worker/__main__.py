"""``python -m worker`` is the console script ``wiki-worker``."""

import sys

from .cli import main

sys.exit(main())
