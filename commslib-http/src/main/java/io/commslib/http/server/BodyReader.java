package io.commslib.http.server;

import io.commslib.core.time.TimeSource;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/** Reads the body of a request within bounds of size and time. */
final class BodyReader {

  /** The length of the first array; a larger one is made only for bytes that have arrived. */
  private static final int MAX_FIRST = 8_192;

  private final int maxBytes;
  private final long idleNanos;
  private final TimeSource time;

  BodyReader(int maxBytes, Duration idleTime, TimeSource time) {
    this.maxBytes = maxBytes;
    this.idleNanos = idleTime.toNanos();
    this.time = time;
  }

  /**
   * Reads the whole body. Each read may take up to the idle time, and all reads together may take
   * until the deadline.
   *
   * @throws ProblemException 413 over the bound, 408 if it is cut short or too slow
   */
  byte[] read(ServerRequest request, long deadlineNanos, RequestWatch.Watched watched) {
    long announced = announced(request);
    if (announced > maxBytes) {
      throw new ProblemException(ServerProblems.tooLarge(maxBytes));
    }
    // An announced length up to a bound is trusted; one byte more shows the end.
    byte[] read = new byte[announced > 0 ? (int) Math.min(announced + 1, MAX_FIRST) : MAX_FIRST];
    int size = 0;
    try {
      InputStream body = request.body();
      while (true) {
        watched.renew(earlier(deadlineNanos, time.nanoTime() + idleNanos));
        int count = read(body, read, size);
        if (count < 0) {
          break;
        }
        size += count;
        if (size > maxBytes) {
          throw new ProblemException(ServerProblems.tooLarge(maxBytes));
        }
        if (size == read.length) {
          read = Arrays.copyOf(read, (int) Math.min(size * 2L, maxBytes + 1L));
        }
      }
    } catch (IOException e) {
      throw new ProblemException(
          watched.isInterrupted()
              ? ServerProblems.bodyTooSlow(Duration.ofNanos(idleNanos))
              : ServerProblems.bodyCutShort());
    }
    if (size < announced) {
      throw new ProblemException(ServerProblems.bodyCutShort());
    }
    return Arrays.copyOf(read, size);
  }

  /** Servers throw unchecked exceptions for some malformed bodies, such as too long a chunk. */
  private static int read(InputStream body, byte[] to, int at) throws IOException {
    try {
      return body.read(to, at, to.length - at);
    } catch (RuntimeException e) {
      throw new IOException(e);
    }
  }

  private static long earlier(long a, long b) {
    return a - b < 0 ? a : b;
  }

  /** The announced length; 0 if there is none, as the server has checked the field already. */
  private static long announced(ServerRequest request) {
    List<String> lengths = request.headers("Content-Length");
    try {
      return lengths.isEmpty() ? 0 : Long.parseLong(lengths.get(0).strip());
    } catch (NumberFormatException e) {
      return 0;
    }
  }
}
