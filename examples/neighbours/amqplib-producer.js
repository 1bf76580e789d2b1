// Sends orders with amqplib to a durable queue.
const { orders } = require('./orders');

// snippet: amqplib-producer
const amqp = require('amqplib');

async function open(queue) {
  const connection = await amqp.connect(process.env.RABBIT_URI);
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue(queue, { durable: true });
  return { connection, channel };
}

function orderCreated(channel, queue, order) {
  channel.sendToQueue(queue, Buffer.from(JSON.stringify(order)), { persistent: true });
}
// end

async function main() {
  const queue = process.env.QUEUE;
  const { connection, channel } = await open(queue);
  const created = orders();
  for (const order of created) {
    orderCreated(channel, queue, order);
  }
  await channel.waitForConfirms();
  await connection.close();
  console.log(`sent ${created.length}`);
}

main().catch((failure) => {
  console.error(failure);
  process.exit(1);
});
