package io.commslib.rabbit;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.WriteListener;
import com.rabbitmq.client.impl.AMQConnection;
import com.rabbitmq.client.impl.Frame;
import com.rabbitmq.client.impl.FrameHandler;
import java.io.IOException;
import java.net.InetAddress;
import java.net.SocketException;
import org.jspecify.annotations.Nullable;

/**
 * Changes received headers that the client can't read ({@link DeepHeaders}). As thread-safe as the
 * other.
 */
final class TolerantFrames implements FrameHandler {

  /** Bytes for class, weight and length of the body, which the flags of the properties follow. */
  private static final int FLAGS_AT = 2 + 2 + 8;

  private final FrameHandler frames;

  TolerantFrames(FrameHandler frames) {
    this.frames = frames;
  }

  @Override
  public @Nullable Frame readFrame() throws IOException {
    Frame frame = frames.readFrame();
    if (frame == null || frame.getType() != AMQP.FRAME_HEADER) {
      return frame;
    }
    byte[] payload = frame.getPayload();
    byte[] readable = DeepHeaders.readable(payload, FLAGS_AT);
    return readable == payload ? frame : new Frame(frame.getType(), frame.getChannel(), readable);
  }

  @Override
  public boolean internalHearbeat() {
    return frames.internalHearbeat();
  }

  @Override
  public void setTimeout(int timeoutMs) throws SocketException {
    frames.setTimeout(timeoutMs);
  }

  @Override
  public int getTimeout() throws SocketException {
    return frames.getTimeout();
  }

  @Override
  public void sendHeader() throws IOException {
    frames.sendHeader();
  }

  @Override
  public void initialize(AMQConnection connection) {
    frames.initialize(connection);
  }

  @Override
  public void startProcessing() {
    frames.startProcessing();
  }

  @Override
  public void finishConnectionNegotiation() {
    frames.finishConnectionNegotiation();
  }

  @Override
  public void setFrameMax(int frameMax) {
    frames.setFrameMax(frameMax);
  }

  @Override
  public void writeFrame(Frame frame) throws IOException {
    frames.writeFrame(frame);
  }

  @Override
  public void flush(WriteListener listener) throws IOException {
    frames.flush(listener);
  }

  @Override
  public void close() {
    frames.close();
  }

  @Override
  public InetAddress getLocalAddress() {
    return frames.getLocalAddress();
  }

  @Override
  public int getLocalPort() {
    return frames.getLocalPort();
  }

  @Override
  public InetAddress getAddress() {
    return frames.getAddress();
  }

  @Override
  public int getPort() {
    return frames.getPort();
  }
}
