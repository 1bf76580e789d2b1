"""Sends orders with pika to a durable queue."""

import os

from orders import orders

# snippet: pika-producer
import json
import pika


def open_channel(queue):
    connection = pika.BlockingConnection(pika.URLParameters(os.environ["RABBIT_URI"]))
    channel = connection.channel()
    channel.queue_declare(queue=queue, durable=True)
    channel.confirm_delivery()
    return connection, channel


def order_created(channel, queue, order):
    channel.basic_publish(
        exchange="",
        routing_key=queue,
        body=json.dumps(order),
        properties=pika.BasicProperties(delivery_mode=2),
    )
# end


created = orders()
connection, channel = open_channel(os.environ["QUEUE"])
for order in created:
    order_created(channel, os.environ["QUEUE"], order)
connection.close()
print(f"sent {len(created)}")
