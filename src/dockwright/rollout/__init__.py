"""From images to running instances: what runs here, the compose file for it, and whether it is healthy."""
