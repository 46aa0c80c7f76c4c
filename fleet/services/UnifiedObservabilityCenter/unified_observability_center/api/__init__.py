"""The HTTP API. Reads are open; what is told to us asks for the fleet's token."""
