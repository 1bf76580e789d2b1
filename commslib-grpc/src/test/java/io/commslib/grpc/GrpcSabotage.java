package io.commslib.grpc;

import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CallPolicy.Part;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What is wrong with the calls of a {@link GrpcHarness}: an interceptor for each attempt, below the
 * library, and one for each call, above it. Without a fault both only pass on.
 */
class GrpcSabotage {

  private final GrpcFault fault;
  private final Set<GrpcFault.Attempt<?, ?>> attempts = ConcurrentHashMap.newKeySet();
  private final CountDownLatch over = new CountDownLatch(1);
  private GrpcHarness harness;

  GrpcSabotage(GrpcFault fault) {
    this.fault = fault;
  }

  /** A line without a fault. */
  static GrpcSabotage none() {
    return new GrpcSabotage(new GrpcFault());
  }

  final void of(GrpcHarness made) {
    harness = made;
  }

  /** Ends what a fault has left behind. */
  final void close() {
    over.countDown();
  }

  /** A thread that stays until the harness is closed. */
  final void linger() {
    try {
      over.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  final GrpcHarness harness() {
    return harness;
  }

  /** The time that a call may take longer, which a fault exceeds. */
  Duration slack() {
    return Duration.ofSeconds(2);
  }

  CallPolicy policy(CallPolicy asked) {
    return asked;
  }

  /** Runs for each attempt. */
  ClientInterceptor attempts() {
    return new ClientInterceptor() {
      @Override
      public <Q, A> ClientCall<Q, A> interceptCall(
          MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
        return fault.attempt(attempts, method, options, next);
      }
    };
  }

  /** Runs for each call. */
  ClientInterceptor calls() {
    return new ClientInterceptor() {
      @Override
      public <Q, A> ClientCall<Q, A> interceptCall(
          MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
        return next.newCall(method, options);
      }
    };
  }

  /** A saboteur whose waits are short, with a policy that ends what it would never end. */
  static class Hasty extends GrpcSabotage {
    static final Duration LATE = Duration.ofSeconds(1);
    static final int PIECES = 100;
    private static final Duration LONGEST = Duration.ofMillis(1_500);

    Hasty(GrpcFault fault) {
      super(fault);
    }

    @Override
    final Duration slack() {
      return Duration.ofMillis(500);
    }

    @Override
    final CallPolicy policy(CallPolicy asked) {
      CallPolicy.Builder hasty = asked.toBuilder();
      if (asked.has(Part.DEADLINE) && asked.deadline().compareTo(LONGEST) > 0) {
        hasty.deadline(LONGEST);
        hasty.attemptTimeout(min(asked.attemptTimeout(), LONGEST));
      }
      return hasty.build();
    }
  }

  private static Duration min(Duration one, Duration other) {
    return one.compareTo(other) < 0 ? one : other;
  }

  /** An interrupt of the caller ends its attempt as lost, and not the call. */
  static final class Uninterruptible extends Hasty {
    Uninterruptible() {
      super(new GrpcFault());
    }

    @Override
    ClientInterceptor calls() {
      return new ClientInterceptor() {
        @Override
        public <Q, A> ClientCall<Q, A> interceptCall(
            MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
          return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
            @Override
            public void cancel(@Nullable String message, @Nullable Throwable cause) {
              loseAttempts();
            }
          };
        }
      };
    }
  }

  final void loseAttempts() {
    attempts.forEach(GrpcFault.Attempt::loses);
  }

  /** A call whose time is over ends a second later, or once something has happened. */
  static final class Late extends Hasty {
    private final Predicate<GrpcHarness> happened;

    Late(GrpcFault fault, Predicate<GrpcHarness> happened) {
      super(fault);
      this.happened = happened;
    }

    private void waits() {
      for (int i = 0; i < PIECES && !happened.test(harness()); i++) {
        harness().pause(LATE.dividedBy(PIECES));
      }
    }

    @Override
    ClientInterceptor calls() {
      return new ClientInterceptor() {
        @Override
        public <Q, A> ClientCall<Q, A> interceptCall(
            MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
          return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
            @Override
            public void start(Listener<A> to, Metadata headers) {
              super.start(
                  new SimpleForwardingClientCallListener<>(to) {
                    @Override
                    public void onClose(Status status, Metadata trailers) {
                      if (status.getCode() == Status.Code.DEADLINE_EXCEEDED) {
                        waits();
                      }
                      super.onClose(status, trailers);
                    }
                  },
                  headers);
            }
          };
        }
      };
    }
  }
}
