"""``python -m demo``."""

import sys

from .runner import main

sys.exit(main())
