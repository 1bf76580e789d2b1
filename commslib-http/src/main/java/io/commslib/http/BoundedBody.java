package io.commslib.http;

import java.io.IOException;
import java.net.http.HttpHeaders;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow.Subscription;
import org.jspecify.annotations.Nullable;

/** Collects the body of an answer up to a bound, and closes the connection of a longer one. */
final class BoundedBody implements BodySubscriber<byte[]> {

  /** The answer is longer than the bound. */
  static final class TooLargeException extends IOException {
    private static final long serialVersionUID = 1L;

    TooLargeException(int max) {
      super("the answer has more than " + max + " bytes");
    }
  }

  private final int max;
  private final List<ByteBuffer> received = new ArrayList<>();
  private final CompletableFuture<byte[]> body = new CompletableFuture<>();
  private int size;
  private @Nullable Subscription subscription;

  private BoundedBody(int max) {
    this.max = max;
  }

  /**
   * Returns a handler for answers of up to a number of bytes.
   *
   * @param hasBody whether the announced length is that of a body that follows, as it is not for
   *     HEAD
   */
  static BodyHandler<byte[]> upTo(int max, boolean hasBody) {
    return head -> {
      BoundedBody body = new BoundedBody(max);
      if (hasBody && announced(head.headers()) > max) {
        body.fail(new TooLargeException(max));
      }
      return body;
    };
  }

  private static long announced(HttpHeaders headers) {
    try {
      return headers.firstValueAsLong("Content-Length").orElse(0);
    } catch (NumberFormatException e) {
      // The bytes are counted anyway.
      return 0;
    }
  }

  private void fail(Throwable failure) {
    received.clear();
    body.completeExceptionally(failure);
  }

  @Override
  public CompletionStage<byte[]> getBody() {
    return body;
  }

  @Override
  public void onSubscribe(Subscription newSubscription) {
    subscription = newSubscription;
    if (body.isDone()) {
      newSubscription.cancel();
    } else {
      newSubscription.request(Long.MAX_VALUE);
    }
  }

  @Override
  public void onNext(List<ByteBuffer> buffers) {
    if (body.isDone()) {
      return;
    }
    for (ByteBuffer buffer : buffers) {
      size += buffer.remaining();
      received.add(buffer);
      if (size > max) {
        fail(new TooLargeException(max));
        if (subscription != null) {
          subscription.cancel();
        }
        return;
      }
    }
  }

  @Override
  public void onError(Throwable failure) {
    fail(failure);
  }

  @Override
  public void onComplete() {
    byte[] all = new byte[size];
    int at = 0;
    for (ByteBuffer buffer : received) {
      int length = buffer.remaining();
      buffer.get(all, at, length);
      at += length;
    }
    body.complete(all);
  }
}
