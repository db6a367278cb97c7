"""``python -m crmintel`` is the command ``crmintel``."""

import sys

from crmintel.cli import main

sys.exit(main())
