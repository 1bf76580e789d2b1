package io.commslib.outbox;

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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** A transport that records messages, and fails or holds them as a test demands. */
final class RecordingTransport implements MessageTransport {

  private record Held(Destination to, Message message, CompletableFuture<PublishReceipt> result) {}

  private final List<Message> handed = new ArrayList<>();
  private final List<String> confirmed = new ArrayList<>();
  private final List<Held> held = new ArrayList<>();
  private final TransportCapabilities capabilities;
  private BiFunction<Destination, Message, @Nullable FailureKind> failure = (to, message) -> null;
  private Predicate<Message> hold = message -> false;
  private Predicate<Message> broken = message -> false;
  private Function<Message, @Nullable Throwable> refusal = message -> null;
  private Consumer<String> onConfirm = id -> {};

  RecordingTransport(Capability... capabilities) {
    this.capabilities = TransportCapabilities.of(capabilities);
  }

  synchronized void failWhen(BiFunction<Destination, Message, @Nullable FailureKind> newFailure) {
    this.failure = newFailure;
  }

  /** Accepts matching messages, but neither confirms nor refuses them. */
  synchronized void holdWhen(Predicate<Message> newHold) {
    this.hold = newHold;
  }

  /** Fails the stages of matching messages with any throwable. */
  synchronized void refuseWith(Function<Message, @Nullable Throwable> newRefusal) {
    this.refusal = newRefusal;
  }

  /** Throws for matching messages, which no transport should do. */
  synchronized void throwWhen(Predicate<Message> newBroken) {
    this.broken = newBroken;
  }

  /** Calls back when a message is accepted, before its confirmation. */
  synchronized void onConfirm(Consumer<String> newOnConfirm) {
    this.onConfirm = newOnConfirm;
  }

  /** Confirms all held messages, and holds no others. */
  synchronized void releaseHeld() {
    hold = message -> false;
    confirmHeld();
  }

  /** Confirms all held messages. Later ones may be held again. */
  synchronized void confirmHeld() {
    List<Held> each = List.copyOf(held);
    held.clear();
    each.forEach(one -> confirm(one.to(), one.message(), one.result()));
  }

  /** Fails a held message, and with it all later ones of its key, as a fence does. */
  synchronized void failHeld(String id, FailureKind kind) {
    String key = message(id).key().orElseThrow();
    boolean reached = false;
    for (Held each : List.copyOf(held)) {
      reached |= each.message().id().equals(id);
      if (reached && each.message().key().orElseThrow().equals(key)) {
        held.remove(each);
        FailureKind why = each.message().id().equals(id) ? kind : FailureKind.TRANSIENT;
        each.result().completeExceptionally(refusal(each.to(), each.message(), why));
      }
    }
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
    if (broken.test(message)) {
      throw new IllegalStateException("a fault of the transport");
    }
    handed.add(message);
    FailureKind kind = failure.apply(to, message);
    if (kind != null) {
      return CompletableFuture.failedStage(refusal(to, message, kind));
    }
    Throwable thrown = refusal.apply(message);
    if (thrown != null) {
      return CompletableFuture.failedStage(thrown);
    }
    CompletableFuture<PublishReceipt> result = new CompletableFuture<>();
    if (hold.test(message)) {
      held.add(new Held(to, message, result));
    } else {
      confirm(to, message, result);
    }
    return result;
  }

  private void confirm(Destination to, Message message, CompletableFuture<PublishReceipt> result) {
    confirmed.add(message.id());
    onConfirm.accept(message.id());
    result.complete(new PublishReceipt(message.id(), to, ""));
  }

  static PublishException refusal(Destination to, Message message, FailureKind kind) {
    return new PublishException(
        "COMMS-TEST-001",
        kind,
        SendCertainty.NOT_SENT,
        to,
        message.id(),
        "refused by the test",
        null);
  }

  @Override
  public String name() {
    return "recording";
  }

  @Override
  public TransportCapabilities capabilities() {
    return capabilities;
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
