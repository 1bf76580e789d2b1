package io.commslib.outbox;

import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.SendCertainty;
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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** A broker that only takes messages, fails when told, and keeps what it was given. */
final class RecordingTransport implements MessageTransport {

  private final List<Message> handed = new ArrayList<>();
  private final List<String> confirmed = new ArrayList<>();
  private BiFunction<Destination, Message, @Nullable FailureKind> failure = (to, message) -> null;
  private boolean held;

  synchronized void failWhen(BiFunction<Destination, Message, @Nullable FailureKind> newFailure) {
    this.failure = newFailure;
  }

  synchronized void holdConfirmations(boolean hold) {
    this.held = hold;
  }

  synchronized List<String> ids() {
    return handed.stream().map(Message::id).toList();
  }

  synchronized List<String> confirmed() {
    return List.copyOf(confirmed);
  }

  synchronized Message message(String id) {
    return handed.stream().filter(message -> message.id().equals(id)).findFirst().orElseThrow();
  }

  private synchronized CompletionStage<PublishReceipt> publish(Destination to, Message message) {
    handed.add(message);
    FailureKind kind = failure.apply(to, message);
    if (kind != null) {
      return CompletableFuture.failedStage(
          new PublishException(
              "COMMS-TEST-001",
              kind,
              SendCertainty.NOT_SENT,
              to,
              message.id(),
              "refused by the test",
              null));
    }
    if (held) {
      return new CompletableFuture<>();
    }
    confirmed.add(message.id());
    return CompletableFuture.completedStage(new PublishReceipt(message.id(), to, ""));
  }

  @Override
  public String name() {
    return "recording";
  }

  @Override
  public TransportCapabilities capabilities() {
    return TransportCapabilities.of();
  }

  @Override
  public void declare(DestinationConfig config) {}

  @Override
  public Publisher publisher() {
    return this::publish;
  }

  @Override
  public Subscriber subscriber() {
    throw new UnsupportedOperationException("only takes messages");
  }

  @Override
  public DeadLetters deadLetters() {
    throw new UnsupportedOperationException("only takes messages");
  }

  @Override
  public Health health() {
    return Health.of(Health.Status.UP, "", Map.of());
  }

  @Override
  public void close() {}
}
