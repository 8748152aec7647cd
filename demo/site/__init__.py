"""The demo's Django site."""
