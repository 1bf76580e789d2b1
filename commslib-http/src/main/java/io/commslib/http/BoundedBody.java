package io.commslib.http;

import java.io.IOException;
import java.net.http.HttpHeaders;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpResponse.BodySubscribers;
import java.net.http.HttpResponse.ResponseInfo;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Flow.Subscriber;
import java.util.concurrent.Flow.Subscription;
import org.jspecify.annotations.Nullable;

/**
 * Collects the body of an answer up to a bound, and closes the connection of a longer one. One for
 * each request.
 */
final class BoundedBody implements BodyHandler<byte[]> {

  private static final byte[] NO_BYTES = {};

  /** The answer is longer than the bound. */
  static final class TooLargeException extends IOException {
    private static final long serialVersionUID = 1L;

    TooLargeException(int max) {
      super("the answer has more than " + max + " bytes");
    }
  }

  private final int max;
  private final boolean hasBody;
  private volatile boolean isTooLarge;

  /**
   * Creates a handler.
   *
   * @param max the maximum number of bytes
   * @param hasBody whether the announced length is that of a body that follows, as it is not for
   *     HEAD
   */
  BoundedBody(int max, boolean hasBody) {
    this.max = max;
    this.hasBody = hasBody;
  }

  /**
   * Whether an answer was longer than the bound. The failure of the request need not say so: over
   * HTTP/2 it may be that of the stream, which then looks like a lost connection.
   */
  boolean isTooLarge() {
    return isTooLarge;
  }

  @Override
  public BodySubscriber<byte[]> apply(ResponseInfo head) {
    Collector collector = new Collector();
    // The length of a 304 is that of the content that is not sent again.
    boolean isAnnounced = hasBody && head.statusCode() != 304;
    collector.isAnnouncedTooLarge = isAnnounced && announced(head.headers()) > max;
    // The JDK reads with a subscriber of its own at once, and with any other on another thread.
    BodySubscriber<byte[]> reader = BodySubscribers.fromSubscriber(collector, Collector::bytes);
    collector.reader = reader;
    return reader;
  }

  private static long announced(HttpHeaders headers) {
    try {
      return headers.firstValueAsLong("Content-Length").orElse(0);
    } catch (NumberFormatException e) {
      // The bytes are counted anyway.
      return 0;
    }
  }

  private final class Collector implements Subscriber<List<ByteBuffer>> {
    private final List<ByteBuffer> received = new ArrayList<>();
    private boolean isAnnouncedTooLarge;
    private boolean isRefused;
    private int size;
    private @Nullable Subscription subscription;
    private @Nullable BodySubscriber<byte[]> reader;

    @Override
    public void onSubscribe(Subscription newSubscription) {
      subscription = newSubscription;
      if (isAnnouncedTooLarge) {
        refuse();
      } else {
        newSubscription.request(Long.MAX_VALUE);
      }
    }

    @Override
    public void onNext(List<ByteBuffer> buffers) {
      for (ByteBuffer buffer : buffers) {
        if (isRefused) {
          return;
        }
        size += buffer.remaining();
        received.add(buffer);
        if (size > max) {
          refuse();
        }
      }
    }

    /** Fails the body before the cancelled connection does. */
    private void refuse() {
      isRefused = true;
      isTooLarge = true;
      received.clear();
      if (reader != null) {
        reader.onError(new TooLargeException(max));
      }
      if (subscription != null) {
        subscription.cancel();
      }
    }

    @Override
    public void onError(Throwable failure) {
      received.clear();
    }

    @Override
    public void onComplete() {}

    byte[] bytes() {
      if (isRefused) {
        return NO_BYTES;
      }
      byte[] all = new byte[size];
      int at = 0;
      for (ByteBuffer buffer : received) {
        int length = buffer.remaining();
        buffer.get(all, at, length);
        at += length;
      }
      return all;
    }
  }
}
