"""The shop's shipping service in Python: takes parcels from a queue with pika, and prints a line for each."""

import os

# snippet: shipping-service
import json
import pika


def consume(ship):
    connection = pika.BlockingConnection(pika.URLParameters(os.environ["RABBIT_URI"]))
    channel = connection.channel()
    channel.queue_declare(queue="parcels", durable=True)

    def on_parcel(channel, method, properties, body):
        ship(json.loads(body))
        channel.basic_ack(delivery_tag=method.delivery_tag)

    channel.basic_consume(queue="parcels", on_message_callback=on_parcel)
    channel.start_consuming()
# end


consume(lambda parcel: print(f"shipped {parcel['orderId']} {parcel['pieces']}", flush=True))
