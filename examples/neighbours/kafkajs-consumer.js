// Consumes orders with kafkajs, and prints a line for each.
const { printed } = require('./orders');

// snippet: kafkajs-consumer
const { Kafka } = require('kafkajs');

const kafka = new Kafka({ clientId: 'mail-service', brokers: [process.env.KAFKA_BROKERS] });
const consumer = kafka.consumer({ groupId: process.env.GROUP });

async function consume(topic, handle) {
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      handle(message.key.toString(), JSON.parse(message.value.toString()));
    },
  });
}
// end

consume(process.env.TOPIC, printed).catch((failure) => {
  console.error(failure);
  process.exit(1);
});
