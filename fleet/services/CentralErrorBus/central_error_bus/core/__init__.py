"""What an error is, which group it belongs to, and who asked for it. Pure: no I/O, no clock."""
