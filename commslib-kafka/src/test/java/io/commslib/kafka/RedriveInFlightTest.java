package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RedriveInFlightTest {

  private final Map<String, CompletableFuture<Void>> sent = new LinkedHashMap<>();
  private final List<Integer> openAtWaits = new ArrayList<>();
  private final RedriveInFlight inFlight = new RedriveInFlight(this::await);

  /** Completes the awaited stage, unless it has failed. */
  private void await(CompletionStage<?> stage) {
    openAtWaits.add((int) sent.values().stream().filter(one -> !one.isDone()).count());
    CompletableFuture<?> future = stage.toCompletableFuture();
    future.complete(null);
    future.join();
  }

  private CompletableFuture<Void> begin(String id) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    sent.put(id, done);
    return done;
  }

  private void add(String id, @Nullable String key) {
    inFlight.add(key, 100, () -> begin(id), () -> begin("delete " + id));
  }

  @Test
  void keepsOneLetterOfAKeyInFlightAndOthersInParallel() {
    add("a1", "a");
    add("b1", "b");
    add("u1", null);
    add("u2", null);
    assertThat(openAtWaits).isEmpty();
    add("a2", "a");
    assertThat(sent.get("delete a1"))
        .as("deleted before the next letter of its key is sent")
        .isDone();
    assertThat(inFlight.finish()).isEqualTo(5);
    assertThat(sent.keySet())
        .containsExactly(
            "a1",
            "b1",
            "u1",
            "u2",
            "delete a1",
            "delete b1",
            "delete u1",
            "delete u2",
            "a2",
            "delete a2");
  }

  @Test
  void deletesNothingThatIsNotConfirmed() {
    add("a1", "a");
    add("b1", "b");
    sent.get("a1").completeExceptionally(new IllegalStateException("refused"));
    assertThatThrownBy(inFlight::finish).hasRootCauseMessage("refused");
    assertThat(sent).containsOnlyKeys("a1", "b1");
  }

  @Test
  void sendsNothingOfAKeyAfterAFailure() {
    add("a1", "a");
    sent.get("a1").completeExceptionally(new IllegalStateException("refused"));
    assertThatThrownBy(() -> add("a2", "a")).hasRootCauseMessage("refused");
    assertThat(sent).containsOnlyKeys("a1");
  }

  @Test
  void boundsTheNumberInFlight() {
    for (int i = 0; i < 1_000; i++) {
      add("m" + i, null);
    }
    assertThat(inFlight.finish()).isEqualTo(1_000);
    assertThat(openAtWaits).allMatch(open -> open <= 400).contains(400);
  }
}
