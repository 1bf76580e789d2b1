package io.commslib.http;

import java.io.IOException;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/**
 * Reads a streamed answer while it arrives. Users implement it and pass it to {@link
 * ServiceCall#stream}.
 *
 * @param <T> type of the result
 */
@FunctionalInterface
public interface StreamReader<T extends @Nullable Object> {

  /**
   * Reads the body. Called at most once for each call, on the caller's thread. A read blocks until
   * bytes arrive, at most for the idle time of the service. Closing the body, and returning before
   * its end, closes the connection.
   *
   * @param body the body, not to be used after the return
   * @return the result of the call
   * @throws IOException if reading fails, or the reader's own work does
   */
  T read(InputStream body) throws IOException;
}
