package io.commslib.http;

import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpResponse.ResponseInfo;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow.Subscription;
import org.jspecify.annotations.Nullable;

/**
 * Watches how answers are read, to know whether this side has refused one. The failure of the
 * request need not say so: over HTTP/2 it may be that of the stream, which the refusal cancels, and
 * then looks like a lost connection. Thread-safe.
 *
 * @param <T> type of the body
 */
final class AnswerReading<T> implements BodyHandler<T> {

  private final BodyHandler<T> handler;
  private volatile boolean isRefused;

  AnswerReading(BodyHandler<T> handler) {
    this.handler = handler;
  }

  /** Whether the handler has refused an answer; known before its request fails because of that. */
  boolean isRefused() {
    return isRefused;
  }

  @Override
  public BodySubscriber<T> apply(ResponseInfo head) {
    try {
      return new Reader(handler.apply(head));
    } catch (RuntimeException | Error e) {
      isRefused = true;
      throw e;
    }
  }

  /** The body of one answer. */
  private final class Reader implements BodySubscriber<T> {
    private final BodySubscriber<T> reader;

    /** The connection has failed, and so the body does. */
    private volatile boolean isCut;

    Reader(BodySubscriber<T> reader) {
      this.reader = reader;
    }

    private void refuse() {
      if (!isCut) {
        isRefused = true;
      }
    }

    /** Runs code of the user. What it throws is no failure of the connection. */
    private void run(Runnable callback) {
      try {
        callback.run();
      } catch (RuntimeException | Error e) {
        refuse();
        throw e;
      }
    }

    @Override
    public CompletionStage<T> getBody() {
      CompletableFuture<T> body = new CompletableFuture<>();
      run(
          () -> {
            CompletionStage<T> unused =
                reader.getBody().whenComplete((read, failure) -> end(body, read, failure));
          });
      return body;
    }

    private void end(CompletableFuture<T> body, T read, @Nullable Throwable failure) {
      if (failure == null) {
        body.complete(read);
      } else {
        refuse();
        body.completeExceptionally(failure);
      }
    }

    @Override
    public void onSubscribe(Subscription subscription) {
      Subscription watched =
          new Subscription() {
            @Override
            public void request(long parts) {
              subscription.request(parts);
            }

            @Override
            public void cancel() {
              refuse();
              subscription.cancel();
            }
          };
      run(() -> reader.onSubscribe(watched));
    }

    @Override
    public void onNext(List<ByteBuffer> part) {
      run(() -> reader.onNext(part));
    }

    @Override
    public void onError(Throwable failure) {
      isCut = true;
      reader.onError(failure);
    }

    @Override
    public void onComplete() {
      run(reader::onComplete);
    }
  }
}
