package io.commslib.core.call;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.commslib.core.time.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** What travels with work. */
class CallContextTest {

  private static final String TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

  private final VirtualTime time = VirtualTime.create();

  private Deadline in(Duration duration) {
    return Deadline.after(duration, time.time());
  }

  @Test
  void withinAttachesAndRestores() {
    CallContext.within(
        in(Duration.ofSeconds(5)),
        () -> {
          CallContext outer = CallContext.current();
          CallContext.within(
              in(Duration.ofSeconds(9)),
              () -> {
                assertThat(CallContext.current()).isSameAs(outer);
                return true;
              });
          assertThat(CallContext.current()).isSameAs(outer);
          return true;
        });
    assertThat(CallContext.current()).isSameAs(CallContext.empty());
  }

  @Test
  void everyCopyKeepsTheCallChain() {
    Object chain = new Object();
    CallContext context = CallContext.empty().withCallChain(chain);
    List<CallContext> copies =
        List.of(
            context,
            context.withTrace(TRACE, ""),
            context.withBaggage("tenant", "t"),
            context.withCause("c", "m1"),
            context.withDeadline(in(Duration.ofSeconds(1))),
            context.withDeadline(in(Duration.ofSeconds(1))).withoutDeadline(),
            context.forAttempt(2, 5, time.time(), "key"));
    assertThat(copies).allSatisfy(copy -> assertThat(copy.callChain()).isSameAs(chain));
    assertThat(context.withCallChain(null).callChain()).isNull();
    assertThat(CallContext.empty().callChain()).isNull();
  }

  @Test
  void aLazyContextIsMadeOnceAndOnlyIfItIsRead() {
    List<String> made = new ArrayList<>();
    Supplier<CallContext> lazy =
        () -> {
          made.add("made");
          return CallContext.empty().withCause("c", "m1");
        };
    CallContext before = CallContext.attachLazily(lazy);
    before.restore();
    assertThat(CallContext.current()).isSameAs(CallContext.empty());
    assertThat(made).isEmpty();
    CallContext.attachLazily(lazy);
    try {
      CallContext first = CallContext.current();
      assertThat(first.causationId()).contains("m1");
      assertThat(CallContext.current()).isSameAs(first);
      assertThat(made).hasSize(1);
    } finally {
      before.restore();
    }
    assertThat(CallContext.current()).isSameAs(CallContext.empty());
  }

  @Test
  void aRenewedContextIsMadeAnewAndReplacesWhatIsAttached() {
    List<String> made = new ArrayList<>();
    Supplier<CallContext> lazy =
        () -> {
          made.add("made");
          return CallContext.empty().withCause("c", "m" + made.size());
        };
    CallContext before = CallContext.attachLazily(lazy);
    try {
      assertThat(CallContext.current().causationId()).contains("m1");
      assertThat(CallContext.current().causationId()).contains("m1");
      CallContext.renewLazily(lazy);
      assertThat(CallContext.current().causationId()).contains("m2");
      CallContext.empty().withCause("c", "other").attach();
      CallContext.renewLazily(lazy);
      CallContext.renewLazily(lazy);
      assertThat(CallContext.current().causationId()).contains("m3");
    } finally {
      before.restore();
    }
    assertThat(CallContext.current()).isSameAs(CallContext.empty());
    assertThat(made).hasSize(3);
  }

  @Test
  void aDeadlineOnlyGetsEarlier() {
    CallContext context = CallContext.empty().withDeadline(in(Duration.ofSeconds(5)));
    assertThat(context.withDeadline(in(Duration.ofSeconds(9)))).isSameAs(context);
    assertThat(context.withDeadline(in(Duration.ofSeconds(1))).deadline().orElseThrow().remaining())
        .isEqualTo(Duration.ofSeconds(1));
    assertThat(context.withoutDeadline().deadline()).isEmpty();
  }

  @Test
  void deadlinesOfDifferentClocksCompareByTheirRemainingTime() {
    VirtualTime other = VirtualTime.create();
    other.advance(Duration.ofDays(1));
    Deadline later = Deadline.after(Duration.ofSeconds(9), other.time());
    Deadline sooner = in(Duration.ofSeconds(5));
    assertThat(later.earlier(sooner)).isSameAs(sooner);
    assertThat(sooner.earlier(later)).isSameAs(sooner);
  }

  @Test
  void aWrappedTaskRunsUnderTheContextAndLeavesNothing() throws Exception {
    CallContext context = CallContext.empty().withTrace(TRACE, "a=1").withBaggage("tenant", "7");
    List<CallContext> seen = new ArrayList<>();
    Runnable task = () -> seen.add(CallContext.current());
    context.wrap(task).run();
    assertThat(context.wrap(CallContext::current).call()).isSameAs(context);
    assertThat(seen).containsExactly(context);
    assertThat(CallContext.current()).isSameAs(CallContext.empty());
    assertThat(context.traceparent()).contains(TRACE);
    assertThat(context.tracestate()).contains("a=1");
    assertThat(context.baggage()).containsEntry("tenant", "7");
  }

  @Test
  void anExceptionLeavesTheContextBefore() {
    CallContext context = CallContext.empty().withCause("c", "m");
    assertThatIllegalStateException()
        .isThrownBy(
            () ->
                context.call(
                    () -> {
                      throw new IllegalStateException("broken");
                    }));
    assertThat(CallContext.current()).isSameAs(CallContext.empty());
  }

  @Test
  void onlyKeyedCallsHaveAKey() {
    assertThat(CallContext.empty().hasIdempotencyKey()).isFalse();
    assertThatIllegalStateException()
        .isThrownBy(() -> CallContext.empty().idempotencyKey())
        .withMessageContaining("idempotencyKey: none");
    CallContext attempt = CallContext.empty().forAttempt(2, 1_000, time.time(), "k");
    assertThat(attempt.idempotencyKey()).isEqualTo("k");
    assertThat(attempt.attempt()).isEqualTo(2);
  }

  @Test
  void anAttemptKnowsItsPlaceAndAnInnerOneOnlyTheMark() {
    CallContext plain = CallContext.empty().forAttempt(1, 1_000, time.time(), null);
    assertThat(plain.to(null, null)).isSameAs(plain);
    CallContext there = plain.to("v2", "endpoint");
    assertThat(there.subset()).contains("v2");
    assertThat(there.endpoint(String.class)).contains("endpoint");
    assertThat(there.endpoint(Integer.class)).isEmpty();
    assertThat(there.attempt()).isEqualTo(1);
    assertThat(there.isMirrored()).isFalse();
    CallContext copy = there.asMirrored();
    assertThat(copy.isMirrored()).isTrue();
    assertThat(copy.subset()).contains("v2");
    CallContext inner = copy.withBaggage("a", "b").forAttempt(1, 1_000, time.time(), null);
    assertThat(inner.isMirrored()).isTrue();
    assertThat(inner.subset()).isEmpty();
    assertThat(inner.endpoint(Object.class)).isEmpty();
    assertThat(inner.to("v3", null).isMirrored()).isTrue();
    assertThat(there.forAttempt(1, 1_000, time.time(), null).subset()).isEmpty();
  }

  @Test
  void theBaggageIsBounded() {
    CallContext context = CallContext.empty();
    for (int i = 0; i < CallContext.MAX_BAGGAGE_ENTRIES; i++) {
      context = context.withBaggage("n" + i, "v");
    }
    CallContext full = context;
    assertThatIllegalArgumentException()
        .isThrownBy(() -> full.withBaggage("one more", "v"))
        .withMessageContaining("baggage name");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> full.withBaggage("more", "v"))
        .withMessage("baggage entries: 65 (expected: 1..64)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> CallContext.empty().withTrace("00-1", ""))
        .withMessageContaining("traceparent");
  }

  @Test
  void aJumpOfTheWallClockMovesNoDeadline() {
    Deadline deadline = in(Duration.ofSeconds(5));
    assertThat(deadline.isExpired()).isFalse();
    time.advance(Duration.ofSeconds(5));
    assertThat(deadline.isExpired()).isTrue();
    assertThat(deadline.remaining()).isZero();
    assertThat(Deadline.after(Duration.ofDays(100_000), time.time()).isExpired()).isFalse();
    assertThat(Deadline.after(Duration.ofSeconds(-1), time.time()).isExpired()).isTrue();
  }
}
