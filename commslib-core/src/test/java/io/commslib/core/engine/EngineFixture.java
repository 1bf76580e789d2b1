package io.commslib.core.engine;

import io.commslib.core.FailureKind;
import io.commslib.core.SendCertainty;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.PublishException;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.VirtualTime;
import io.commslib.core.wire.CloudEventsEnvelope;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** An engine that a test feeds, with lists of the records that it has settled. */
final class EngineFixture {

  static final CloudEventsEnvelope ENVELOPE = new CloudEventsEnvelope("ce_");

  private final VirtualTime time = VirtualTime.create();
  private final List<String> acknowledged = Collections.synchronizedList(new ArrayList<>());
  private final List<String> givenBack = Collections.synchronizedList(new ArrayList<>());
  private final List<ForeignRecord> deadLetters = Collections.synchronizedList(new ArrayList<>());
  private @Nullable DeliveryEngine engine;
  private int failingPublishes;
  private int largestLetter = Integer.MAX_VALUE;
  private boolean noDeadLetters;
  private MessageFormat format = ENVELOPE;
  private DelayStore delays = (record, delay) -> Optional.empty();

  EngineFixture format(MessageFormat replacement) {
    this.format = replacement;
    return this;
  }

  SubscriptionConfig.Builder config() {
    return SubscriptionConfig.builder(Destination.queue("orders"));
  }

  EngineFixture start(SubscriptionConfig config, MessageHandler handler) {
    return start(config, handler, time, CommsObserver.none());
  }

  EngineFixture start(
      SubscriptionConfig config,
      MessageHandler handler,
      CommsRuntime runtime,
      CommsObserver observer) {
    DeliveryEngineBuilder builder =
        DeliveryEngine.builder(config, handler)
            .transport("test")
            .runtime(runtime)
            .observer(observer)
            .format(format)
            .settler(
                new Settler() {
                  @Override
                  public void acknowledge(RawDelivery delivery) {
                    acknowledged.add(delivery.positionText());
                  }

                  @Override
                  public void giveBack(RawDelivery delivery) {
                    givenBack.add(delivery.positionText());
                  }
                })
            .deadLetters(
                letter -> {
                  if (failingPublishes > 0) {
                    failingPublishes--;
                    return CompletableFuture.failedFuture(new IllegalStateException("down"));
                  }
                  if (letter.sizeBytes() > largestLetter) {
                    return CompletableFuture.failedFuture(tooLarge());
                  }
                  deadLetters.add(letter);
                  return CompletableFuture.completedFuture(null);
                })
            .delayStore(delays);
    engine = (noDeadLetters ? builder.noDeadLetters() : builder).build();
    return this;
  }

  /** Called before the start. */
  EngineFixture delays(DelayStore store) {
    delays = store;
    return this;
  }

  /** Called before the start. */
  EngineFixture noDeadLetters() {
    noDeadLetters = true;
    return this;
  }

  /** A record without any header, such as a plain JSON body. */
  EngineFixture acceptUnreadable(String id, @Nullable String key) {
    engine().accept(delivery(id, key, unreadable(key)));
    return this;
  }

  static ForeignRecord unreadable(@Nullable String key) {
    return new ForeignRecord(key, Map.of(), new byte[] {'{', '}'});
  }

  EngineFixture accept(String id, @Nullable String key) {
    engine().accept(delivery(id, key, wire(id, key)));
    return this;
  }

  TestDelivery delivery(String id, @Nullable String key, ForeignRecord wire) {
    return delivery(id, key, wire, this);
  }

  TestDelivery delivery(String id, @Nullable String key, ForeignRecord wire, Object scope) {
    return new TestDelivery(id, key, wire, scope, 0);
  }

  static ForeignRecord wire(String id, @Nullable String key) {
    Message.Builder message = Message.builder("t").id(id);
    return ENVELOPE.write(key == null ? message.build() : message.key(key).build());
  }

  /** The dead-letter target refuses larger letters permanently. */
  void refuseLettersOver(int bytes) {
    largestLetter = bytes;
  }

  private static PublishException tooLarge() {
    return new PublishException(
        "COMMS-TEST-002",
        FailureKind.PERMANENT,
        SendCertainty.NOT_SENT,
        Destination.queue("orders"),
        "letter",
        "too large",
        null);
  }

  void failPublishes(int times) {
    failingPublishes = times;
  }

  int failingPublishes() {
    return failingPublishes;
  }

  DeliveryEngine engine() {
    return Objects.requireNonNull(engine);
  }

  VirtualTime time() {
    return time;
  }

  List<String> acknowledged() {
    return acknowledged;
  }

  List<String> givenBack() {
    return givenBack;
  }

  List<ForeignRecord> deadLetters() {
    return deadLetters;
  }

  record TestDelivery(
      String id, @Nullable String key, ForeignRecord wire, Object scope, int priorDeliveries)
      implements RawDelivery {
    @Override
    public Optional<String> laneKey() {
      return Optional.ofNullable(key);
    }

    @Override
    public int sizeBytes() {
      return wire.sizeBytes();
    }

    @Override
    public String positionText() {
      return id;
    }
  }
}
