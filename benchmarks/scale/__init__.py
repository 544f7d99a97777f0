"""Beyond one machine, beyond one person: figures of engines, stores, ranks, people and sweeps."""
