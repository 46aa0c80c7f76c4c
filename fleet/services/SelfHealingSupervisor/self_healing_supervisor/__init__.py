"""SelfHealingSupervisor: heals the instances of one machine; `filter` is the guard before the Docker socket."""
