package io.commslib.saga;

import io.commslib.core.codec.Codec;
import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.messaging.Destination;
import io.commslib.jackson.JacksonCodec;
import java.time.Duration;

/** A saga of three steps for tests: hold, pay, send. */
final class TestSaga {

  record State(String order, String trail) {
    State then(String event) {
      return new State(order, trail + event + ";");
    }
  }

  record Hold(String order) {}

  record Held(String order) {}

  record NotHeld(String order) {}

  record Unhold(String order) {}

  record Unheld(String order) {}

  record Pay(String order) {}

  record Paid(String order) {}

  record Declined(String order) {}

  record Unpay(String order) {}

  record Unpaid(String order) {}

  record Send(String order) {}

  record Sent(String order) {}

  static final Destination STOCK = Destination.queue("stock");
  static final Destination BANK = Destination.queue("bank");
  static final Destination POST = Destination.queue("post");

  private TestSaga() {}

  static TypeRegistry types() {
    return types(JacksonCodec.create());
  }

  static TypeRegistry types(Codec codec) {
    TypeRegistry.Builder types = TypeRegistry.builder(codec);
    for (Class<?> type :
        new Class<?>[] {
          Hold.class,
          Held.class,
          NotHeld.class,
          Unhold.class,
          Unheld.class,
          Pay.class,
          Paid.class,
          Declined.class,
          Unpay.class,
          Unpaid.class,
          Send.class,
          Sent.class
        }) {
      types.register(type.getSimpleName().toLowerCase(java.util.Locale.ROOT), type);
    }
    return types.build();
  }

  static SagaDefinition<State> definition(SagaHook<State> completed, SagaHook<State> compensated) {
    return definition(Duration.ofMillis(300), completed, compensated);
  }

  static SagaDefinition<State> definition(
      Duration timeout, SagaHook<State> completed, SagaHook<State> compensated) {
    return SagaDefinition.builder("order", 1, State.class)
        .key(State::order)
        .step("hold")
        .command(STOCK, s -> new Hold(s.order()))
        .onReply(Held.class, (s, r) -> s.then("held"))
        .refusedBy(NotHeld.class, (s, r) -> s.then("not-held"))
        .compensate(STOCK, s -> new Unhold(failFor(s.order(), "unhold-fails")))
        .compensatedBy(Unheld.class)
        .timeout(timeout)
        .attempts(2)
        .compensationAttempts(2)
        .step("pay")
        .command(BANK, s -> new Pay(s.order()))
        .onReply(Paid.class, (s, r) -> s.then("paid " + failFor(r.order(), "poison")))
        .refusedBy(Declined.class, (s, r) -> s.then("declined"))
        .compensate(BANK, s -> new Unpay(s.order()))
        .compensatedBy(Unpaid.class)
        .timeout(timeout)
        .attempts(2)
        .compensationAttempts(2)
        .step("send")
        .command(POST, s -> new Send(s.order()))
        .onReply(Sent.class, (s, r) -> s.then("sent"))
        .timeout(timeout)
        .attempts(2)
        .onCompleted(completed)
        .onCompensated(compensated)
        .build();
  }

  /** Simulates a user's function that fails for one order. */
  private static String failFor(String order, String failingOrder) {
    if (order.equals(failingOrder)) {
      throw new IllegalStateException(failingOrder);
    }
    return order;
  }
}
