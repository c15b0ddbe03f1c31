"""The data plane: thin shells around `stator_core` that do the effects and take no decisions."""
