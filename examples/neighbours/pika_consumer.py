"""Consumes orders with pika from a durable queue, and prints a line for each."""

import os

from orders import printed

# snippet: pika-consumer
import json
import pika


def consume(queue, handle):
    connection = pika.BlockingConnection(pika.URLParameters(os.environ["RABBIT_URI"]))
    channel = connection.channel()
    channel.queue_declare(queue=queue, durable=True)
    channel.basic_qos(prefetch_count=50)

    def on_message(channel, method, properties, body):
        handle(json.loads(body))
        channel.basic_ack(delivery_tag=method.delivery_tag)

    channel.basic_consume(queue=queue, on_message_callback=on_message)
    channel.start_consuming()
# end


print("ready", flush=True)
consume(os.environ["QUEUE"], lambda order: printed(order["customerId"], order))
