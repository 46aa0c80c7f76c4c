"""The kit's folder has the kit's name, and pytest names test modules after folders: the package has to come first."""

from __future__ import annotations

import servicekit

assert servicekit.__file__, "the folder servicekit/ was imported in place of the package"
