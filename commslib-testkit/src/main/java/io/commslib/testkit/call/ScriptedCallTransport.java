package io.commslib.testkit.call;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallTransport;
import io.commslib.core.call.OutcomeClassifier;
import io.commslib.core.checks.Checks;
import io.commslib.core.time.CommsRuntime;
import java.io.IOException;
import java.net.ConnectException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A call transport without a network: each attempt finds the next step of a script. For tests of
 * code that makes guarded calls, under virtual time or in real time. It passes {@link
 * CallTransportContract}.
 *
 * <p>Requests and contents are texts. Thread-safe.
 */
public final class ScriptedCallTransport implements CallTransport<String, ScriptedAnswer> {

  /** The answer is longer than the bound. */
  static final class TooLargeException extends IOException {
    private static final long serialVersionUID = 1L;

    TooLargeException(int max) {
      super("the answer has more than " + max + " characters");
    }
  }

  /** An attempt waits in pieces, so that an interrupt by the tick ends it at its time. */
  private static final Duration PIECE = Duration.ofMillis(5);

  /** A wait without an end must not hang a test whose calls have no deadline. */
  private static final Duration LONGEST = Duration.ofHours(2);

  private final CommsRuntime runtime;
  private final int maxAnswerChars;
  private final OutcomeClassifier<ScriptedAnswer> outcomes = new ScriptedOutcomes();
  private final Object lock = new Object();
  private final RemoteScript script = new RemoteScript();
  private int idle;
  private int connections;

  private ScriptedCallTransport(CommsRuntime runtime, int maxAnswerChars) {
    this.runtime = runtime;
    this.maxAnswerChars = maxAnswerChars;
  }

  /**
   * Creates a transport whose attempts find an {@link RemoteStep#echo()}.
   *
   * @param runtime the runtime of the calls
   * @param maxAnswerChars the bound of answers, 1 to 1,048,576 characters
   * @return the transport
   */
  public static ScriptedCallTransport create(CommsRuntime runtime, int maxAnswerChars) {
    return new ScriptedCallTransport(
        Objects.requireNonNull(runtime, "runtime"),
        Checks.inRange("maxAnswerChars", maxAnswerChars, 1, 1 << 20));
  }

  /**
   * Sets what the next attempts find, in this order, and after them an {@link RemoteStep#echo()}.
   *
   * @param steps the steps
   */
  public void script(RemoteStep... steps) {
    script.script(steps);
  }

  /**
   * Sets what every attempt finds from now on.
   *
   * @param step the step
   */
  public void always(RemoteStep step) {
    script.always(step);
  }

  /** {@return the attempts that have arrived so far, in order} */
  public List<ArrivedAttempt> arrived() {
    return script.arrived();
  }

  /** {@return the number of connections that were opened so far} */
  public int connections() {
    synchronized (lock) {
      return connections;
    }
  }

  @Override
  public OutcomeClassifier<ScriptedAnswer> outcomes() {
    return outcomes;
  }

  @Override
  public ScriptedAnswer send(String request, CallContext attempt)
      throws IOException, InterruptedException {
    checkInterrupt();
    RemoteStep step = connect();
    if (step.kind() == RemoteStep.Kind.LOSE) {
      waitForever();
    }
    script.records(arrival(request, attempt));
    step.arrived();
    checkInterrupt();
    switch (step.kind()) {
      case RESET -> throw new IOException("connection reset");
      case CUT -> throw new IOException("connection reset within the answer");
      case SILENCE, STALL -> waitForever();
      default -> {
        return answer(step, step.body().orElse(request));
      }
    }
    throw new IOException("no answer");
  }

  /** Takes a step and a connection. */
  private RemoteStep connect() throws ConnectException {
    synchronized (lock) {
      RemoteStep step = script.take();
      if (step.kind() == RemoteStep.Kind.REFUSE) {
        idle = 0;
        throw new ConnectException("connection refused");
      }
      if (idle > 0) {
        idle--;
      } else {
        connections++;
      }
      return step;
    }
  }

  private ScriptedAnswer answer(RemoteStep step, String body) throws TooLargeException {
    if (body.length() > maxAnswerChars) {
      throw tooLarge();
    }
    synchronized (lock) {
      idle++;
    }
    return new ScriptedAnswer(step, body);
  }

  /** The runtime of the calls. */
  CommsRuntime runtime() {
    return runtime;
  }

  /** Whether an answer has the largest content that arrives. */
  boolean isLargest(String body) {
    return body.length() == maxAnswerChars;
  }

  /** The failure of an answer over the bound. */
  TooLargeException tooLarge() {
    return new TooLargeException(maxAnswerChars);
  }

  /** Closes the connections without a request. */
  void closeIdle() {
    synchronized (lock) {
      idle = 0;
    }
  }

  private static ArrivedAttempt arrival(String request, CallContext attempt) {
    long left = attempt.remainingNanos(-1);
    return new ArrivedAttempt(
        attempt.attempt(),
        left < 0 ? Optional.empty() : Optional.of(Duration.ofNanos(left)),
        attempt.hasIdempotencyKey() ? Optional.of(attempt.idempotencyKey()) : Optional.empty(),
        attempt.traceparent(),
        request);
  }

  private static void checkInterrupt() throws InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException("interrupted during an attempt");
    }
  }

  private void waitForever() throws IOException, InterruptedException {
    for (Duration waited = Duration.ZERO;
        waited.compareTo(LONGEST) < 0;
        waited = waited.plus(PIECE)) {
      runtime.pause(PIECE);
    }
    throw new IOException("no answer within " + LONGEST);
  }
}
