// What the programs in this folder have in common: orders to send, and the line for one that was received.
const { readFileSync } = require('node:fs');

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

/** The objects of a file with one line of JSON for each. */
function lines(file) {
  return readFileSync(file, 'utf8').split('\n').filter((line) => line).map((line) => JSON.parse(line));
}

module.exports = { lines, orders, printed };
