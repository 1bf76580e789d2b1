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

  RequestSide(boolean isSingle) {
    this.isSingle = isSingle;
  }

  boolean isSingle() {
    return isSingle;
  }

  synchronized void send(Q next) {
    if (isSingle) {
      if (message != null) {
        throw new IllegalStateException("requests: 2 (expected: 1 of a call that is no stream)");
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

  /** No attempt follows. */
  synchronized void stop() {
    isStopped = true;
    waiting = null;
  }

  /** Sends to an attempt what there is. */
  void begin(ClientCall<Q, ?> attempt) {
    Boolean compressed = compression;
    if (compressed != null) {
      attempt.setMessageCompression(compressed);
    }
    if (!isSingle) {
      follow(attempt);
      return;
    }
    // Complete since the first attempt: several may send it at the same time.
    Q only = message;
    if (only != null) {
      attempt.sendMessage(only);
    }
    attempt.halfClose();
  }

  private synchronized void follow(ClientCall<Q, ?> attempt) {
    call = attempt;
    if (waiting != null) {
      waiting.forEach(attempt::sendMessage);
      waiting = null;
    }
    if (isEnded) {
      attempt.halfClose();
    }
  }
}
