"""What keeps the demo from running, in a sentence for the person who started it."""


class DemoError(Exception):
    """The demo can't go on; its text says why and what to do."""
