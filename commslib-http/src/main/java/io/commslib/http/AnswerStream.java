package io.commslib.http;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow.Subscription;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The body of an answer that is read while it arrives. The client is asked for the next part only
 * when the one before has been read, so that a slow reader slows the sender down and memory stays
 * bounded. Read by one thread; filled by threads of the client.
 */
final class AnswerStream extends InputStream implements BodySubscriber<Object> {

  private final Duration idleTime;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  // Guarded by the lock.
  private final Deque<ByteBuffer> received = new ArrayDeque<>();
  private @Nullable Subscription subscription;
  private @Nullable IOException failure;
  private boolean isComplete;
  private boolean isClosed;
  private boolean isInterrupted;
  private long readBytes;

  /**
   * Creates a body.
   *
   * @param idleTime the maximum time of one read
   */
  AnswerStream(Duration idleTime) {
    this.idleTime = idleTime;
  }

  @Override
  public CompletionStage<Object> getBody() {
    // The answer is given to the caller at its head.
    return CompletableFuture.completedFuture(this);
  }

  @Override
  public void onSubscribe(Subscription newSubscription) {
    lock.lock();
    try {
      subscription = newSubscription;
      if (!isClosed) {
        newSubscription.request(1);
        return;
      }
    } finally {
      lock.unlock();
    }
    newSubscription.cancel();
  }

  @Override
  public void onNext(List<ByteBuffer> buffers) {
    lock.lock();
    try {
      if (!isClosed) {
        received.addAll(buffers);
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void onError(Throwable thrown) {
    lock.lock();
    try {
      if (failure == null && !isClosed) {
        failure = thrown instanceof IOException io ? io : new IOException(thrown);
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void onComplete() {
    lock.lock();
    try {
      isComplete = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] to, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, to.length);
    if (length == 0) {
      return 0;
    }
    lock.lock();
    try {
      ByteBuffer next = next();
      if (next == null) {
        return -1;
      }
      int count = Math.min(length, next.remaining());
      next.get(to, offset, count);
      readBytes += count;
      return count;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public int available() {
    lock.lock();
    try {
      ByteBuffer next = received.peek();
      return next == null ? 0 : next.remaining();
    } finally {
      lock.unlock();
    }
  }

  /** Waits for bytes; null at the end. Lock held. */
  private @Nullable ByteBuffer next() throws IOException {
    long left = idleTime.toNanos();
    while (true) {
      if (isClosed && failure == null) {
        throw new IOException("the answer is closed");
      }
      ByteBuffer next = received.peek();
      if (next != null && next.hasRemaining()) {
        return next;
      }
      if (next != null) {
        received.remove();
        if (received.isEmpty() && subscription != null && !isComplete) {
          subscription.request(1);
        }
      } else if (failure != null) {
        // A new one each time: the reader may keep what it catches.
        throw new IOException(failure.getMessage(), failure);
      } else if (isComplete) {
        return null;
      } else if (left <= 0) {
        failure = new HttpTimeoutException("no byte of the answer arrived for " + idleTime);
        close();
      } else {
        left = await(left);
      }
    }
  }

  private long await(long nanos) throws IOException {
    try {
      return changed.awaitNanos(nanos);
    } catch (InterruptedException e) {
      isInterrupted = true;
      InterruptedIOException interrupt = new InterruptedIOException("interrupted");
      interrupt.initCause(e);
      failure = interrupt;
      close();
      Thread.currentThread().interrupt();
      throw interrupt;
    }
  }

  /** Closes the connection unless the answer is complete. Idempotent. */
  @Override
  public void close() {
    Subscription toCancel;
    lock.lock();
    try {
      toCancel = isClosed || isComplete ? null : subscription;
      isClosed = true;
      received.clear();
      // A thread that still reads must not wait for the idle time.
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    if (toCancel != null) {
      toCancel.cancel();
    }
  }

  /** The reason for which the answer has ended before its end, if the reader has met it. */
  @Nullable IOException failure() {
    lock.lock();
    try {
      return failure;
    } finally {
      lock.unlock();
    }
  }

  /** Whether a read was interrupted. */
  boolean isInterrupted() {
    lock.lock();
    try {
      return isInterrupted;
    } finally {
      lock.unlock();
    }
  }

  /** The number of bytes that the reader has. */
  long readBytes() {
    lock.lock();
    try {
      return readBytes;
    } finally {
      lock.unlock();
    }
  }
}
