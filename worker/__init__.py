"""The worker: hears that sessions end, prunes what they leave, and writes each end to the audit log."""
