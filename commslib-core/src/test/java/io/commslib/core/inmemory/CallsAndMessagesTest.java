package io.commslib.core.inmemory;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.Deadline;
import io.commslib.core.messaging.BatchBounds;
import io.commslib.core.messaging.BatchHandler;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.time.VirtualTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Calls and messages have one context: what travels from one to the other and back. */
class CallsAndMessagesTest {

  private static final String TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  private static final String OTHER = "00-11111111111111111111111111111111-2222222222222222-01";
  private static final Destination QUEUE = Destination.queue("questions");
  private static final Destination NEXT = Destination.queue("next");
  private static final Duration HANDLER_DEADLINE = Duration.ofSeconds(30);

  private final VirtualTime time = VirtualTime.create();
  private final InMemoryTransport transport =
      InMemoryTransport.builder().source("test").runtime(time).build();
  private final List<CallContext> contexts = new ArrayList<>();
  private final List<Message> received = new ArrayList<>();

  @BeforeEach
  void declare() {
    transport.declare(DestinationConfig.builder(QUEUE).build());
    transport.declare(DestinationConfig.builder(NEXT).build());
  }

  @AfterEach
  void close() {
    transport.close();
    assertThat(CallContext.current()).as("no context is left").isSameAs(CallContext.empty());
  }

  private static SubscriptionConfig.Builder config(Destination queue) {
    return SubscriptionConfig.builder(queue).handlerDeadline(HANDLER_DEADLINE);
  }

  private void subscribe(SubscriptionConfig config, MessageHandler handler) {
    transport.subscriber().subscribe(config, handler);
  }

  /** Records messages and contexts. */
  private void record(Destination queue) {
    subscribe(
        config(queue).build(),
        delivery -> {
          contexts.add(CallContext.current());
          received.add(delivery.message());
          return Settlement.done();
        });
  }

  private void publish(Destination to, Message message) {
    transport.publisher().publish(to, message).toCompletableFuture().join();
  }

  private Deadline in(Duration duration) {
    return Deadline.after(duration, time.time());
  }

  private static Duration remaining(CallContext context) {
    return context.deadline().orElseThrow().remaining();
  }

  @Test
  void anEventOutlivesTheCallThatPublishedIt() {
    record(QUEUE);
    CallContext.within(
        in(Duration.ofSeconds(1)),
        () -> {
          publish(QUEUE, Message.builder("order.placed").build());
          return true;
        });
    time.runUntilIdle();
    assertThat(received.get(0).expiry()).isEmpty();
    assertThat(received.get(0).expiresWithCall()).isFalse();
    assertThat(remaining(contexts.get(0))).isEqualTo(HANDLER_DEADLINE);
  }

  @Test
  void theDeadlineSurvivesExecutorsAndMessages() {
    record(QUEUE);
    Deque<Runnable> queued = new ArrayDeque<>();
    Executor wrapped = CallContext.wrap(queued::add);
    CallContext.within(
        in(Duration.ofSeconds(5)),
        () -> {
          wrapped.execute(
              () -> publish(QUEUE, Message.builder("question").withinCallDeadline().build()));
          return true;
        });
    time.advance(Duration.ofSeconds(2));
    queued.remove().run();
    time.runUntilIdle();
    assertThat(received.get(0).expiry()).contains(time.time().now().plusSeconds(3));
    assertThat(remaining(contexts.get(0))).isEqualTo(Duration.ofSeconds(3));
  }

  @Test
  void aQuestionThatArrivesLateIsNotHandled() {
    CallContext.within(
        in(Duration.ofSeconds(5)),
        () -> {
          publish(QUEUE, Message.builder("question").withinCallDeadline().build());
          return true;
        });
    time.advance(Duration.ofSeconds(6));
    record(QUEUE);
    time.runUntilIdle();
    assertThat(received).isEmpty();
  }

  @Test
  void anOrdinaryExpiryDoesNotShortenTheCallsOfTheHandler() {
    record(QUEUE);
    publish(QUEUE, Message.builder("t").expiry(time.time().now().plusSeconds(3)).build());
    time.runUntilIdle();
    assertThat(remaining(contexts.get(0))).isEqualTo(HANDLER_DEADLINE);
  }

  @Test
  void anEarlierExpiryStaysAndLimitsTheCallsToo() {
    record(QUEUE);
    Instant expiry = time.time().now().plusSeconds(3);
    CallContext.within(
        in(Duration.ofSeconds(5)),
        () -> {
          publish(QUEUE, Message.builder("q").expiry(expiry).withinCallDeadline().build());
          return true;
        });
    time.runUntilIdle();
    assertThat(received.get(0).expiry()).contains(expiry);
    assertThat(remaining(contexts.get(0))).isEqualTo(Duration.ofSeconds(3));
  }

  @Test
  void aMessageHasNoDeadlineOfACallThatHasNone() {
    record(QUEUE);
    publish(QUEUE, Message.builder("q").withinCallDeadline().build());
    time.runUntilIdle();
    assertThat(received.get(0).expiry()).isEmpty();
    assertThat(received.get(0).expiresWithCall()).isFalse();
  }

  @Test
  void aCopyKeepsTheExpiryAndAsksForNoOther() {
    Message question =
        CallContext.within(
            in(Duration.ofSeconds(5)), () -> Message.builder("q").withinCallDeadline().build());
    Message copy =
        CallContext.within(in(Duration.ofSeconds(1)), () -> question.toBuilder().build());
    assertThat(copy.expiry()).contains(time.time().now().plusSeconds(5));
    assertThat(copy.expiresWithCall()).isTrue();
    Message event = question.toBuilder().expiry(time.time().now().plusSeconds(9)).build();
    assertThat(event.expiresWithCall()).isFalse();
  }

  /** Publishes from the handler of a message, and returns what arrives. */
  private Message publishedWhileHandling(Message handled, Message next) {
    subscribe(
        config(QUEUE).build(),
        delivery -> {
          contexts.add(CallContext.current());
          publish(NEXT, next);
          return Settlement.done();
        });
    publish(QUEUE, handled);
    contexts.clear();
    record(NEXT);
    time.runUntilIdle();
    return received.get(0);
  }

  @Test
  void whatAHandlerPublishesCarriesOnTraceCorrelationAndCausation() {
    Message next =
        publishedWhileHandling(
            Message.builder("t").id("m1").traceparent(TRACE).tracestate("vendor=1").build(),
            Message.builder("next").id("m2").build());
    assertThat(next.traceparent()).contains(TRACE);
    assertThat(next.tracestate()).contains("vendor=1");
    assertThat(next.correlationId()).contains("m1");
    assertThat(next.causationId()).contains("m1");
    CallContext context = contexts.get(0);
    assertThat(context.traceparent()).contains(TRACE);
    assertThat(context.tracestate()).contains("vendor=1");
    assertThat(context.correlationId()).contains("m1");
    assertThat(context.causationId()).contains("m1");
    assertThat(remaining(context)).isEqualTo(HANDLER_DEADLINE);
  }

  @Test
  void itsOwnValuesWin() {
    Message next =
        publishedWhileHandling(
            Message.builder("t").correlationId("c").traceparent(TRACE).tracestate("v=1").build(),
            Message.builder("next").traceparent(OTHER).causationId("mine").build());
    assertThat(next.traceparent()).contains(OTHER);
    assertThat(next.tracestate()).as("belongs to the other trace").isEmpty();
    assertThat(next.causationId()).contains("mine");
    assertThat(next.correlationId()).contains("c");
  }

  @Test
  void theMessageThatIsHandledDoesNotCauseItself() {
    Message same = Message.builder("t").id("m1").build();
    Message forwarded = publishedWhileHandling(same, same);
    assertThat(forwarded.causationId()).isEmpty();
    assertThat(forwarded.correlationId()).isEmpty();
  }

  @Test
  void idsOfOtherProgramsHaveTheFormOfCausedBy() {
    String id = "\u00fc" + "x".repeat(500);
    transport.publishRaw(
        QUEUE,
        new ForeignRecord(
            null,
            Map.of("ce_specversion", "1.0", "ce_id", id, "ce_type", "t", "ce_source", "/"),
            new byte[0]));
    subscribe(
        config(QUEUE).build(),
        delivery -> {
          publish(NEXT, Message.builder("next").build());
          received.add(Message.builder("same").causedBy(delivery.message()).build());
          return Settlement.done();
        });
    record(NEXT);
    time.runUntilIdle();
    assertThat(received).hasSize(2);
    assertThat(received.get(1).causationId()).isEqualTo(received.get(0).causationId()).isPresent();
    assertThat(received.get(1).correlationId()).isEqualTo(received.get(0).correlationId());
  }

  @Test
  void nothingIsAddedOutsideOfAContext() {
    record(QUEUE);
    publish(QUEUE, Message.builder("t").build());
    time.runUntilIdle();
    assertThat(received.get(0).causationId()).isEmpty();
    assertThat(received.get(0).correlationId()).isEmpty();
    assertThat(received.get(0).traceparent()).isEmpty();
  }

  @Test
  void theHandlerOfATransactionHasTheContextAndItsHooksToo() {
    List<CallContext> seen = new ArrayList<>();
    subscribe(
        config(QUEUE).transactional(InMemoryTransactionRunner.create()).build(),
        delivery -> {
          seen.add(CallContext.current());
          delivery.transaction().afterCommit(() -> seen.add(CallContext.current()));
          return Settlement.done();
        });
    publish(QUEUE, Message.builder("t").id("m1").build());
    time.runUntilIdle();
    assertThat(seen).hasSize(2);
    assertThat(seen.get(0).causationId()).contains("m1");
    assertThat(seen.get(1)).isSameAs(seen.get(0));
  }

  @Test
  void aBatchHasTheDeadlineOfItsFirstMessageToExpireAndNoTrace() {
    List<CallContext> seen = new ArrayList<>();
    subscribe(
        config(QUEUE).batch(BatchBounds.of(2)).build(),
        (BatchHandler)
            batch -> {
              seen.add(CallContext.current());
              return BatchHandler.allDone(batch);
            });
    CallContext.within(
        in(Duration.ofSeconds(5)),
        () -> {
          publish(QUEUE, Message.builder("q").traceparent(TRACE).withinCallDeadline().build());
          publish(QUEUE, Message.builder("t").build());
          return true;
        });
    time.advance(Duration.ofSeconds(2));
    assertThat(seen).hasSize(1);
    assertThat(seen.get(0).deadline().orElseThrow().instant())
        .isEqualTo(Instant.parse("2026-01-01T00:00:05Z"));
    assertThat(seen.get(0).traceparent()).isEmpty();
    assertThat(seen.get(0).causationId()).isEmpty();
  }

  @Test
  void eachMessageOfAWorkerHasItsOwnContextWhateverTheHandlerBeforeLeftAttached() {
    List<String> causes = new ArrayList<>();
    subscribe(
        config(QUEUE).workers(1).build(),
        delivery -> {
          CallContext context = CallContext.current();
          causes.add(context.causationId().orElse("none"));
          context.withBaggage("left", "attached").attach();
          return Settlement.done();
        });
    List.of("m1", "m2", "m3")
        .forEach(id -> publish(QUEUE, Message.builder("t").id(id).key("k").build()));
    time.runUntilIdle();
    assertThat(causes).containsExactly("m1", "m2", "m3");
  }

  @Test
  void theClassifierRunsOutsideOfTheContextAndTheNextAttemptWithinItAgain() {
    List<String> seen = new ArrayList<>();
    subscribe(
        config(QUEUE)
            .classifier(
                failure -> {
                  seen.add("classifier " + CallContext.current().causationId().orElse("none"));
                  return Settlement.retry();
                })
            .build(),
        delivery -> {
          seen.add("handler " + CallContext.current().causationId().orElse("none"));
          if (seen.size() == 1) {
            throw new IllegalStateException("once");
          }
          return Settlement.done();
        });
    publish(QUEUE, Message.builder("t").id("m1").build());
    time.advance(Duration.ofMinutes(1));
    assertThat(seen).containsExactly("handler m1", "classifier none", "handler m1");
  }

  @Test
  void aMessageThatRunsAloneAfterItsBatchFailedHasItsContext() {
    List<String> seen = new ArrayList<>();
    subscribe(
        config(QUEUE).batch(BatchBounds.of(2)).build(),
        (BatchHandler)
            batch -> {
              if (batch.size() > 1) {
                throw new IllegalStateException("only one by one");
              }
              seen.add(CallContext.current().causationId().orElse("none"));
              return BatchHandler.allDone(batch);
            });
    publish(QUEUE, Message.builder("t").id("m1").build());
    publish(QUEUE, Message.builder("t").id("m2").build());
    time.runUntilIdle();
    assertThat(seen).containsExactlyInAnyOrder("m1", "m2");
  }
}
