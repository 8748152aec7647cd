from __future__ import annotations

from session_store import Config, Store
from worker.lane import lanes_of


def test_one_server_is_one_lane_with_all_shards():
    (lane,) = lanes_of(Store(Config(redis_url="redis://localhost:6379/0", redis_shards=3)))
    assert [keys.number for keys in lane.shards] == [0, 1, 2]
    assert lane.label == ""


def test_each_shard_of_a_cluster_is_a_lane_that_is_called_after_it_and_shares_nothing():
    lanes = lanes_of(Store(Config(redis_url="redis+cluster://localhost:7000", redis_shards=3)))
    assert [[keys.number for keys in lane.shards] for lane in lanes] == [[0], [1], [2]]
    assert [lane.label for lane in lanes] == [" 0", " 1", " 2"]
    assert len({id(lane.soon) for lane in lanes} | {id(lane.behind) for lane in lanes}) == 6


def test_a_single_shard_of_a_cluster_needs_no_label():
    (lane,) = lanes_of(Store(Config(redis_url="redis+cluster://localhost:7000")))
    assert lane.label == ""
