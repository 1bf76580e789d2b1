package io.commslib.rabbit;

import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.MetricsCollector;
import com.rabbitmq.client.impl.AMQConnection;
import com.rabbitmq.client.impl.ConnectionParams;
import com.rabbitmq.client.impl.FrameHandler;
import com.rabbitmq.client.impl.SocketFrameHandler;

/**
 * Makes connections that survive a record whose headers the client can't read. A connection over
 * Netty reads its frames itself, and is not changed.
 */
final class TolerantConnectionFactory extends ConnectionFactory {

  @Override
  protected AMQConnection createConnection(
      ConnectionParams params, FrameHandler frames, MetricsCollector metrics) {
    return super.createConnection(
        params,
        frames instanceof SocketFrameHandler ? new TolerantFrames(frames) : frames,
        metrics);
  }
}
