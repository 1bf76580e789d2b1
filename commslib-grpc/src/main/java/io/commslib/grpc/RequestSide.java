package io.commslib.grpc;

import io.grpc.ClientCall;
import java.util.ArrayDeque;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * What the caller sends. A single request is kept for later attempts. A stream of requests passes
 * through to its only attempt; until that exists, it is not ready, and what is sent all the same
 * waits.
 *
 * @param <Q> type of the requests
 */
final class RequestSide<Q> {

  private final boolean isSingle;
  private @Nullable Q message;
  private @Nullable Queue<Q> waiting;
  private @Nullable ClientCall<Q, ?> call;
  private @Nullable Boolean compression;
  private boolean isEnded;
  private boolean isStopped;

  /** An attempt was ready before this side knew its call. */
  private boolean isReadyEarly;

  RequestSide(boolean isSingle) {
    this.isSingle = isSingle;
  }

  boolean isSingle() {
    return isSingle;
  }

  synchronized void send(Q next) {
    if (isSingle) {
      if (message != null || isEnded) {
        throw new IllegalStateException(
            "request: after another one or the end (expected: 1 of a call that is no stream)");
      }
      message = next;
    } else if (call != null) {
      call.sendMessage(next);
    } else if (!isStopped) {
      waiting = waiting == null ? new ArrayDeque<>() : waiting;
      waiting.add(next);
    }
  }

  synchronized void end() {
    if (isEnded) {
      // A call with one request would be made twice.
      throw new IllegalStateException("requests: ended before (expected: once)");
    }
    isEnded = true;
    if (!isSingle && call != null) {
      call.halfClose();
    }
  }

  synchronized void compress(boolean enabled) {
    compression = enabled;
    if (call != null) {
      call.setMessageCompression(enabled);
    }
  }

  synchronized boolean isReady() {
    return isSingle ? !isEnded : call != null && call.isReady();
  }

  /**
   * Whether the caller may learn that an attempt is ready. Before the call of the attempt is known
   * {@link #isReady} would deny it, and gRPC says it once.
   */
  synchronized boolean takesReady() {
    isReadyEarly |= call == null;
    return call != null;
  }

  /** No attempt follows. */
  synchronized void stop() {
    isStopped = true;
    waiting = null;
  }

  /**
   * Sends to an attempt what there is.
   *
   * @return whether the attempt was ready before, which its caller has not learnt
   */
  boolean begin(ClientCall<Q, ?> attempt) {
    Boolean compressed = compression;
    if (compressed != null) {
      attempt.setMessageCompression(compressed);
    }
    if (!isSingle) {
      return follow(attempt);
    }
    // Complete since the first attempt: several may send it at the same time.
    Q only = message;
    if (only != null) {
      attempt.sendMessage(only);
    }
    attempt.halfClose();
    return false;
  }

  private synchronized boolean follow(ClientCall<Q, ?> attempt) {
    call = attempt;
    if (waiting != null) {
      waiting.forEach(attempt::sendMessage);
      waiting = null;
    }
    if (isEnded) {
      attempt.halfClose();
    }
    return isReadyEarly;
  }
}
