package io.commslib.http;

import java.io.InputStream;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Flow.Publisher;
import java.util.concurrent.Flow.Subscriber;
import java.util.concurrent.Flow.Subscription;
import java.util.stream.BaseStream;
import org.jspecify.annotations.Nullable;

/**
 * The answers of one call's attempts. The caller gets one of them at most; the bodies of the others
 * are closed, since each that is not read keeps its connection. Thread-safe.
 *
 * @param <T> type of the body
 */
final class UnusedAnswers<T> {

  // Guarded by this.
  private final List<HttpResponse<T>> open = new ArrayList<>(1);
  private boolean hasEnded;
  private @Nullable HttpResponse<T> used;

  /** Takes the answer of an attempt. */
  HttpResponse<T> add(HttpResponse<T> answer) {
    boolean isUnused;
    synchronized (this) {
      isUnused = hasEnded && answer != used;
      if (!hasEnded) {
        open.add(answer);
      }
    }
    if (isUnused) {
      close(answer);
    }
    return answer;
  }

  /** Ends the call with the answer that its caller gets, or with none. */
  void end(@Nullable HttpResponse<T> answer) {
    List<HttpResponse<T>> unused;
    synchronized (this) {
      hasEnded = true;
      used = answer;
      unused = new ArrayList<>(open);
      open.clear();
    }
    unused.remove(answer);
    unused.forEach(UnusedAnswers::close);
  }

  /** The bodies of the JDK that are read after the head; others are complete. */
  private static void close(HttpResponse<?> answer) {
    Object body = answer.body();
    try {
      if (body instanceof InputStream stream) {
        stream.close();
      } else if (body instanceof BaseStream<?, ?> lines) {
        lines.close();
      } else if (body instanceof Publisher<?> parts) {
        parts.subscribe(new Canceller());
      }
    } catch (Throwable e) {
      // The body may be of the user's handler; the call has its result.
      Thread.onSpinWait();
    }
  }

  /** Ends the connection of a body that is published. */
  private static final class Canceller implements Subscriber<Object> {
    @Override
    public void onSubscribe(Subscription subscription) {
      subscription.cancel();
    }

    @Override
    public void onNext(Object item) {
      // Nothing was requested.
    }

    @Override
    public void onError(Throwable failure) {
      // The connection has ended by itself.
    }

    @Override
    public void onComplete() {
      // The connection is free.
    }
  }
}
