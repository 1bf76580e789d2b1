package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.Idempotency;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.time.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Shared calls within the work of shared calls: none waits for itself. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CollapseNestingTest {

  private final VirtualTime time = VirtualTime.create();
  private final Resilience resilience =
      Resilience.builder(time).observer(CommsObserver.none()).build();
  private final SystemRuntime real = SystemRuntime.platformThreads();
  private final Resilience realCalls =
      Resilience.builder(real).observer(CommsObserver.none()).build();

  @AfterEach
  void close() {
    realCalls.close();
    real.close();
  }

  private static GuardedOperation operation(Resilience of, String key) {
    // Also of different remotes.
    return of.guard("remote-" + key).operation("read", Idempotency.SAFE).collapsing(key);
  }

  private GuardedOperation virtual(String key) {
    return operation(resilience, key);
  }

  private GuardedOperation onThreads(String key) {
    return operation(realCalls, key);
  }

  private static CompletableFuture<String> done(String value) {
    return CompletableFuture.completedFuture(value);
  }

  @Test
  void anAsyncLeaderDoesNotFollowItself() {
    CompletableFuture<String> answer =
        virtual("a")
            .callAsync(
                attempt ->
                    virtual("a")
                        .callAsync(inner -> done("inner"))
                        .thenApply(inner -> "outer " + inner));
    time.runUntilIdle();
    assertThat(answer).isCompletedWithValue("outer inner");
  }

  @Test
  void anAsyncLeaderDoesNotFollowItselfInABlockingCall() {
    CompletableFuture<String> answer =
        virtual("a")
            .callAsync(attempt -> done("outer " + virtual("a").<String, Exception>call(i -> "in")));
    time.runUntilIdle();
    assertThat(answer).isCompletedWithValue("outer in");
  }

  @Test
  void aLeaderDoesNotFollowItselfOverAnotherKey() throws Exception {
    CompletableFuture<String> async =
        virtual("a")
            .callAsync(
                attempt ->
                    virtual("b")
                        .callAsync(between -> virtual("a").callAsync(inner -> done("a within b"))));
    time.runUntilIdle();
    assertThat(async).isCompletedWithValue("a within b");
    String blocking =
        onThreads("a")
            .<String, Exception>call(
                attempt ->
                    onThreads("b")
                        .<String, Exception>call(
                            between -> onThreads("a").<String, Exception>call(i -> "a within b")));
    assertThat(blocking).isEqualTo("a within b");
  }

  /** A context of the user in between takes the chain along, whatever it changes. */
  @Test
  void everyCopyOfAContextKeepsTheChain() {
    CompletableFuture<String> answer =
        virtual("a")
            .callAsync(
                attempt ->
                    CallContext.current()
                        .withBaggage("tenant", "t")
                        .withCause("correlation", "causation")
                        .withTrace("00-" + "a".repeat(32) + "-" + "b".repeat(16) + "-01", "")
                        .withoutDeadline()
                        .call(() -> virtual("a").callAsync(inner -> done("inner"))));
    time.runUntilIdle();
    assertThat(answer).isCompletedWithValue("inner");
  }

  @Test
  void aBlockingLeaderDoesNotFollowItselfOnAnotherThread() throws Exception {
    Executor threads = CallContext.wrap(task -> real.newThread("test-nested", task).start());
    // The executor is wrapped, and takes the context of the thread that submits.
    String answer =
        onThreads("a")
            .<String, Exception>call(
                attempt -> {
                  CompletableFuture<String> inner = new CompletableFuture<>();
                  threads.execute(
                      () -> inner.complete(onThreads("a").callOr(i -> "inner", Object::toString)));
                  return inner.get(20, TimeUnit.SECONDS);
                });
    assertThat(answer).isEqualTo("inner");
  }

  /** Each leader's work calls what the other one leads. */
  @Test
  void leadersDoNotWaitForEachOther() {
    Map<String, AtomicReference<CallContext>> work =
        Map.of("a", new AtomicReference<>(), "b", new AtomicReference<>());
    Map<String, CompletableFuture<String>> stages =
        Map.of("a", new CompletableFuture<>(), "b", new CompletableFuture<>());
    List<CompletableFuture<String>> answers = new ArrayList<>();
    for (String key : List.of("a", "b")) {
      answers.add(
          virtual(key)
              .callAsync(
                  attempt -> {
                    work.get(key).set(CallContext.current());
                    return stages.get(key);
                  }));
    }
    CompletableFuture<String> follows = nested(work.get("a").get(), "b");
    assertThat(follows).as("b is in flight").isNotDone();
    CompletableFuture<String> own = nested(work.get("b").get(), "a");
    time.runUntilIdle();
    assertThat(own).isCompletedWithValue("own a");
    stages.get("b").complete("b with " + own.join());
    time.runUntilIdle();
    assertThat(follows).isCompletedWithValue("b with own a");
    stages.get("a").complete("a with " + follows.join());
    time.runUntilIdle();
    assertThat(answers.get(0)).isCompletedWithValue("a with b with own a");
    // Nothing is left of who has followed whom.
    virtual("b").callAsync(attempt -> new CompletableFuture<>());
    assertThat(nested(CallContext.empty(), "b")).isNotDone();
  }

  private CompletableFuture<String> nested(CallContext within, String key) {
    return within.call(() -> virtual(key).callAsync(attempt -> done("own " + key)));
  }

  @Test
  void threeBlockingLeadersDoNotWaitForEachOther() throws Exception {
    List<String> keys = List.of("a", "b", "c");
    CountDownLatch allLead = new CountDownLatch(keys.size());
    List<CompletableFuture<String>> answers = new ArrayList<>();
    for (int i = 0; i < keys.size(); i++) {
      String next = keys.get((i + 1) % keys.size());
      String key = keys.get(i);
      CompletableFuture<String> answer = new CompletableFuture<>();
      answers.add(answer);
      Runnable call =
          () ->
              answer.complete(
                  onThreads(key)
                      .callOr(
                          attempt -> {
                            allLead.countDown();
                            allLead.await();
                            return onThreads(next).<String, Exception>call(inner -> "own");
                          },
                          Object::toString));
      real.newThread("test-" + key, call).start();
    }
    for (CompletableFuture<String> answer : answers) {
      assertThat(answer.get(20, TimeUnit.SECONDS)).isEqualTo("own");
    }
  }

  @Test
  void aCallWithinOtherWorkFollowsAsBefore() {
    CompletableFuture<String> shared = new CompletableFuture<>();
    virtual("a").callAsync(attempt -> shared);
    CompletableFuture<String> nested =
        virtual("b").callAsync(attempt -> virtual("a").callAsync(inner -> done("own")));
    assertThat(nested).isNotDone();
    shared.complete("shared");
    time.runUntilIdle();
    assertThat(nested).isCompletedWithValue("shared");
  }

  /** Work may take the context of a call along after its end, and may do so again and again. */
  @Test
  void leadersThatHaveEndedAreForgotten() {
    CallContext context = CallContext.empty();
    CompletableFuture<String> before = done("first");
    for (int i = 0; i < 100; i++) {
      AtomicReference<CallContext> work = new AtomicReference<>();
      CompletableFuture<String> stage = new CompletableFuture<>();
      String key = "key-" + i % 2;
      context.call(
          () ->
              virtual(key)
                  .callAsync(
                      attempt -> {
                        work.set(CallContext.current());
                        return stage;
                      }));
      // The one before ends within this one.
      before.complete("answer");
      time.runUntilIdle();
      before = stage;
      context = work.get().withoutDeadline();
      SharedCall innermost = (SharedCall) context.callChain();
      assertThat(innermost.leaders()).as("live ones around call %s", i).isEmpty();
      assertThat(innermost.depth()).isLessThanOrEqualTo(1);
    }
    time.advance(Duration.ofSeconds(1));
  }
}
