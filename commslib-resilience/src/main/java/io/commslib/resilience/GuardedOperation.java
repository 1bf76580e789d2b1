package io.commslib.resilience;

import io.commslib.core.call.AttemptStage;
import io.commslib.core.call.AttemptWork;
import io.commslib.core.call.CallTarget;
import io.commslib.core.call.CallTransport;
import io.commslib.core.call.Idempotency;
import io.commslib.core.call.OutcomeClassifier;
import io.commslib.core.checks.Checks;
import java.io.IOException;
import java.time.Duration;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * One operation of a remote. Made by {@link Guard#operation}; immutable apart from the state that
 * it shares with its guard. Thread-safe.
 */
public final class GuardedOperation {

  private static final int MAX_KEY_CHARS = 255;
  private static final int MAX_COLLAPSE_CHARS = 512;
  private static final Duration MIN_TIME = Duration.ofMillis(10);
  private static final Duration MAX_TIME = Duration.ofHours(24);

  private final Guard guard;
  private final CallTarget target;
  private final @Nullable String key;
  private final Lane lane;
  private final CallSettings settings;
  private final @Nullable EndpointChoice<?> endpoints;

  GuardedOperation(Guard guard, CallTarget target) {
    this(guard, target, null, guard.lanes().all(), CallSettings.NONE, null);
  }

  private GuardedOperation(
      Guard guard,
      CallTarget target,
      @Nullable String key,
      Lane lane,
      CallSettings settings,
      @Nullable EndpointChoice<?> endpoints) {
    this.guard = guard;
    this.target = target;
    this.key = key;
    this.lane = lane;
    this.settings = settings;
    this.endpoints = endpoints;
  }

  private GuardedOperation with(CallSettings next) {
    return new GuardedOperation(guard, target, key, lane, next, endpoints);
  }

  long timeNanos() {
    return settings.timeNanos();
  }

  @Nullable String key() {
    return key;
  }

  @Nullable String collapseKey() {
    return settings.collapseKey();
  }

  boolean isMirrored() {
    return settings.isMirrored();
  }

  boolean isRepeated() {
    return settings.isRepeated();
  }

  /** The endpoints of one call, or null if the engine chooses none. */
  @Nullable EndpointChoice<?> endpoints() {
    return endpoints;
  }

  /** Returns this operation, or a copy with a random key where each call has one of its own. */
  GuardedOperation forOneCall() {
    return target.idempotency() == Idempotency.KEYED && key == null
        ? new GuardedOperation(guard, target, randomKey(), lane, settings, endpoints)
        : this;
  }

  private String randomKey() {
    RandomGenerator random = guard.runtime().random();
    return new UUID(random.nextLong(), random.nextLong()).toString();
  }

  Guard guard() {
    return guard;
  }

  Lane lane() {
    return lane;
  }

  /** Returns a copy for attempts to a subset. */
  GuardedOperation inLane(Lane chosen) {
    CallTarget there = chosen.subset == null ? target : target.inSubset(chosen.subset);
    return new GuardedOperation(guard, there, key, chosen, settings, endpoints);
  }

  /** {@return what this operation calls} */
  public CallTarget target() {
    return target;
  }

  /**
   * Returns a copy for one logical call with the caller's own idempotency key, for example the id
   * of an order. Without it each call of a {@code KEYED} operation has a new random key.
   *
   * @param ownKey 1 to 255 printable ASCII characters
   * @return the copy
   * @throws IllegalArgumentException if the key breaks its rule
   */
  public GuardedOperation withKey(String ownKey) {
    return new GuardedOperation(
        guard,
        target,
        Checks.printable("idempotencyKey", ownKey, MAX_KEY_CHARS),
        lane,
        settings,
        endpoints);
  }

  /**
   * Returns a copy with a time of its own, for calls that last longer than those of its guard, such
   * as the reading of a streamed answer. It takes the place of the policy's deadline and of its
   * attempt timeout: an attempt may use all of it. An earlier deadline of the current {@code
   * CallContext} counts all the same.
   *
   * @param time 10 ms to 24 h
   * @return the copy
   * @throws IllegalArgumentException if out of range
   */
  public GuardedOperation withTime(Duration time) {
    Checks.inRange("time", time, MIN_TIME, MAX_TIME);
    return with(settings.withTime(time.toNanos()));
  }

  /**
   * Returns a copy whose concurrent calls with equal keys share one call in flight: the first one
   * leads, and the others have its answer or failure. Each follower has its own deadline. A leader
   * that is interrupted or cancelled, or whose deadline is earlier, does not fail followers that
   * have more time: one of them leads next. Nothing is kept after the end.
   *
   * <p>The answer is that of the leader's work, with the leader's context. The key must therefore
   * contain all that the answer depends on, such as the user on whose behalf the call is made, and
   * calls with equal keys must have answers of one type. Answers that are shared should be
   * immutable.
   *
   * <p>A call that would wait for itself is made on its own instead of following: one within the
   * work of its leader, also if leaders of other keys are between, and the later one of two whose
   * leaders would wait for each other. The {@code CallContext} shows this, so work that continues
   * on another thread takes it along, as by {@code CallContext.wrap}. Without it, a call on another
   * thread follows its own leader until its deadline.
   *
   * @param sharedKey 1 to 512 characters without control characters
   * @return the copy
   * @throws IllegalArgumentException if the key breaks its rule, or the operation is not {@code
   *     SAFE}
   */
  public GuardedOperation collapsing(String sharedKey) {
    Checks.check(
        target.idempotency() == Idempotency.SAFE, "idempotency", target.idempotency(), "SAFE");
    return with(
        settings.withCollapseKey(Checks.text("collapseKey", sharedKey, 1, MAX_COLLAPSE_CHARS)));
  }

  /**
   * Returns a copy whose calls go to one subset of the remote's instances, whatever the weights of
   * a split. The subset has a breaker and a bulkhead of its own. The code of an attempt reads the
   * name from {@code attempt.subset()} and chooses the instance.
   *
   * @param name the subset, 1 to 128 printable ASCII characters
   * @return the copy
   * @throws IllegalArgumentException if the name breaks its rule
   * @throws IllegalStateException if operations of the remote name 64 other subsets already
   */
  public GuardedOperation inSubset(String name) {
    return new GuardedOperation(
        guard, target.inSubset(name), key, guard.lanes().fixed(name), settings, endpoints);
  }

  /**
   * Returns a copy whose calls no mirror of the policy copies, for example because their work must
   * run once.
   *
   * @return the copy
   */
  public GuardedOperation withoutMirror() {
    return with(settings.withoutMirror());
  }

  /**
   * Returns a copy whose calls make one attempt, without retries and hedges, whatever the policy
   * permits: for work that can't begin anew, such as the sending of a stream that passes through.
   *
   * @return the copy
   */
  public GuardedOperation withOneAttempt() {
    return with(settings.withOneAttempt());
  }

  /**
   * Returns a copy for each of whose attempts the engine chooses an endpoint, before it asks the
   * breaker. The code of an attempt reads it from {@code attempt.endpoint(type)}. The outcome of
   * the attempt counts for the endpoint. With a subset the endpoint is one of the subset's. Without
   * any endpoint an attempt is refused as not sent.
   *
   * @param pool the endpoints of the remote, shared by its operations
   * @return the copy
   */
  public GuardedOperation withEndpoints(EndpointPool<?> pool) {
    Objects.requireNonNull(pool, "pool");
    return new GuardedOperation(guard, target, key, lane, settings, new EndpointChoice<>(pool));
  }

  /**
   * Calls the remote through plain code. Blocks the caller's thread, on which each attempt runs, at
   * most until the earlier of the policy's deadline and that of the current {@code CallContext}. An
   * attempt that overruns its time is interrupted. Code that ignores the interrupt is waited for:
   * its slot of the bulkhead stays taken, and the result is the timeout all the same.
   *
   * <p>A {@link RuntimeException} or checked exception that the code throws is its answer and
   * reaches the caller unchanged, except for an {@code IOException}, which states that there is no
   * answer. In every other case, including an interrupt of the caller, a {@link
   * io.commslib.core.call.CallException} is thrown; after an interrupt the thread's flag is set.
   *
   * @param <T> type of the answer
   * @param <E> type of the checked failure
   * @param work makes one attempt
   * @return the answer
   * @throws E if the code throws it as its answer
   * @throws io.commslib.core.call.CallException {@code COMMS-CALL-001} if the last attempt has no
   *     answer, {@code -002} if the time is over, {@code -003} to {@code -006} if the breaker, the
   *     rate limiter, the bulkhead refused or the thread was interrupted, {@code -008} without an
   *     endpoint
   */
  public <T extends @Nullable Object, E extends Exception> T call(AttemptWork<T, E> work) throws E {
    return call(OutcomeClassifier.plain(), work);
  }

  /**
   * Calls the remote as {@link #call(AttemptWork)}, with a classifier of answers and failures.
   *
   * @param <T> type of the answer
   * @param <E> type of the checked failure
   * @param classifier determines the outcome of each attempt
   * @param work makes one attempt
   * @return the answer; it is that of the last attempt if its outcome is a failure with an answer
   * @throws E if the code throws it as its answer
   */
  public <T extends @Nullable Object, E extends Exception> T call(
      OutcomeClassifier<? super T> classifier, AttemptWork<T, E> work) throws E {
    Objects.requireNonNull(classifier, "classifier");
    Objects.requireNonNull(work, "work");
    return new BlockingCall<T, E>(this).run(classifier, work);
  }

  /**
   * Calls the remote through a transport, as {@link #call(OutcomeClassifier, AttemptWork)} with its
   * classifier. For adapters.
   *
   * @param <Q> type of the request
   * @param <A> type of the answer
   * @param transport sends the attempts
   * @param request the request, the same one for each attempt
   * @return the answer; it is that of the last attempt if its outcome is a failure with an answer
   * @throws IOException if the answer of the remote can't be used, as the transport states it
   */
  public <Q, A extends @Nullable Object> A call(CallTransport<Q, A> transport, Q request)
      throws IOException {
    Objects.requireNonNull(transport, "transport");
    try {
      return this.<A, Exception>call(
          transport.outcomes(), attempt -> transport.send(request, attempt));
    } catch (IOException | RuntimeException e) {
      throw e;
    } catch (Exception e) {
      // An interrupt has become a CallException, and the port throws nothing else.
      throw new IllegalStateException(e);
    }
  }

  /**
   * Calls the remote through code that returns stages. The policies, their order, and the failures
   * are those of {@link #call(AttemptWork)}. Never blocks and never throws a failure of the call:
   * the returned future completes with it.
   *
   * <p>The first attempt starts on the caller's thread, later ones on threads of the library, of
   * which a process has at most four for all its calls. The future is completed by the thread that
   * completes the stage, or by one of these threads; {@code CallContext.wrap} takes the context to
   * what depends on it. A stage that overruns its time is cancelled, and a late result changes
   * nothing. A stage that ignores its cancellation keeps its slot of the bulkhead until it ends.
   *
   * <p>Cancelling the returned future, or completing it, cancels the attempts in flight: they count
   * for nothing and are not repeated. Cancelling a future that depends on it does not.
   *
   * @param <T> type of the answer
   * @param work starts one attempt
   * @return the answer or failure; a failure of the code that is its answer is unchanged, without
   *     the wrappers of futures around it
   */
  public <T extends @Nullable Object> CompletableFuture<T> callAsync(AttemptStage<T> work) {
    return callAsync(OutcomeClassifier.plain(), work);
  }

  /**
   * Calls the remote as {@link #callAsync(AttemptStage)}, with a classifier of answers and
   * failures.
   *
   * @param <T> type of the answer
   * @param classifier determines the outcome of each attempt
   * @param work starts one attempt
   * @return the answer or failure
   */
  public <T extends @Nullable Object> CompletableFuture<T> callAsync(
      OutcomeClassifier<? super T> classifier, AttemptStage<T> work) {
    Objects.requireNonNull(classifier, "classifier");
    Objects.requireNonNull(work, "work");
    return new AsyncCall<>(this, classifier, work).start();
  }

  /**
   * Calls the remote as {@link #call(AttemptWork)} and answers a failure in its place. Observers
   * see the failure all the same.
   *
   * @param <T> type of the answer
   * @param work makes one attempt
   * @param fallback returns the answer for a failure, on the caller's thread; it should not call
   *     another remote without a guard
   * @return the answer of the remote or of the fallback
   */
  public <T extends @Nullable Object> T callOr(
      AttemptWork<T, Exception> work, Function<Exception, T> fallback) {
    Objects.requireNonNull(fallback, "fallback");
    try {
      return call(work);
    } catch (Exception e) {
      return fallback.apply(e);
    }
  }

  /**
   * Calls the remote as {@link #callAsync(AttemptStage)} and answers a failure in its place.
   * Observers see the failure all the same. Cancelling the returned future, or completing it,
   * cancels the attempts in flight, and the fallback is not asked.
   *
   * @param <T> type of the answer
   * @param work starts one attempt
   * @param fallback returns the answer for a failure, on the thread that completes the call, under
   *     the caller's context; it should not block; what it throws is the failure of the future
   * @return the answer of the remote or of the fallback; an {@code Error} of the code is unchanged
   */
  public <T extends @Nullable Object> CompletableFuture<T> callAsyncOr(
      AttemptStage<T> work, Function<Exception, T> fallback) {
    Objects.requireNonNull(fallback, "fallback");
    return AsyncFallback.of(callAsync(work), fallback);
  }

  @Override
  public String toString() {
    return "GuardedOperation{" + target + ", " + target.idempotency() + "}";
  }
}
