"""Registries: images and artifacts by name and digest. What a registry answers is held against digests and bounds."""
