"""Entry point of `python -m dockwright`; the launcher `./dockwright` ends here."""

import sys

from dockwright.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
