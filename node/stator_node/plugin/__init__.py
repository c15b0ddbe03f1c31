"""`kubectl stator`: a running pool seen, and steered, from where `kubectl` works."""
