"""Produces one message for each key with the default partitioner of kafka-python."""

import os

from kafka import KafkaProducer

producer = KafkaProducer(bootstrap_servers=os.environ["KAFKA_BROKERS"])
keys = int(os.environ["KEYS"])
for i in range(keys):
    producer.send(os.environ["TOPIC"], key=f"key-{i}".encode(), value=b"{}")
producer.flush(timeout=30)
producer.close()
print(f"sent {keys}")
