"""How fast it is, beside the alternatives, on servers that it starts itself. ``make bench``, ``make bench-quick``."""
