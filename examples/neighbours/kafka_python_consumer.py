"""Consumes orders with kafka-python (Debian: python3-kafka), and prints a line for each."""

import os

from orders import printed

# snippet: kafka-python-consumer
import json
from kafka import KafkaConsumer


def consume(topic, handle):
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=os.environ["KAFKA_BROKERS"],
        group_id=os.environ["GROUP"],
        auto_offset_reset="earliest",
        key_deserializer=bytes.decode,
        value_deserializer=json.loads,
    )
    for record in consumer:
        handle(record.key, record.value)
# end


consume(os.environ["TOPIC"], printed)
