"""The bill of materials of an image, read off its finished file system. A build step: it runs inside of builds only."""
