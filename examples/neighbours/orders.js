// What the programs in this folder have in common: orders to send, and the line for one that was received.

/** COUNT orders of KEYS customers; the orders of a customer are numbered from 0. */
function orders() {
  const count = Number(process.env.COUNT);
  const keys = Number(process.env.KEYS || 20);
  return Array.from({ length: count }, (_, i) => ({
    eventId: `${process.env.PREFIX || 'order'}-${i}`,
    customerId: `customer-${i % keys}`,
    number: Math.floor(i / keys),
  }));
}

/** Prints what the test reads: key, number and id. */
function printed(key, order) {
  console.log(`received ${key} ${order.number} ${order.eventId}`);
}

module.exports = { orders, printed };
