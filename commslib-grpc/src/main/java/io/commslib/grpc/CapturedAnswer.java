package io.commslib.grpc;

import io.commslib.core.time.TimeSource;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The answer of a handler, kept until it is stored. Its methods are called under the lock of its
 * call.
 *
 * @param <A> type of the answer
 */
final class CapturedAnswer<A> {

  private final boolean hasOneAnswer;
  private final CountDownLatch end = new CountDownLatch(1);
  private @Nullable Metadata headers;
  private @Nullable A message;
  private @Nullable Status status;
  private Metadata trailers = new Metadata();

  CapturedAnswer(boolean hasOneAnswer) {
    this.hasOneAnswer = hasOneAnswer;
  }

  void headers(Metadata sent) {
    headers = sent;
  }

  void message(A sent) {
    if (hasOneAnswer && message != null) {
      throw new IllegalStateException("answers: 2 (expected: 1)");
    }
    message = sent;
  }

  void close(Status ended, Metadata sent) {
    if (status == null) {
      status = ended;
      trailers = sent;
      end.countDown();
    }
  }

  boolean isEnded() {
    return end.getCount() == 0;
  }

  /**
   * Waits for a handler that answers on another thread. An interrupt is for a handler that runs on
   * this thread, and does not end the wait.
   *
   * @return whether it has answered before the end, a reading of the clock
   */
  boolean awaitDespiteInterrupts(long endNanos, TimeSource time) {
    while (true) {
      try {
        return end.await(endNanos - time.nanoTime(), TimeUnit.NANOSECONDS);
      } catch (InterruptedException e) {
        // The flag is cleared, so the next wait does not end at once.
        Thread.onSpinWait();
      }
    }
  }

  @Nullable A message() {
    return message;
  }

  Status status() {
    Status ended = status;
    if (ended == null) {
      throw new IllegalStateException("the handler has not ended its call");
    }
    return ended;
  }

  Metadata trailers() {
    return trailers;
  }

  void sendTo(ServerCall<?, A> call) {
    A answer = message;
    if (answer != null) {
      call.sendHeaders(headers == null ? new Metadata() : headers);
      call.sendMessage(answer);
    }
    call.close(status(), trailers);
  }
}
