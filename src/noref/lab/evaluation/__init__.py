"""How well a method agrees with people."""
