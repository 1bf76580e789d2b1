package io.commslib.grpc;

import io.commslib.core.SendCertainty;
import io.commslib.core.idempotency.IdempotencyKeyHeader;
import io.commslib.testkit.call.CallSaboteur;
import io.grpc.CallOptions;
import io.grpc.Metadata;
import io.grpc.Status;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** The saboteurs of calls, as faults of a channel of gRPC. */
final class GrpcSaboteurs {

  private static final String TRACE = "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

  private static final int PAUSES = 200;
  private static final Duration PAUSE = Duration.ofMillis(5);

  private GrpcSaboteurs() {}

  /** Returns the fault of a saboteur, or none if it is one of the harness. */
  static GrpcSabotage of(CallSaboteur saboteur) {
    AtomicReference<GrpcSabotage> made = new AtomicReference<>();
    made.set(
        switch (saboteur) {
          case SWALLOWS_INTERRUPTS -> new GrpcSabotage.Uninterruptible();
          case IGNORES_INTERRUPTS -> new GrpcSabotage.Late(new GrpcFault(), remote -> false);
          case REPEATS_AFTER_TIMEOUTS ->
              new GrpcSabotage.Late(
                  fault(saboteur, () -> made.get().harness()),
                  remote -> remote.arrived().size() > 1);
          default -> new GrpcSabotage.Hasty(fault(saboteur, () -> made.get().harness()));
        });
    return made.get();
  }

  /** The harness is made after its fault. */
  private static GrpcFault fault(CallSaboteur saboteur, Supplier<GrpcHarness> harness) {
    return switch (saboteur) {
      case HIDES_CERTAINTY -> failures(end -> end.with(SendCertainty.MAYBE_SENT));
      case CLAIMS_NOT_SENT -> failures(end -> end.with(SendCertainty.NOT_SENT));
      case TAKES_REJECTIONS_FOR_OUTAGES ->
          failures(end -> end.isAnswered() ? end.answered(Status.Code.UNAVAILABLE) : end);
      case TAKES_OUTAGES_FOR_REJECTIONS -> failures(GrpcSaboteurs::rejection);
      case TAKES_ANSWERS_FOR_FAILURES ->
          ends(end -> end.isOk() ? end.answered(Status.Code.UNAVAILABLE) : end);
      case FORBIDS_REPETITIONS -> failures(end -> pushback(end, "-1").with(SendCertainty.ANSWERED));
      case IGNORES_STOP_SIGNALS, LOSES_ADVICE -> failures(end -> end.with(new Metadata()));
      case INVENTS_ADVICE -> failures(end -> pushback(end, "1"));
      case STRETCHES_ADVICE -> failures(end -> pushback(end, "1000"));
      case CHOKES_ON_DETAILS ->
          failures(
              end ->
                  end.trailers().containsKey(GrpcHeaders.STATUS_DETAILS)
                          && GrpcProblem.of(end.trailers()).isEmpty()
                      ? end.answered(Status.Code.UNKNOWN)
                      : end);
      case TAKES_A_PART_FOR_THE_ANSWER ->
          failures(end -> end.isAnswered() ? end : end.success(bytes("pa")));
      case HIDES_DEADLINES -> sends(options -> options.withDeadline(null));
      case SENDS_FULL_DEADLINES -> sends(options -> options.withDeadlineAfter(1, TimeUnit.HOURS));
      case RAISES_BOUNDS -> sends(options -> options.withMaxInboundMessageSize(1 << 20));
      case LOWERS_BOUNDS ->
          sends(options -> options.withMaxInboundMessageSize(GrpcHarness.MAX_ANSWER - 1));
      case MISNUMBERS_ATTEMPTS -> heads(head -> head.discardAll(GrpcHeaders.PREVIOUS_ATTEMPTS));
      case RENEWS_KEYS -> renewsKeys();
      case SHARES_KEYS -> heads(head -> key(head, "shared"));
      case FORGETS_TRACES -> heads(head -> head.discardAll(GrpcHeaders.TRACEPARENT));
      case INVENTS_TRACES -> heads(head -> head.put(GrpcHeaders.TRACEPARENT, TRACE));
      case SENDS_BODIES_ONCE -> sendsBodiesOnce();
      case SENDS_TWICE -> new Repeating(harness, GrpcFault.End::isAnswered, false);
      case REPEATS_AFTER_FAILURES -> new Repeating(harness, end -> !end.isAnswered(), false);
      case REPEATS_AFTER_TIMEOUTS -> new Repeating(harness, GrpcSaboteurs::isTimeout, true);
      case REPEATS_OLD_ANSWERS -> repeatsOldAnswers();
      case PADS_EMPTY_ANSWERS -> answers(body -> body.length == 0 ? bytes(" ") : body);
      case STAYS_BROKEN -> staysBroken();
      case CLOSES_CONNECTIONS ->
          ends(
              end -> {
                harness.get().channel().enterIdle();
                return end;
              });
      case STARTS_THREADS ->
          ends(
              end -> {
                harness.get().lingers();
                return end;
              });
      default -> new GrpcFault();
    };
  }

  private static GrpcFault ends(UnaryOperator<GrpcFault.End> change) {
    return new GrpcFault() {
      @Override
      End end(End end) {
        return change.apply(end);
      }
    };
  }

  private static GrpcFault failures(UnaryOperator<GrpcFault.End> change) {
    return ends(end -> end.isOk() ? end : change.apply(end));
  }

  private static GrpcFault sends(UnaryOperator<CallOptions> change) {
    return new GrpcFault() {
      @Override
      CallOptions options(CallOptions options) {
        return change.apply(options);
      }
    };
  }

  private static GrpcFault heads(Consumer<Metadata> change) {
    return new GrpcFault() {
      @Override
      void head(Metadata headers, int attempt) {
        change.accept(headers);
      }
    };
  }

  private static GrpcFault answers(UnaryOperator<byte[]> change) {
    return new GrpcFault() {
      @Override
      byte[] answer(byte[] body) {
        return change.apply(body);
      }
    };
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static GrpcFault.End rejection(GrpcFault.End end) {
    return switch (end.status().getCode()) {
      case UNAVAILABLE, DEADLINE_EXCEEDED, INTERNAL, UNKNOWN, DATA_LOSS, CANCELLED ->
          end.answered(Status.Code.INVALID_ARGUMENT);
      default -> end;
    };
  }

  private static GrpcFault.End pushback(GrpcFault.End end, String millis) {
    Metadata trailers = new Metadata();
    trailers.put(GrpcHeaders.PUSHBACK, millis);
    return end.with(trailers);
  }

  /** The time of an attempt is over here or in the engine, whichever sees it first. */
  private static boolean isTimeout(GrpcFault.End end) {
    return end.status().getCode() == Status.Code.DEADLINE_EXCEEDED && !end.isAnswered();
  }

  private static void key(Metadata head, String key) {
    head.discardAll(GrpcHeaders.IDEMPOTENCY_KEY);
    head.put(GrpcHeaders.IDEMPOTENCY_KEY, IdempotencyKeyHeader.format(key));
  }

  private static GrpcFault renewsKeys() {
    AtomicInteger keys = new AtomicInteger();
    return heads(head -> key(head, "renewed-" + keys.incrementAndGet()));
  }

  private static GrpcFault sendsBodiesOnce() {
    return new GrpcFault() {
      @Override
      byte[] request(byte[] body, int attempt) {
        return attempt == 1 ? body : new byte[0];
      }
    };
  }

  private static GrpcFault repeatsOldAnswers() {
    AtomicReference<byte @Nullable []> last = new AtomicReference<>();
    return answers(
        body -> {
          byte[] old = last.getAndSet(body);
          return old == null ? body : old;
        });
  }

  private static GrpcFault staysBroken() {
    return new GrpcFault() {
      private volatile boolean isBroken;

      @Override
      boolean isBroken() {
        boolean was = isBroken;
        isBroken = true;
        return was;
      }

      @Override
      End end(End end) {
        isBroken = !end.isOk();
        return end;
      }
    };
  }

  /**
   * Sends an attempt again after some of its ends, or after its time. The end of the attempt waits
   * until the repetition has arrived.
   */
  private static final class Repeating extends GrpcFault {
    private final Supplier<GrpcHarness> harness;
    private final Predicate<End> condition;
    private final boolean isAfterTimeouts;

    Repeating(Supplier<GrpcHarness> harness, Predicate<End> condition, boolean isAfterTimeouts) {
      this.harness = harness;
      this.condition = condition;
      this.isAfterTimeouts = isAfterTimeouts;
    }

    @Override
    End end(Attempt<?, ?> attempt, End end) {
      if (condition.test(end)) {
        again(attempt);
      }
      return end;
    }

    @Override
    void cancelled(Attempt<?, ?> attempt) {
      if (isAfterTimeouts) {
        again(attempt);
      }
    }

    private void again(Attempt<?, ?> attempt) {
      GrpcHarness remote = harness.get();
      int before = remote.arrived().size();
      attempt.sendAgain();
      for (int i = 0; i < PAUSES && remote.arrived().size() == before; i++) {
        remote.pause(PAUSE);
      }
    }
  }
}
