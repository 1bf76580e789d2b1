package io.commslib.grpc;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallTarget;
import io.commslib.core.call.Idempotency;
import io.commslib.core.idempotency.IdempotencyKeyHeader;
import io.commslib.core.time.ScheduledTask;
import io.commslib.core.time.TaskScheduler;
import io.commslib.core.time.TimeSource;
import io.commslib.resilience.Guard;
import io.commslib.resilience.GuardedOperation;
import io.commslib.resilience.Resilience;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ClientStreamTracer;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Makes the calls of one channel to one service. Thread-safe. */
final class ProtectedCalls implements ClientInterceptor {

  private final Guard guard;
  private final TimeSource time;
  private final TaskScheduler scheduler;
  private final Set<String> keyed;
  private final Set<String> subsets;
  private final Metadata.@Nullable Key<String> subsetHeader;
  private final Duration streamTime;
  private final @Nullable Duration firstMessageTime;
  private final GrpcRetries retries;
  private final CallbackThreads callbacks;

  /** The operations by idempotency and name of the method; a few more than their bound at most. */
  private final List<Map<String, Prepared>> prepared =
      Stream.of(Idempotency.values()).map(each -> newMap()).toList();

  /** Null where something else balances. */
  private final @Nullable Backends backends;

  /** An operation for calls, so that not each of them makes its copies. */
  private record Prepared(GuardedOperation plain, GuardedOperation balanced) {}

  ProtectedCalls(
      GrpcCalls.Builder from,
      Resilience resilience,
      GrpcRetries retries,
      @Nullable Backends backends) {
    this.backends = backends;
    this.guard = resilience.guard(from.service());
    this.time = resilience.runtime().time();
    this.scheduler = resilience.runtime().scheduler();
    this.keyed = Set.copyOf(from.keyed());
    this.subsets = Set.copyOf(from.subsets());
    this.subsetHeader = from.subsetHeader();
    this.streamTime = from.streamTime();
    this.firstMessageTime = from.firstMessageTime();
    this.retries = retries;
    this.callbacks = new CallbackThreads(resilience.runtime());
  }

  @Override
  public <Q, A> ClientCall<Q, A> interceptCall(
      MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
    return new ProtectedCall<>(this, method, options, next);
  }

  private static Map<String, Prepared> newMap() {
    return new ConcurrentHashMap<>();
  }

  GrpcRetries retries() {
    return retries;
  }

  void refuseForeignRetries() {
    if (retries.isForeignSeen()) {
      throw GrpcErrors.foreignRetries();
    }
  }

  /** Returns the operation of a call, with its key and its time. */
  GuardedOperation operation(MethodDescriptor<?, ?> method, CallOptions options, Metadata headers) {
    try {
      return withOptions(method, options, headers);
    } catch (IllegalArgumentException e) {
      throw GrpcErrors.wrongOption(e);
    }
  }

  private GuardedOperation withOptions(
      MethodDescriptor<?, ?> method, CallOptions options, Metadata headers) {
    String key = key(options, headers);
    Idempotency idempotency = idempotency(method, key);
    Prepared prepared = prepared(method.getFullMethodName(), idempotency);
    boolean isBalanced = backends != null && backends.isAny();
    GuardedOperation operation = isBalanced ? prepared.balanced : prepared.plain;
    if (key != null) {
      operation = operation.withKey(key);
    }
    if (isWithinAnother(options)) {
      operation = operation.withOneAttempt();
    }
    String subset = subset(options, headers);
    if (subset != null) {
      operation = operation.inSubset(subset);
    }
    if (!method.getType().clientSendsOneMessage()) {
      // Its first requests have left with the first attempt, and are not kept.
      return operation.withOneAttempt().withTime(streamTime);
    }
    boolean isStreamed = !method.getType().serverSendsOneMessage();
    return isStreamed && firstMessageTime != null
        ? operation.withTime(firstMessageTime)
        : operation;
  }

  private @Nullable String subset(CallOptions options, Metadata headers) {
    String own = options.getOption(GrpcCalls.SUBSET);
    if (own != null || subsetHeader == null) {
      return own;
    }
    String named = headers.get(subsetHeader);
    return named != null && subsets.contains(named) ? named : null;
  }

  /** Whether this call is an attempt of another protected one, which repeats it. */
  private static boolean isWithinAnother(CallOptions options) {
    for (ClientStreamTracer.Factory tracer : options.getStreamTracerFactories()) {
      if (tracer instanceof SendTracer) {
        return true;
      }
    }
    return false;
  }

  private Prepared prepared(String method, Idempotency idempotency) {
    Map<String, Prepared> ofKind = prepared.get(idempotency.ordinal());
    Prepared known = ofKind.get(method);
    if (known != null) {
      return known;
    }
    // A copy would share the listener of the stub, whose code runs once.
    GuardedOperation plain = guard.operation(method, idempotency).withoutMirror();
    Prepared made =
        new Prepared(plain, backends == null ? plain : plain.withEndpoints(backends.pool()));
    if (ofKind.size() < Guard.MAX_OPERATIONS) {
      ofKind.put(method, made);
    }
    return made;
  }

  /** What is called, where not even the operation is known. */
  CallTarget target() {
    return CallTarget.of(guard.service(), "other", Idempotency.NON_IDEMPOTENT);
  }

  private static @Nullable String key(CallOptions options, Metadata headers) {
    String own = options.getOption(GrpcCalls.IDEMPOTENCY_KEY);
    if (own != null) {
      return own;
    }
    String header = headers.get(GrpcHeaders.IDEMPOTENCY_KEY);
    IdempotencyKeyHeader parsed = header == null ? null : IdempotencyKeyHeader.parse(header);
    return parsed != null && parsed.isValid() ? parsed.key() : null;
  }

  /** A stream of requests can't be sent again, whatever its method declares. */
  private Idempotency idempotency(MethodDescriptor<?, ?> method, @Nullable String key) {
    if (!method.getType().clientSendsOneMessage()) {
      return key == null ? Idempotency.NON_IDEMPOTENT : Idempotency.KEYED;
    }
    if (key != null || keyed.contains(method.getFullMethodName())) {
      return Idempotency.KEYED;
    }
    if (method.isSafe()) {
      return Idempotency.SAFE;
    }
    return method.isIdempotent() ? Idempotency.IDEMPOTENT : Idempotency.NON_IDEMPOTENT;
  }

  /** Returns the caller's context with the earliest of its deadlines. */
  CallContext context(@Nullable Deadline ofOptions) {
    CallContext context = GrpcContexts.current();
    Deadline ofContext = Context.current().getDeadline();
    Deadline earliest =
        ofOptions == null ? ofContext : ofContext == null ? ofOptions : min(ofOptions, ofContext);
    return earliest == null
        ? context
        : context.withDeadline(
            io.commslib.core.call.Deadline.atNanos(
                time.nanoTime() + earliest.timeRemaining(TimeUnit.NANOSECONDS), time));
  }

  private static Deadline min(Deadline a, Deadline b) {
    return a.minimum(b);
  }

  /**
   * The time of an attempt on the wire. A stream outlives the attempt that begins it, but no
   * deadline of its caller.
   */
  long attemptNanos(CallContext attempt, CallContext caller, boolean isStream) {
    long longest = streamTime.toNanos();
    return isStream
        ? Math.min(longest, caller.remainingNanos(longest))
        : attempt.remainingNanos(longest);
  }

  /** Runs a task after a time, on a thread that must not be kept. */
  ScheduledTask after(long nanos, Runnable task) {
    return scheduler.schedule(Duration.ofNanos(Math.max(0, nanos)), task);
  }

  /** Runs callbacks of a call that has no executor of its own. */
  void execute(Runnable task) {
    try {
      callbacks.execute(task);
    } catch (RuntimeException | Error e) {
      // The runtime is closed; a call must end all the same.
      task.run();
    }
  }
}
