"""A whole site, wiki, Redis and worker on one machine: ``python -m demo``."""
