# Run a node of the cluster in its directory: node.sh NUMBER SERVER CONFIGURATION, with the first node's port in CLUSTER_PORT.

# A node removes its pid file when it ends in order. One that was killed leaves it: then its replica is to take over, which
# takes about three seconds, before it comes back.
test -e node.pid && sleep 10

exec "$2" "$3" --port $((CLUSTER_PORT + $1 - 1)) --bind 127.0.0.1 --dir . --pidfile node.pid --save "" \
    --cluster-enabled yes --cluster-config-file nodes.conf --cluster-node-timeout 2000 --cluster-require-full-coverage no \
    --repl-diskless-sync-delay 0
