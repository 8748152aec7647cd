"""One benchmark a file; each has ``run(scale)``, which returns a `Result`."""
