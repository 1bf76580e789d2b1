// The shop's return desk in Node: sends the returns of a file with amqplib.
const { lines } = require('./orders');

// snippet: return-desk
const amqp = require('amqplib');

async function open() {
  const connection = await amqp.connect(process.env.RABBIT_URI);
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue('returns', { durable: true });
  return { connection, channel };
}

function goodsReturned(channel, goods) {
  channel.sendToQueue('returns', Buffer.from(JSON.stringify(goods)), { persistent: true });
}
// end

async function main() {
  const { connection, channel } = await open();
  const returns = lines(process.env.FILE);
  for (const goods of returns) {
    goodsReturned(channel, goods);
  }
  await channel.waitForConfirms();
  await connection.close();
  console.log(`sent ${returns.length}`);
}

main().catch((failure) => {
  console.error(failure);
  process.exit(1);
});
