"""What the programs in this folder have in common: orders to send, and the line for one that was received."""

import os


def orders():
    """COUNT orders of KEYS customers; the orders of a customer are numbered from 0."""
    count = int(os.environ["COUNT"])
    keys = int(os.environ.get("KEYS", "20"))
    prefix = os.environ.get("PREFIX", "order")
    return [
        {"eventId": f"{prefix}-{i}", "customerId": f"customer-{i % keys}", "number": i // keys}
        for i in range(count)
    ]


def printed(key, order):
    """Prints what the test reads: key, number and id."""
    print(f"received {key} {order['number']} {order['eventId']}", flush=True)
