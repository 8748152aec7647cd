"""Other people's keys, which expire: ``python -m benchmarks.traffic URL KEYS_A_SECOND``, until it is killed."""

from __future__ import annotations

import sys
import time

import redis

#: Seconds between two handfuls.
PACE = 0.05


def main(url: str, rate: int) -> None:
    """Set keys that live for a second, at an even rate, and read what is over, as their owners would."""
    client = redis.Redis.from_url(url)
    handful = int(rate * PACE)
    script = """
        for i = ARGV[1], ARGV[2] do
          redis.call('SET', 'foreign:' .. i % ARGV[3], 'x', 'PX', 1)
          redis.call('EXISTS', 'foreign:' .. (i - ARGV[4]) % ARGV[3])
        end
    """
    run = client.register_script(script)
    first, start = 0, time.monotonic()
    while True:
        run(args=[first, first + handful - 1, 20 * rate, handful])
        first += handful
        time.sleep(max(0.0, start + first / rate - time.monotonic()))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
