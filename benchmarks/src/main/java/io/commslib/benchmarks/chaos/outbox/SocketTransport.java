package io.commslib.benchmarks.chaos.outbox;

import io.commslib.benchmarks.chaos.outbox.BrokerProtocol.Answer;
import io.commslib.benchmarks.chaos.outbox.BrokerProtocol.Request;
import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.SendCertainty;
import io.commslib.core.messaging.Capability;
import io.commslib.core.messaging.DeadLetters;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.PublishException;
import io.commslib.core.messaging.PublishReceipt;
import io.commslib.core.messaging.Publisher;
import io.commslib.core.messaging.Subscriber;
import io.commslib.core.messaging.TransportCapabilities;
import io.commslib.testkit.faults.CrashPoints;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * The client of {@link ChaosBroker}. Requests are pipelined. With the fence, the broker refuses
 * publishes of a key that were sent before a failure of that key was known.
 */
final class SocketTransport implements MessageTransport {

  private record Pending(
      Destination to, Message message, CompletableFuture<PublishReceipt> result) {}

  private final boolean fencesKeys;
  private final CrashPoints points;
  private final Socket socket;
  private final DataOutputStream out;
  private final Map<Long, Pending> pending = new HashMap<>();
  private final Map<String, Integer> generations = new HashMap<>();
  private long nextNumber;
  private boolean broken;

  SocketTransport(int port, String name, boolean fencesKeys, CrashPoints points)
      throws IOException {
    this.fencesKeys = fencesKeys;
    this.points = points;
    this.socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setTcpNoDelay(true);
    this.out = new DataOutputStream(new BufferedOutputStream(socket.getOutputStream(), 1 << 16));
    out.writeUTF(name);
    out.flush();
    Thread reader = new Thread(this::read, "commslib-chaos-answers");
    reader.setDaemon(true);
    reader.start();
  }

  @Override
  public Publisher publisher() {
    return this::publish;
  }

  private CompletionStage<PublishReceipt> publish(Destination to, Message message) {
    points.reached("publish.before");
    Pending request = new Pending(to, message, new CompletableFuture<>());
    synchronized (this) {
      if (broken) {
        return CompletableFuture.failedStage(
            failure(request, FailureKind.TRANSIENT, SendCertainty.NOT_SENT));
      }
      long number = nextNumber++;
      pending.put(number, request);
      int generation = generations.getOrDefault(message.key().orElse(""), 0);
      try {
        BrokerProtocol.write(out, new Request(number, generation, to, message));
        out.flush();
      } catch (IOException e) {
        pending.remove(number);
        return CompletableFuture.failedStage(
            failure(request, FailureKind.TRANSIENT, SendCertainty.MAYBE_SENT));
      }
    }
    points.reached("publish.sent");
    return request.result();
  }

  private void read() {
    try (DataInputStream in =
        new DataInputStream(new BufferedInputStream(socket.getInputStream(), 1 << 16))) {
      while (true) {
        long number = in.readLong();
        answer(number, Answer.values()[in.readByte()]);
      }
    } catch (IOException e) {
      breakAll();
    }
  }

  private void answer(long number, Answer answer) {
    Pending done;
    synchronized (this) {
      done = pending.remove(number);
    }
    switch (answer) {
      case CONFIRMED -> {
        points.reached("publish.confirmed");
        done.result().complete(new PublishReceipt(done.message().id(), done.to(), ""));
      }
      case REFUSED ->
          done.result()
              .completeExceptionally(failure(done, FailureKind.PERMANENT, SendCertainty.NOT_SENT));
      case FENCED ->
          done.result()
              .completeExceptionally(failure(done, FailureKind.TRANSIENT, SendCertainty.NOT_SENT));
    }
    if (answer != Answer.CONFIRMED) {
      // The publisher knows of the failure now, so later publishes of the key are accepted again.
      synchronized (this) {
        generations.merge(done.message().key().orElse(""), 1, Integer::sum);
      }
    }
  }

  private void breakAll() {
    Map<Long, Pending> open;
    synchronized (this) {
      broken = true;
      open = new HashMap<>(pending);
      pending.clear();
    }
    open.values()
        .forEach(
            each ->
                each.result()
                    .completeExceptionally(
                        failure(each, FailureKind.TRANSIENT, SendCertainty.MAYBE_SENT)));
  }

  private static PublishException failure(Pending of, FailureKind kind, SendCertainty certainty) {
    return new PublishException(
        "CHAOS-001",
        kind,
        certainty,
        of.to(),
        of.message().id(),
        "refused by the chaos broker",
        null);
  }

  @Override
  public String name() {
    return "chaos";
  }

  @Override
  public TransportCapabilities capabilities() {
    return fencesKeys
        ? TransportCapabilities.of(Capability.KEYED_PUBLISH_FENCE)
        : TransportCapabilities.of();
  }

  @Override
  public void declare(DestinationConfig config) {}

  @Override
  public Subscriber subscriber() {
    throw new UnsupportedOperationException("publishes only");
  }

  @Override
  public DeadLetters deadLetters() {
    throw new UnsupportedOperationException("publishes only");
  }

  @Override
  public Health health() {
    return Health.of(Health.Status.UP, "", Map.of());
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      breakAll();
    }
  }
}
