"""How site and wiki are served."""

worker_class = "gthread"
workers = 1
threads = 8  # a browser opens six connections at once

#: Seconds for requests under way when the demo stops; supervisord waits longer before it kills.
graceful_timeout = 3

#: There is one supervisor already; gunicorn's own control socket would lie in the user's home directory.
control_socket_disable = True

#: Loaded before the fork: what can't be loaded ends the program at once, instead of being tried again for ever.
preload_app = True
