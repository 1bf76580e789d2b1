package io.commslib.core.call;

import io.commslib.core.time.TimeSource;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What travels with work from hop to hop: deadline, trace, baggage, the ids of the conversation,
 * and within a call its idempotency key and the number of the attempt. A thread has one current
 * context; {@link #wrap(Executor)} takes it to other threads. Immutable.
 */
public final class CallContext {

  /** The maximum number of entries of the baggage. */
  public static final int MAX_BAGGAGE_ENTRIES = 64;

  /** The maximum number of characters of all names and values of the baggage together. */
  public static final int MAX_BAGGAGE_CHARS = 8_192;

  private static final CallContext EMPTY = new CallContext(Trail.NONE, null, 0, null, 0, null);

  /** Kept for each thread: to change its field costs less than to set another value. */
  private static final ThreadLocal<Current> CURRENT = ThreadLocal.withInitial(Current::new);

  /** The context of one thread. Confined to it. */
  private static final class Current {

    /** A context, or a supplier that makes it when it is read. */
    private Object value = EMPTY;

    /** What the supplier has made; null before, and without one. */
    private @Nullable CallContext made;

    CallContext context() {
      return value instanceof CallContext context ? context : made();
    }

    /** Makes the context that was attached lazily; once for each time that it is attached. */
    private CallContext made() {
      CallContext context = made;
      if (context == null) {
        context = (CallContext) Objects.requireNonNull(((Supplier<?>) value).get());
        made = context;
      }
      return context;
    }

    void set(Object next) {
      value = next;
      forget();
    }

    /** Writes only what differs: a reference in an object of long life has a cost for the GC. */
    void renew(Supplier<CallContext> lazy) {
      if (value != lazy) {
        value = lazy;
      }
      forget();
    }

    private void forget() {
      if (made != null) {
        made = null;
      }
    }
  }

  private final Trail trail;

  /** The clock of the deadline; null without a deadline. */
  private final @Nullable TimeSource clock;

  private final long deadlineNanos;
  private final @Nullable String idempotencyKey;
  private final int attempt;
  private final @Nullable Place place;

  private CallContext(
      Trail trail,
      @Nullable TimeSource clock,
      long deadlineNanos,
      @Nullable String idempotencyKey,
      int attempt,
      @Nullable Place place) {
    this.trail = trail;
    this.clock = clock;
    this.deadlineNanos = deadlineNanos;
    this.idempotencyKey = idempotencyKey;
    this.attempt = attempt;
    this.place = place;
  }

  /** {@return the context of this thread, the empty one if none is attached} */
  public static CallContext current() {
    return CURRENT.get().context();
  }

  /** {@return the context without any part} */
  public static CallContext empty() {
    return EMPTY;
  }

  /**
   * Runs work under a deadline on the system's clock, on this thread. All calls within it end by
   * the earlier of this deadline and the one around it. Does not interrupt the work itself.
   *
   * @param <T> type of the result
   * @param <E> type of the failure
   * @param timeout the time for the work; zero or less has expired already
   * @param work the work
   * @return the result of the work
   * @throws E if the work throws it
   */
  public static <T extends @Nullable Object, E extends Exception> T within(
      Duration timeout, CallWork<T, E> work) throws E {
    return within(Deadline.after(timeout, TimeSource.system()), work);
  }

  /**
   * Runs work under a deadline, on this thread. As {@link #within(Duration, CallWork)}.
   *
   * @param <T> type of the result
   * @param <E> type of the failure
   * @param deadline the deadline
   * @param work the work
   * @return the result of the work
   * @throws E if the work throws it
   */
  public static <T extends @Nullable Object, E extends Exception> T within(
      Deadline deadline, CallWork<T, E> work) throws E {
    return current().withDeadline(deadline).call(work);
  }

  /**
   * Returns an executor whose tasks run under the context of the thread that submits them.
   *
   * @param executor runs the tasks
   * @return the executor
   */
  public static Executor wrap(Executor executor) {
    Objects.requireNonNull(executor, "executor");
    return task -> executor.execute(current().wrap(task));
  }

  /**
   * Returns a task that runs under this context.
   *
   * @param task the task
   * @return the wrapped task
   */
  public Runnable wrap(Runnable task) {
    Objects.requireNonNull(task, "task");
    return () -> {
      CallContext before = attach();
      try {
        task.run();
      } finally {
        before.restore();
      }
    };
  }

  /**
   * Returns a task that runs under this context.
   *
   * @param <T> type of the result
   * @param task the task
   * @return the wrapped task
   */
  public <T extends @Nullable Object> Callable<T> wrap(Callable<T> task) {
    Objects.requireNonNull(task, "task");
    return () -> {
      CallContext before = attach();
      try {
        return task.call();
      } finally {
        before.restore();
      }
    };
  }

  /**
   * Runs work under this context, on this thread.
   *
   * @param <T> type of the result
   * @param <E> type of the failure
   * @param work the work
   * @return the result of the work
   * @throws E if the work throws it
   */
  public <T extends @Nullable Object, E extends Exception> T call(CallWork<T, E> work) throws E {
    CallContext before = attach();
    try {
      return work.run();
    } finally {
      before.restore();
    }
  }

  /**
   * Makes this the current context of the thread. For engines, which {@link #restore} the returned
   * context in a {@code finally} block; others use {@link #call}.
   *
   * @return the context that was current
   */
  public CallContext attach() {
    Current here = CURRENT.get();
    CallContext before = here.context();
    here.set(this);
    return before;
  }

  /**
   * Attaches a context that is made only if it is read: {@link #current()} calls the supplier the
   * first time, on this thread. For engines that open a context around work which mostly needs
   * none; as {@link #attach}, allocates nothing itself.
   *
   * @param lazy makes the context, never null; a failure of it is thrown to the reader
   * @return the context that was current
   */
  public static CallContext attachLazily(Supplier<CallContext> lazy) {
    Objects.requireNonNull(lazy, "lazy");
    Current here = CURRENT.get();
    CallContext before = here.context();
    here.set(lazy);
    return before;
  }

  /**
   * Makes a supplier's context the current one, as {@link #attachLazily} does; if the supplier is
   * attached already, it is called anew at the next {@link #current()}. For engines that do one
   * piece of work after the other: they attach once for all of them, renew for each, and restore at
   * the end. Mostly writes nothing, which costs less than to attach and restore for each.
   *
   * @param lazy makes the context, never null; a failure of it is thrown to the reader
   */
  public static void renewLazily(Supplier<CallContext> lazy) {
    Objects.requireNonNull(lazy, "lazy");
    CURRENT.get().renew(lazy);
  }

  /**
   * Ends what {@link #attach} or {@link #attachLazily} began: makes this the current context again.
   * Does not read the context that ends, so a lazy one that was never read is never made.
   */
  public void restore() {
    CURRENT.get().set(this);
  }

  /** {@return the deadline, or empty} */
  public Optional<Deadline> deadline() {
    return Optional.ofNullable(deadlineOrNull());
  }

  private @Nullable Deadline deadlineOrNull() {
    return clock == null ? null : Deadline.atNanos(deadlineNanos, clock);
  }

  /**
   * Returns the nanoseconds until the deadline, negative after it. For engines; allocates nothing.
   *
   * @param none the value without a deadline
   * @return the nanoseconds
   */
  public long remainingNanos(long none) {
    return clock == null ? none : deadlineNanos - clock.nanoTime();
  }

  /** {@return the {@code traceparent} of the W3C trace context, or empty} */
  public Optional<String> traceparent() {
    return Optional.ofNullable(trail.traceparent());
  }

  /** {@return the {@code tracestate} of the W3C trace context, or empty} */
  public Optional<String> tracestate() {
    return Optional.ofNullable(trail.tracestate());
  }

  /** {@return the baggage by name, unmodifiable} */
  public Map<String, String> baggage() {
    return trail.baggage();
  }

  /**
   * Returns the criticality of the work, which is an entry of the baggage.
   *
   * @return the criticality, {@link Criticality#CRITICAL} without an entry that is known
   */
  public Criticality criticality() {
    return Criticality.of(trail.baggage().get(Criticality.BAGGAGE_NAME));
  }

  /** {@return the id of the conversation, which messages published within carry on, or empty} */
  public Optional<String> correlationId() {
    return Optional.ofNullable(trail.correlationId());
  }

  /** {@return the id of the message that is being handled, or empty} */
  public Optional<String> causationId() {
    return Optional.ofNullable(trail.causationId());
  }

  /** {@return whether the call has an idempotency key} */
  public boolean hasIdempotencyKey() {
    return idempotencyKey != null;
  }

  /**
   * Returns the idempotency key, the same for all attempts of a call.
   *
   * @return the key
   * @throws IllegalStateException if there is none; a call of a {@link Idempotency#KEYED} target
   *     has one
   */
  public String idempotencyKey() {
    if (idempotencyKey == null) {
      throw new IllegalStateException(
          "idempotencyKey: none (expected: a call of a target with Idempotency.KEYED)");
    }
    return idempotencyKey;
  }

  /** {@return the number of the attempt, from 1; 0 outside of a call} */
  public int attempt() {
    return attempt;
  }

  /**
   * Returns the subset of the remote's instances to which the attempt goes, where the calls to the
   * remote are split or the operation has a subset. The code of the attempt chooses the instance.
   *
   * @return the subset, or empty for all instances
   */
  public Optional<String> subset() {
    return Optional.ofNullable(place == null ? null : place.subset());
  }

  /**
   * Returns the endpoint to which the attempt goes, where the engine chooses one for each attempt
   * of the operation.
   *
   * @param <T> type of the endpoints
   * @param type class of the endpoints
   * @return the endpoint, or empty if the engine chooses none or its endpoints have another type
   */
  public <T> Optional<T> endpoint(Class<T> type) {
    Object chosen = place == null ? null : place.endpoint();
    return type.isInstance(chosen) ? Optional.of(type.cast(chosen)) : Optional.empty();
  }

  /**
   * Returns whether the work belongs to a copy of a call, whose answer is discarded. What is called
   * within it belongs to the copy too, and over HTTP the callee learns it.
   *
   * @return whether it is a copy
   */
  public boolean isMirrored() {
    return place != null && place.isMirrored();
  }

  /**
   * Returns a copy that is marked as {@link #isMirrored}. For engines.
   *
   * @return the copy
   */
  public CallContext asMirrored() {
    Place marked =
        place == null ? Place.MIRRORED : new Place(place.subset(), place.endpoint(), true);
    return new CallContext(trail, clock, deadlineNanos, idempotencyKey, attempt, marked);
  }

  /**
   * Returns a copy whose deadline is the earlier of this context's and another one.
   *
   * @param other the other deadline
   * @return the copy, or this context if its deadline is not later
   */
  public CallContext withDeadline(Deadline other) {
    Deadline own = deadlineOrNull();
    if (own != null && own.earlier(other) == own) {
      return this;
    }
    return new CallContext(trail, other.clock(), other.atNanos(), idempotencyKey, attempt, place);
  }

  /**
   * Returns a copy without a deadline, for work that outlives its caller.
   *
   * @return the copy
   */
  public CallContext withoutDeadline() {
    return clock == null ? this : new CallContext(trail, null, 0, idempotencyKey, attempt, place);
  }

  /**
   * Returns a copy for an attempt of a call. For engines.
   *
   * @param number the number of the attempt, from 1
   * @param untilNanos the end of the attempt's time as a reading of the clock, not later than this
   *     context's deadline
   * @param time the clock
   * @param key the idempotency key of the call, or null
   * @return the copy
   */
  public CallContext forAttempt(
      int number, long untilNanos, TimeSource time, @Nullable String key) {
    Place inner = isMirrored() ? Place.MIRRORED : null;
    return new CallContext(trail, time, untilNanos, key, number, inner);
  }

  /**
   * Returns a copy for an attempt that goes to some of the remote's instances. For engines.
   *
   * @param instances the subset of the instances, or null for all
   * @param endpoint the one instance that was chosen, or null if none was
   * @return the copy, or this context without both
   */
  public CallContext to(@Nullable String instances, @Nullable Object endpoint) {
    if (instances == null && endpoint == null) {
      return this;
    }
    Place there = new Place(instances, endpoint, isMirrored());
    return new CallContext(trail, clock, deadlineNanos, idempotencyKey, attempt, there);
  }

  private CallContext with(Trail next) {
    return new CallContext(next, clock, deadlineNanos, idempotencyKey, attempt, place);
  }

  /**
   * Returns a copy with a W3C trace context.
   *
   * @param parent the {@code traceparent}, 55 characters, version 00
   * @param state the {@code tracestate}, up to 512 characters, or empty
   * @return the copy
   * @throws IllegalArgumentException if a value breaks its rule
   */
  public CallContext withTrace(String parent, String state) {
    return with(trail.withTrace(parent, state));
  }

  /**
   * Returns a copy with an entry of the baggage, which every later hop sees.
   *
   * @param name 1 to 128 printable ASCII characters; an entry of this name is replaced
   * @param value up to 1,024 characters without control characters
   * @return the copy
   * @throws IllegalArgumentException if a value breaks its rule, or the baggage gets too large
   */
  public CallContext withBaggage(String name, String value) {
    return with(trail.withBaggage(name, value));
  }

  /**
   * Returns a copy of another criticality, which every later hop sees.
   *
   * @param criticality how much the result matters
   * @return the copy
   * @throws IllegalArgumentException if the baggage gets too large
   */
  public CallContext withCriticality(Criticality criticality) {
    return withBaggage(Criticality.BAGGAGE_NAME, criticality.name());
  }

  /**
   * Returns a copy with the ids of the conversation, which messages published within carry on.
   *
   * @param correlation the id of the conversation, 1 to 256 characters
   * @param causation the id of the message that is handled, 1 to 256 characters
   * @return the copy
   * @throws IllegalArgumentException if an id breaks its rule
   */
  public CallContext withCause(String correlation, String causation) {
    return with(trail.withCause(correlation, causation));
  }

  /**
   * Returns a copy with the calls within whose work it is, as the engine of calls keeps them to
   * recognise a call that would wait for itself. It goes to other threads with this context, and
   * never to another process. For engines.
   *
   * @param chain the calls, or null for none
   * @return the copy
   */
  public CallContext withCallChain(@Nullable Object chain) {
    return with(trail.withCallChain(chain));
  }

  /** {@return the calls of {@link #withCallChain}, or null; for engines} */
  public @Nullable Object callChain() {
    return trail.callChain();
  }

  /** {@return deadline and attempt, for log lines; no baggage and no key} */
  @Override
  public String toString() {
    return "CallContext{deadline="
        + (clock == null ? "none" : Duration.ofNanos(remainingNanos(0)))
        + ", attempt="
        + attempt
        + "}";
  }
}
