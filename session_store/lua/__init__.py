"""The scripts, read by `session_store.scripts`; a package, so that they are found wherever it is installed."""
