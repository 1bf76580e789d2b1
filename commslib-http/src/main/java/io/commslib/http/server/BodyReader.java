package io.commslib.http.server;

import io.commslib.core.time.TimeSource;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.List;

/** Reads the body of a request within bounds of size and time. */
final class BodyReader {

  private static final int CHUNK_BYTES = 8_192;

  private final int maxBytes;
  private final Duration idleTime;
  private final TimeSource time;

  BodyReader(int maxBytes, Duration idleTime, TimeSource time) {
    this.maxBytes = maxBytes;
    this.idleTime = idleTime;
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
    byte[] chunk = new byte[CHUNK_BYTES];
    ByteArrayOutputStream read = new ByteArrayOutputStream();
    try {
      InputStream body = request.body();
      while (true) {
        watched.renew(earlier(deadlineNanos, time.nanoTime() + idleTime.toNanos()));
        int count = body.read(chunk, 0, Math.min(chunk.length, maxBytes + 1 - read.size()));
        if (count < 0) {
          break;
        }
        read.write(chunk, 0, count);
        if (read.size() > maxBytes) {
          throw new ProblemException(ServerProblems.tooLarge(maxBytes));
        }
      }
    } catch (IOException e) {
      throw new ProblemException(
          watched.isInterrupted()
              ? ServerProblems.bodyTooSlow(idleTime)
              : ServerProblems.bodyCutShort());
    }
    if (read.size() < announced) {
      throw new ProblemException(ServerProblems.bodyCutShort());
    }
    return read.toByteArray();
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
