// Consumes orders with amqplib from a durable queue, and prints a line for each.
const { printed } = require('./orders');

// snippet: amqplib-consumer
const amqp = require('amqplib');

async function consume(queue, handle) {
  const connection = await amqp.connect(process.env.RABBIT_URI);
  const channel = await connection.createChannel();
  await channel.assertQueue(queue, { durable: true });
  await channel.prefetch(50);
  await channel.consume(queue, (message) => {
    handle(JSON.parse(message.content.toString()));
    channel.ack(message);
  });
}
// end

consume(process.env.QUEUE, (order) => printed(order.customerId, order))
  .then(() => console.log('ready'))
  .catch((failure) => {
    console.error(failure);
    process.exit(1);
  });
