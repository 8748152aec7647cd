"""The audit table: filled from the stream, told of, and cleared of what is old."""
