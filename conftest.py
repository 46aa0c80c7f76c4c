"""For every test of this repository: the tool's, the kit's and each service's."""

# In the order in which they import each other.
pytest_plugins = ["plugins.guard", "plugins.abilities", "plugins.leftovers", "plugins.order", "plugins.unrun"]
