"""SystemDigitalTwin: what the machines have, use and did use, and what would become of them after a change."""
