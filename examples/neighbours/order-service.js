// The shop's order service in Node: produces the orders of a file with kafkajs.
const { lines } = require('./orders');

// snippet: order-service
const { Kafka } = require('kafkajs');

const kafka = new Kafka({ clientId: 'order-service', brokers: [process.env.KAFKA_BROKERS] });
const producer = kafka.producer();

async function orderCreated(order) {
  await producer.send({
    topic: 'orders',
    messages: [{ key: order.orderId, value: JSON.stringify(order) }],
  });
}
// end

async function main() {
  await producer.connect();
  const orders = lines(process.env.FILE);
  for (const order of orders) {
    await orderCreated(order);
  }
  await producer.disconnect();
  console.log(`sent ${orders.length}`);
}

main().catch((failure) => {
  console.error(failure);
  process.exit(1);
});
