"""Produces one message for each key with a partitioner of librdkafka; an empty PARTITIONER is its default."""

import os

from confluent_kafka import Producer

config = {"bootstrap.servers": os.environ["KAFKA_BROKERS"]}
if os.environ["PARTITIONER"]:
    config["partitioner"] = os.environ["PARTITIONER"]
producer = Producer(config)
keys = int(os.environ["KEYS"])
for i in range(keys):
    producer.produce(os.environ["TOPIC"], key=f"key-{i}", value="{}")
if producer.flush(30) > 0:
    raise RuntimeError("not all messages were sent")
print(f"sent {keys}")
