"""Produces orders with kafka-python (Debian: python3-kafka)."""

import os

from orders import orders

# snippet: kafka-python-producer
import json
from kafka import KafkaProducer

producer = KafkaProducer(
    bootstrap_servers=os.environ["KAFKA_BROKERS"],
    key_serializer=str.encode,
    value_serializer=lambda order: json.dumps(order).encode(),
)


def order_created(topic, order):
    producer.send(topic, key=order["customerId"], value=order)
# end


created = orders()
for order in created:
    order_created(os.environ["TOPIC"], order)
producer.flush(timeout=30)
producer.close()
print(f"sent {len(created)}")
