// Consumes events with the CloudEvents SDK over kafkajs, and prints a line for each.
const { printed } = require('./orders');

// snippet: cloudevents-consumer
const { Kafka: KafkaMessage } = require('cloudevents');
const { Kafka } = require('kafkajs');

const kafka = new Kafka({ clientId: 'mail-service', brokers: [process.env.KAFKA_BROKERS] });
const consumer = kafka.consumer({ groupId: process.env.GROUP });

async function consume(topic, handle) {
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      const headers = Object.fromEntries(
        Object.entries(message.headers).map(([name, value]) => [name, value.toString()]));
      handle(KafkaMessage.toEvent({ key: message.key.toString(), headers, value: message.value.toString() }));
    },
  });
}
// end

consume(process.env.TOPIC, (event) => printed(event.partitionkey, dataOf(event))).catch((failure) => {
  console.error(failure);
  process.exit(1);
});

function dataOf(event) {
  if (event.type !== 'order.created') {
    throw new Error(`unexpected type: ${event.type}`);
  }
  return typeof event.data === 'string' ? JSON.parse(event.data) : event.data;
}
