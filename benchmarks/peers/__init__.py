"""The same task as other libraries do it, each run by an interpreter of its own (`make peers`)."""
