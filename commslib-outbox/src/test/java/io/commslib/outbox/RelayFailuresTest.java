package io.commslib.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.CodecException;
import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.StoreException;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.resilience.Backoff;
import io.commslib.testkit.Await;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The relay's decision for each kind of failure, however deep it is in the chain of causes. */
class RelayFailuresTest extends H2Fixture {

  private enum Meaning {
    /** The destination pauses and no attempt is counted. */
    OUTAGE,
    /** An attempt of this one message. */
    ATTEMPT,
    /** Parked at the first attempt: no further attempt can succeed. */
    PROOF
  }

  private enum Case {
    TRANSIENT(Meaning.OUTAGE, refused(FailureKind.TRANSIENT)),
    UNKNOWN_RESULT(Meaning.OUTAGE, refused(FailureKind.UNKNOWN_RESULT)),
    CONTENTION(Meaning.OUTAGE, refused(FailureKind.CONTENTION)),
    CANCELLED(Meaning.OUTAGE, refused(FailureKind.CANCELLED)),
    TRANSIENT_IN_FUTURES(
        Meaning.OUTAGE,
        new CompletionException(new ExecutionException(refused(FailureKind.TRANSIENT)))),
    TRANSIENT_UNDERNEATH(
        Meaning.OUTAGE, new IllegalStateException("no luck", refused(FailureKind.TRANSIENT))),
    STORE_TRANSIENT(
        Meaning.OUTAGE,
        new IllegalStateException(
            new StoreException("COMMS-TEST-002", FailureKind.TRANSIENT, "away", null))),
    PERMANENT(Meaning.ATTEMPT, refused(FailureKind.PERMANENT)),
    PERMANENT_IN_A_FUTURE(Meaning.ATTEMPT, new CompletionException(refused(FailureKind.PERMANENT))),
    PERMANENT_OVER_TRANSIENT(
        Meaning.ATTEMPT,
        new StoreException(
            "COMMS-TEST-003", FailureKind.PERMANENT, "refused", refused(FailureKind.TRANSIENT))),
    ODD(Meaning.ATTEMPT, new IllegalStateException("a fault")),
    MISSING_CLASS(Meaning.ATTEMPT, new NoClassDefFoundError("a/Fault")),
    STACK_OVERFLOW(Meaning.ATTEMPT, new StackOverflowError()),
    ASSERTION(Meaning.ATTEMPT, new AssertionError("a fault")),
    CODEC_UNDERNEATH(
        Meaning.ATTEMPT,
        new IllegalStateException(new CodecException("COMMS-TEST-004", "of something", null))),
    CODEC(Meaning.PROOF, new CodecException("COMMS-TEST-005", "unreadable", null)),
    CODEC_IN_A_FUTURE(
        Meaning.PROOF,
        new CompletionException(new CodecException("COMMS-TEST-005", "unreadable", null)));

    private final Meaning meaning;
    private final Throwable failure;

    Case(Meaning meaning, Throwable failure) {
      this.meaning = meaning;
      this.failure = failure;
    }

    private static Throwable refused(FailureKind kind) {
      return RecordingTransport.refusal(ORDERS, Message.builder("test").id("any").build(), kind);
    }

    private Destination destination() {
      return Destination.queue(name().toLowerCase(java.util.Locale.ROOT).replace('_', '-'));
    }
  }

  private static List<String> with(Meaning meaning) {
    return Arrays.stream(Case.values())
        .filter(one -> one.meaning == meaning)
        .map(one -> one.destination().toString())
        .sorted()
        .toList();
  }

  private List<String> destinations(String sql) {
    return texts("SELECT DISTINCT destination FROM " + sql + " ORDER BY destination");
  }

  @Test
  void eachKindOfFailureHasOneMeaningWhateverItIsWrappedIn() {
    // The second attempt is far away, so what is counted once is seen.
    Backoff far = Backoff.exponential(Duration.ofHours(1), Duration.ofHours(1)).withoutJitter();
    configure(quick().backoff(far));
    Map<String, Case> cases =
        Arrays.stream(Case.values()).collect(Collectors.toMap(Case::name, one -> one));
    transport.refuseWith(
        message -> cases.containsKey(message.id()) ? cases.get(message.id()).failure : null);
    OutboxRelay relay = startRelay();
    for (Case one : Case.values()) {
      write(one.destination(), one.name(), "k");
    }
    write("beside", "k");
    Await.until("beside published", () -> transport.confirmed().contains("beside"));
    Await.until("all tried", () -> transport.ids().size() == Case.values().length + 1);
    Await.until(
        "attempts counted",
        () ->
            destinations(database.table("outbox_retry") + " WHERE next_at IS NOT NULL")
                .equals(with(Meaning.ATTEMPT)));
    Await.until(
        "unreadable ones parked",
        () -> destinations(database.table("outbox_parked")).equals(with(Meaning.PROOF)));
    assertThat(texts("SELECT DISTINCT attempts FROM " + database.table("outbox_retry")))
        .containsExactly("1");
    String withoutAttempt =
        database.table("outbox_message")
            + " m WHERE NOT EXISTS (SELECT 1 FROM "
            + database.table("outbox_retry")
            + " r WHERE r.message_row = m.id)";
    Await.until(
        "outages wait without an attempt",
        () -> destinations(withoutAttempt).equals(with(Meaning.OUTAGE)));
    Health health = relay.health();
    assertThat(health.status()).isEqualTo(Health.Status.DEGRADED);
    with(Meaning.OUTAGE).forEach(name -> assertThat(health.reason()).contains(name));
    with(Meaning.ATTEMPT).forEach(name -> assertThat(health.reason()).doesNotContain(name));
  }
}
