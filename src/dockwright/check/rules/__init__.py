"""One rule a module; see dockwright.check.registry."""
