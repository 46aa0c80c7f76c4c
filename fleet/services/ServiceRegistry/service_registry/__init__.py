"""ServiceRegistry: who is alive, where, and able to do what."""
