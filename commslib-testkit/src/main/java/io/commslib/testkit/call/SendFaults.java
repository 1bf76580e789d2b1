package io.commslib.testkit.call;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallTransport;
import io.commslib.core.call.Deadline;
import io.commslib.core.time.TimeSource;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Faults in how a transport sends an attempt, and in what it sends. */
final class SendFaults {

  private static final String TRACE = "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  private static final Duration FULL = Duration.ofHours(1);

  private SendFaults() {}

  /** Sends an attempt in a wrong way. */
  private interface Sending {
    ScriptedAnswer send(String request, CallContext attempt)
        throws IOException, InterruptedException;
  }

  private static CallTransport<String, ScriptedAnswer> faulty(
      ScriptedCallTransport healthy, Sending fault) {
    return new ForwardingCallTransport(healthy) {
      @Override
      public ScriptedAnswer send(String request, CallContext attempt)
          throws IOException, InterruptedException {
        return fault.send(request, attempt);
      }
    };
  }

  private static CallTransport<String, ScriptedAnswer> sending(
      ScriptedCallTransport healthy, UnaryOperator<CallContext> fault) {
    return faulty(healthy, (request, attempt) -> healthy.send(request, fault.apply(attempt)));
  }

  /** Returns a copy of an attempt with another number and key. */
  private static CallContext copy(
      ScriptedCallTransport healthy, CallContext attempt, int number, @Nullable String key) {
    TimeSource time = healthy.runtime().time();
    long until = time.nanoTime() + attempt.remainingNanos(FULL.toNanos());
    return attempt.forAttempt(number, until, time, key);
  }

  private static @Nullable String key(CallContext attempt) {
    return attempt.hasIdempotencyKey() ? attempt.idempotencyKey() : null;
  }

  static CallTransport<String, ScriptedAnswer> hidesDeadlines(ScriptedCallTransport healthy) {
    return sending(healthy, CallContext::withoutDeadline);
  }

  static CallTransport<String, ScriptedAnswer> sendsFullDeadlines(ScriptedCallTransport healthy) {
    return sending(
        healthy,
        attempt ->
            attempt.withoutDeadline().withDeadline(Deadline.after(FULL, healthy.runtime().time())));
  }

  static CallTransport<String, ScriptedAnswer> misnumbersAttempts(ScriptedCallTransport healthy) {
    return sending(healthy, attempt -> copy(healthy, attempt, 1, key(attempt)));
  }

  static CallTransport<String, ScriptedAnswer> renewsKeys(ScriptedCallTransport healthy) {
    AtomicInteger keys = new AtomicInteger();
    return sending(
        healthy,
        attempt -> copy(healthy, attempt, attempt.attempt(), "renewed-" + keys.incrementAndGet()));
  }

  static CallTransport<String, ScriptedAnswer> sharesKeys(ScriptedCallTransport healthy) {
    return sending(healthy, attempt -> copy(healthy, attempt, attempt.attempt(), "shared"));
  }

  static CallTransport<String, ScriptedAnswer> forgetsTraces(ScriptedCallTransport healthy) {
    return sending(
        healthy,
        attempt -> {
          TimeSource time = healthy.runtime().time();
          long until = time.nanoTime() + attempt.remainingNanos(FULL.toNanos());
          return CallContext.empty().forAttempt(attempt.attempt(), until, time, key(attempt));
        });
  }

  static CallTransport<String, ScriptedAnswer> inventsTraces(ScriptedCallTransport healthy) {
    return sending(healthy, attempt -> attempt.withTrace(TRACE, ""));
  }

  static CallTransport<String, ScriptedAnswer> sendsBodiesOnce(ScriptedCallTransport healthy) {
    return faulty(
        healthy,
        (request, attempt) -> healthy.send(attempt.attempt() == 1 ? request : "", attempt));
  }

  static CallTransport<String, ScriptedAnswer> sendsTwice(ScriptedCallTransport healthy) {
    return faulty(
        healthy,
        (request, attempt) -> {
          healthy.send(request, attempt);
          return healthy.send(request, attempt);
        });
  }

  static CallTransport<String, ScriptedAnswer> repeatsAfterFailures(ScriptedCallTransport healthy) {
    return faulty(
        healthy,
        (request, attempt) -> {
          try {
            return healthy.send(request, attempt);
          } catch (IOException e) {
            return healthy.send(request, attempt);
          }
        });
  }

  static CallTransport<String, ScriptedAnswer> repeatsAfterTimeouts(ScriptedCallTransport healthy) {
    return faulty(
        healthy,
        (request, attempt) -> {
          try {
            return healthy.send(request, attempt);
          } catch (InterruptedException e) {
            return healthy.send(request, attempt);
          }
        });
  }

  static CallTransport<String, ScriptedAnswer> swallowsInterrupts(ScriptedCallTransport healthy) {
    return faulty(
        healthy,
        (request, attempt) -> {
          try {
            return healthy.send(request, attempt);
          } catch (InterruptedException e) {
            throw new IOException("no answer", e);
          }
        });
  }

  /** Waits for an answer for some more seconds. */
  static CallTransport<String, ScriptedAnswer> ignoresInterrupts(ScriptedCallTransport healthy) {
    return faulty(
        healthy,
        (request, attempt) -> {
          try {
            return healthy.send(request, attempt);
          } catch (InterruptedException e) {
            healthy.runtime().pause(Duration.ofSeconds(6));
            throw e;
          }
        });
  }

  static CallTransport<String, ScriptedAnswer> takesAPartForTheAnswer(
      ScriptedCallTransport healthy) {
    return faulty(
        healthy,
        (request, attempt) -> {
          try {
            return healthy.send(request, attempt);
          } catch (IOException e) {
            return new ScriptedAnswer(RemoteStep.echo(), "pa");
          }
        });
  }

  static CallTransport<String, ScriptedAnswer> repeatsOldAnswers(ScriptedCallTransport healthy) {
    AtomicReference<@Nullable ScriptedAnswer> last = new AtomicReference<>();
    return faulty(
        healthy,
        (request, attempt) -> {
          ScriptedAnswer answer = healthy.send(request, attempt);
          ScriptedAnswer old = last.getAndSet(answer);
          return old == null ? answer : old;
        });
  }

  static CallTransport<String, ScriptedAnswer> raisesBounds(ScriptedCallTransport healthy) {
    return faulty(
        healthy,
        (request, attempt) -> {
          try {
            return healthy.send(request, attempt);
          } catch (ScriptedCallTransport.TooLargeException e) {
            return new ScriptedAnswer(RemoteStep.echo(), "too large");
          }
        });
  }

  static CallTransport<String, ScriptedAnswer> lowersBounds(ScriptedCallTransport healthy) {
    return faulty(
        healthy,
        (request, attempt) -> {
          ScriptedAnswer answer = healthy.send(request, attempt);
          if (healthy.isLargest(answer.body())) {
            throw healthy.tooLarge();
          }
          return answer;
        });
  }

  static CallTransport<String, ScriptedAnswer> padsEmptyAnswers(ScriptedCallTransport healthy) {
    return faulty(
        healthy,
        (request, attempt) -> {
          ScriptedAnswer answer = healthy.send(request, attempt);
          return answer.body().isEmpty() ? new ScriptedAnswer(answer.step(), " ") : answer;
        });
  }

  static CallTransport<String, ScriptedAnswer> staysBroken(ScriptedCallTransport healthy) {
    AtomicBoolean isBroken = new AtomicBoolean();
    return faulty(
        healthy,
        (request, attempt) -> {
          if (isBroken.get()) {
            throw new IOException("broken");
          }
          isBroken.set(true);
          ScriptedAnswer answer = healthy.send(request, attempt);
          isBroken.set(false);
          return answer;
        });
  }

  static CallTransport<String, ScriptedAnswer> closesConnections(ScriptedCallTransport healthy) {
    return faulty(
        healthy,
        (request, attempt) -> {
          ScriptedAnswer answer = healthy.send(request, attempt);
          healthy.closeIdle();
          return answer;
        });
  }

  /** The threads end after a second. */
  static CallTransport<String, ScriptedAnswer> startsThreads(ScriptedCallTransport healthy) {
    return faulty(
        healthy,
        (request, attempt) -> {
          healthy.runtime().newThread("saboteur-call", SendFaults::linger).start();
          return healthy.send(request, attempt);
        });
  }

  private static void linger() {
    try {
      if (new CountDownLatch(1).await(1, TimeUnit.SECONDS)) {
        throw new IllegalStateException("an unshared latch was opened");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
