"""Requirements become locks: exact versions with hashes, layer by layer."""
