// Produces one message for each key with one of the partitioners of kafkajs: DefaultPartitioner, LegacyPartitioner.
const { Kafka, Partitioners } = require('kafkajs');

async function main() {
  const kafka = new Kafka({ clientId: 'partitions', brokers: [process.env.KAFKA_BROKERS] });
  const producer = kafka.producer({ createPartitioner: Partitioners[process.env.PARTITIONER] });
  await producer.connect();
  const messages = Array.from({ length: Number(process.env.KEYS) }, (_, i) => ({ key: `key-${i}`, value: '{}' }));
  await producer.send({ topic: process.env.TOPIC, messages });
  await producer.disconnect();
  console.log(`sent ${messages.length}`);
}

main().catch((failure) => {
  console.error(failure);
  process.exit(1);
});
