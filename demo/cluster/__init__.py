"""A cluster of Redis nodes: the demo joins and watches one by this, and so do the tests."""
