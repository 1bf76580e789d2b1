// Produces orders with the CloudEvents SDK over kafkajs, in binary or structured mode.
const { orders } = require('./orders');

// snippet: cloudevents-producer
const { CloudEvent, Kafka: KafkaMessage } = require('cloudevents');
const { Kafka } = require('kafkajs');

const kafka = new Kafka({ clientId: 'order-service', brokers: [process.env.KAFKA_BROKERS] });
const producer = kafka.producer();

async function ordersCreated(topic, orders, mode) {
  await producer.send({ topic, messages: orders.map((order) => message(order, mode)) });
}

function message(order, mode) {
  const event = new CloudEvent({
    type: 'order.created',
    source: '/order-service',
    id: order.eventId,
    partitionkey: order.customerId,
    datacontenttype: 'application/json',
    data: order,
  });
  const { key, headers, value } = KafkaMessage[mode](event);
  return { key, headers: present(headers), value: text(value) };
}

// The SDK returns a header for each attribute, undefined ones too, and in binary mode the data as it was given.
function present(headers) {
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
}

function text(value) {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
// end

async function main() {
  await producer.connect();
  const created = orders();
  await ordersCreated(process.env.TOPIC, created, process.env.MODE);
  await producer.disconnect();
  console.log(`sent ${created.length}`);
}

main().catch((failure) => {
  console.error(failure);
  process.exit(1);
});
