package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.commslib.core.FailureKind;
import io.commslib.core.call.CallContext;
import io.commslib.core.call.Deadline;
import io.commslib.core.call.Idempotency;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CallPolicy.Part;
import io.commslib.core.time.VirtualTime;
import java.io.IOException;
import java.time.Duration;
import java.util.AbstractMap;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What a loader makes of keys and answers, on one thread. */
class BatchLoaderTest {

  private final VirtualTime time = VirtualTime.create();
  private final Resilience resilience =
      Resilience.builder(time)
          .defaults(CallPolicy.builder().without(Part.BREAKER).without(Part.RETRY).build())
          .build();
  private final GuardedOperation operation =
      resilience.guard("pricing").operation("quotes", Idempotency.SAFE);
  private final List<List<Integer>> calls = new ArrayList<>();

  private Map<Integer, String> quotes(List<Integer> keys) {
    calls.add(keys);
    return keys.stream().collect(Collectors.toMap(key -> key, key -> "quote " + key));
  }

  private BatchLoadException fails(BatchLoader<Integer, String> loader) {
    BatchLoadException failure =
        catchThrowableOfType(BatchLoadException.class, () -> loader.load(17));
    assertThat(loader.waiting()).isZero();
    return failure;
  }

  private BatchLoadException failsBy(BatchWork<Integer, String> work) {
    return fails(BatchLoader.of(operation, work));
  }

  @Test
  void aSingleCallerWaitsForTheWindowAndMakesTheCall() {
    BatchLoader<Integer, String> loader = BatchLoader.of(operation, this::quotes);
    assertThat(loader.load(17)).isEqualTo("quote 17");
    assertThat(calls).containsExactly(List.of(17));
    assertThat(time.time().nanoTime()).isEqualTo(BatchLoader.DEFAULT_WINDOW.toNanos());
    assertThat(loader.waiting()).isZero();
  }

  @Test
  void aFullBatchDoesNotWait() {
    BatchLoader<Integer, String> loader =
        BatchLoader.builder(operation, this::quotes).maxBatch(1).build();
    assertThat(loader.load(17)).isEqualTo("quote 17");
    assertThat(time.time().nanoTime()).isZero();
  }

  @Test
  void theWindowLeavesTimeForTheCall() {
    BatchLoader<Integer, String> loader =
        BatchLoader.builder(operation, this::quotes).window(Duration.ofSeconds(1)).build();
    String quote =
        CallContext.within(
            Deadline.after(Duration.ofMillis(30), time.time()), () -> loader.load(17));
    assertThat(quote).isEqualTo("quote 17");
    assertThat(time.time().nanoTime()).isEqualTo(20_000_000);
  }

  /** Virtual time runs the parts one inside the other, on one thread. */
  @Test
  void partsOfAComposerShareACallUnderVirtualTime() {
    BatchLoader<Integer, String> loader = BatchLoader.of(operation, this::quotes);
    try (Composer composer = resilience.composer(Duration.ofMillis(800))) {
      List<io.commslib.resilience.Part<String>> parts = new ArrayList<>();
      for (int key : List.of(3, 1, 2, 1)) {
        parts.add(composer.required("part " + parts.size(), () -> loader.load(key)));
      }
      composer.join();
      assertThat(parts)
          .extracting(io.commslib.resilience.Part::get)
          .containsExactly("quote 3", "quote 1", "quote 2", "quote 1");
    }
    assertThat(calls).containsExactly(List.of(3, 1, 2));
    assertThat(time.time().nanoTime()).isEqualTo(BatchLoader.DEFAULT_WINDOW.toNanos());
  }

  @Test
  void tenThousandKeysHaveTheirResultsInOrder() {
    BatchCall<Integer, String, String> call =
        new BatchCall<>(operation, this::quotes, KeyResult::of);
    List<Integer> keys = IntStream.range(0, 10_000).map(i -> i * 7_919 % 6_000).boxed().toList();
    List<KeyResult<String>> results = call.run(keys);
    assertThat(results).isNotNull();
    assertThat(results)
        .extracting(KeyResult::value)
        .isEqualTo(keys.stream().map(key -> "quote " + key).toList());
    assertThat(calls.get(0)).isEqualTo(keys.stream().distinct().toList());
  }

  @Test
  void aKeyWithoutResultIsACodedFailureOfItsOwn() {
    BatchLoadException failure = failsBy(keys -> Map.of(18, "another"));
    assertThat(failure)
        .hasMessage("COMMS-CALL-016: the answer has no result for the key (pricing quotes)");
    assertThat(failure.kind()).isEqualTo(FailureKind.PERMANENT);
    assertThat(failure.target().operation()).isEqualTo("quotes");
    Map<Integer, String> nulls = new HashMap<>();
    nulls.put(17, null);
    assertThat(failsBy(keys -> nulls).code()).isEqualTo("COMMS-CALL-016");
  }

  @Test
  void aKeyCanFailAlone() {
    IllegalStateException cause = new IllegalStateException("no price");
    BatchLoader<Integer, String> loader =
        BatchLoader.<Integer, String>resultBuilder(
                operation, keys -> Map.of(17, KeyResult.failed(cause), 18, KeyResult.of("b")))
            .build();
    assertThat(fails(loader))
        .hasMessage("COMMS-CALL-019: the key failed (pricing quotes)")
        .hasCause(cause)
        .satisfies(failure -> assertThat(failure.kind()).isEqualTo(FailureKind.CONTENTION));
    assertThat(loader.load(18)).isEqualTo("b");
  }

  @Test
  void aFailedCallFailsTheKeysOfItsBatch() {
    BatchLoadException failure =
        failsBy(
            keys -> {
              throw new IOException("reset");
            });
    assertThat(failure.code()).isEqualTo("COMMS-CALL-019");
    assertThat(failure.kind()).isEqualTo(FailureKind.UNKNOWN_RESULT);
    assertThat(failure).hasRootCauseInstanceOf(IOException.class);
    assertThat(
            failsBy(
                keys -> {
                  throw new CloneNotSupportedException();
                }))
        .hasCauseInstanceOf(CloneNotSupportedException.class);
  }

  @Test
  void aFailedCallLeavesTheNextBatchAlone() {
    BatchLoader<Integer, String> loader =
        BatchLoader.of(
            operation,
            keys -> {
              if (keys.contains(17)) {
                throw new IllegalStateException("planted");
              }
              return quotes(keys);
            });
    fails(loader);
    assertThat(loader.load(18)).isEqualTo("quote 18");
  }

  @Test
  void answersThatBreakTheirRulesFailTheirKeys() {
    assertThat(failsBy(keys -> null))
        .hasCauseInstanceOf(NullPointerException.class)
        .hasRootCauseMessage("load: null (expected: a map)");
    assertThat(
            failsBy(
                keys ->
                    new AbstractMap<>() {
                      @Override
                      public Set<Entry<Integer, String>> entrySet() {
                        throw new IllegalStateException("planted");
                      }
                    }))
        .hasCauseInstanceOf(IllegalStateException.class);
    BatchLoader<Object, String> loader = BatchLoader.of(operation, keys -> Map.of());
    assertThatThrownBy(
            () ->
                loader.load(
                    new Object() {
                      @Override
                      public int hashCode() {
                        throw new IllegalStateException("planted");
                      }
                    }))
        .isInstanceOf(BatchLoadException.class)
        .hasCauseInstanceOf(IllegalStateException.class);
    assertThat(loader.waiting()).isZero();
  }

  @Test
  void aKeyOfWhichTheAnswerFailsLeavesTheOthersAlone() {
    Map<Integer, String> answer =
        new HashMap<>(Map.of(17, "a", 18, "b")) {
          private static final long serialVersionUID = 1L;

          @Override
          public String get(Object key) {
            if (key.equals(17)) {
              throw new IllegalStateException("planted");
            }
            return super.get(key);
          }
        };
    List<KeyResult<String>> results =
        new BatchCall<Integer, String, String>(operation, keys -> answer, KeyResult::of)
            .run(List.of(17, 18));
    assertThat(results).isNotNull();
    assertThat(results.get(0).failure()).hasMessage("planted");
    assertThat(results.get(1).value()).isEqualTo("b");
  }

  @Test
  void anErrorReachesTheCallerUnchanged() {
    for (Error error :
        List.of(new AssertionError("x"), new StackOverflowError(), new OutOfMemoryError("x"))) {
      BatchLoader<Integer, String> loader =
          BatchLoader.of(
              operation,
              keys -> {
                throw error;
              });
      assertThatThrownBy(() -> loader.load(17)).isSameAs(error);
      assertThat(loader.waiting()).isZero();
    }
    OutOfMemoryError error = new OutOfMemoryError("planted");
    BatchLoader<Integer, String> loader =
        BatchLoader.of(
            operation,
            keys -> {
              throw new IllegalStateException(error);
            });
    assertThatThrownBy(() -> loader.load(17)).isSameAs(error);
  }

  @Test
  void anExpiredDeadlineMakesNoCall() {
    BatchLoader<Integer, String> loader = BatchLoader.of(operation, this::quotes);
    BatchLoadException failure =
        CallContext.within(Deadline.after(Duration.ZERO, time.time()), () -> fails(loader));
    assertThat(failure)
        .hasMessage(
            "COMMS-CALL-017: the caller's deadline has passed before the call (pricing quotes)");
    assertThat(failure.kind()).isEqualTo(FailureKind.TRANSIENT);
    assertThat(calls).isEmpty();
  }

  @Test
  void anInterruptedCallerMakesNoCallAndItsFlagStays() {
    BatchLoader<Integer, String> loader =
        BatchLoader.builder(operation, this::quotes).maxBatch(1).build();
    Thread.currentThread().interrupt();
    BatchLoadException failure = fails(loader);
    assertThat(Thread.interrupted()).isTrue();
    assertThat(failure)
        .hasMessage("COMMS-CALL-018: the waiting thread was interrupted (pricing quotes)");
    assertThat(failure.kind()).isEqualTo(FailureKind.CANCELLED);
    assertThat(calls).isEmpty();
  }

  @Test
  void workMayUseItsOwnLoader() {
    List<BatchLoader<Integer, String>> own = new ArrayList<>();
    own.add(
        BatchLoader.of(
            operation,
            keys -> keys.get(0) == 0 ? Map.of(0, "end") : Map.of(keys.get(0), deeper(own, keys))));
    assertThat(own.get(0).load(3)).isEqualTo("3 2 1 end");
  }

  private static String deeper(List<BatchLoader<Integer, String>> own, List<Integer> keys) {
    return keys.get(0) + " " + own.get(0).load(keys.get(0) - 1);
  }

  @Test
  void settingsAreChecked() {
    assertThatThrownBy(
            () ->
                BatchLoader.of(
                    resilience.guard("pricing").operation("set", Idempotency.KEYED), this::quotes))
        .hasMessage("idempotency: KEYED (expected: SAFE)");
    BatchLoader.Builder<Integer, String> builder = BatchLoader.builder(operation, this::quotes);
    assertThatThrownBy(() -> builder.maxBatch(0)).hasMessage("maxBatch: 0 (expected: 1..100000)");
    assertThatThrownBy(() -> builder.maxWaiting(0))
        .hasMessage("maxWaiting: 0 (expected: 1..1000000)");
    assertThatThrownBy(() -> builder.window(Duration.ofMillis(-1)))
        .hasMessage("window: PT-0.001S (expected: PT0S..PT1M)");
  }
}
