"""`python -m servicekit` in a service's folder: runs the service until SIGTERM."""

from __future__ import annotations

import sys

from servicekit.run import main

if __name__ == "__main__":
    main(sys.argv[1:])
