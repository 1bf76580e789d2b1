// Produces orders with kafkajs: a key, and a body of JSON.
const { orders } = require('./orders');

// snippet: kafkajs-producer
const { Kafka } = require('kafkajs');

const kafka = new Kafka({ clientId: 'order-service', brokers: [process.env.KAFKA_BROKERS] });
const producer = kafka.producer();

async function orderCreated(topic, order) {
  await producer.send({
    topic,
    messages: [{ key: order.customerId, value: JSON.stringify(order) }],
  });
}
// end

async function main() {
  await producer.connect();
  const created = orders();
  for (const order of created) {
    await orderCreated(process.env.TOPIC, order);
  }
  await producer.disconnect();
  console.log(`sent ${created.length}`);
}

main().catch((failure) => {
  console.error(failure);
  process.exit(1);
});
