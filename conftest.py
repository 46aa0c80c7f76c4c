"""For every test of this repository: the tool's, the kit's and each service's."""

from __future__ import annotations

import servicekit

# pytest names test modules after folders, and the kit's folder has the kit's name: the package has to come first.
if not servicekit.__file__:
    raise RuntimeError("the folder servicekit/ was imported in place of the package")

# In the order in which they import each other.
pytest_plugins = [
    "plugins.guard",
    "plugins.order",
    "plugins.processes",
    "plugins.leftovers",
    "plugins.abilities",
    "plugins.outlived",
    "plugins.unrun",
]
