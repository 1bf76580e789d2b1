"""Produces orders with confluent-kafka (librdkafka)."""

import os

from orders import orders

# snippet: confluent-producer
import json
from confluent_kafka import Producer

producer = Producer({
    "bootstrap.servers": os.environ["KAFKA_BROKERS"],
    "enable.idempotence": True,
    "partitioner": os.environ.get("PARTITIONER", "murmur2_random"),
})


def failed(error, message):
    if error is not None:
        raise RuntimeError(error)


def order_created(topic, order):
    producer.produce(topic, key=order["customerId"], value=json.dumps(order), on_delivery=failed)
    producer.poll(0)
# end


created = orders()
for order in created:
    order_created(os.environ["TOPIC"], order)
if producer.flush(30) > 0:
    raise RuntimeError("not all orders were sent")
print(f"sent {len(created)}")
