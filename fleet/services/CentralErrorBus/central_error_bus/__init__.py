"""CentralErrorBus: takes the fleet's errors, keeps them, groups them, and tells who listens."""
