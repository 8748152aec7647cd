"""The demo's MoinMoin wiki."""
