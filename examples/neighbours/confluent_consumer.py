"""Consumes orders with confluent-kafka (librdkafka), and prints a line for each."""

import os

from orders import printed

# snippet: confluent-consumer
import json
from confluent_kafka import Consumer


def consume(topic, handle):
    consumer = Consumer({
        "bootstrap.servers": os.environ["KAFKA_BROKERS"],
        "group.id": os.environ["GROUP"],
        "auto.offset.reset": "earliest",
    })
    consumer.subscribe([topic])
    while True:
        message = consumer.poll(1.0)
        if message is None:
            continue
        if message.error():
            raise RuntimeError(message.error())
        handle(message.key().decode(), json.loads(message.value()))
# end


consume(os.environ["TOPIC"], printed)
