package io.commslib.benchmarks.chaos;

import io.commslib.core.messaging.Publisher;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Decides which messages cause an error in application code, and which error. One message in 64
 * does, once or twice, and a few cause an {@code OutOfMemoryError}. The decision depends on the
 * message's id only.
 */
public final class ErrorPlan {

  private static final int ERROR_EVERY = 64;
  private static final int OUT_OF_MEMORY_EVERY = 1_024;

  private final Map<String, Integer> errorsByMessage = new ConcurrentHashMap<>();
  private final AtomicLong thrown = new AtomicLong();
  private final AtomicLong calls = new AtomicLong();

  /** Creates a plan that has thrown no error yet. */
  public ErrorPlan() {}

  /** {@return the number of errors thrown so far} */
  public long thrown() {
    return thrown.get();
  }

  /**
   * Throws the error that is planned for the next handler run of a message, if there is one.
   *
   * @param id the message's id
   */
  public void throwPlanned(String id) {
    Error error = nextError(id);
    if (error != null) {
      throw error;
    }
  }

  /** Throws an error in one of 64 calls; for code that does not know the message's id. */
  public void throwOccasionally() {
    long call = calls.incrementAndGet();
    if (call % ERROR_EVERY == 0) {
      thrown.incrementAndGet();
      throw error((int) (call / ERROR_EVERY % (OUT_OF_MEMORY_EVERY / ERROR_EVERY)));
    }
  }

  /**
   * Returns a publisher that fails with the planned errors, thrown or as the outcome of a publish.
   *
   * @param publisher receives all other messages
   * @return the publisher
   */
  public Publisher wrap(Publisher publisher) {
    return (to, message) -> {
      Error error = nextError(message.id());
      if (error == null) {
        return publisher.publish(to, message);
      }
      if (error instanceof AssertionError) {
        return CompletableFuture.failedFuture(error);
      }
      throw error;
    };
  }

  private @Nullable Error nextError(String id) {
    int draw = Math.floorMod(id.hashCode() * 0x9E3779B9 >>> 7, OUT_OF_MEMORY_EVERY);
    if (draw % ERROR_EVERY != 0) {
      return null;
    }
    int kind = draw / ERROR_EVERY;
    int times = kind == 0 ? 1 : 1 + kind % 2;
    if (errorsByMessage.merge(id, 1, Integer::sum) > times) {
      return null;
    }
    thrown.incrementAndGet();
    return error(kind);
  }

  private static Error error(int kind) {
    return switch (kind) {
      case 0 -> new OutOfMemoryError("planted");
      case 1, 2, 3, 4, 5 -> new NoClassDefFoundError("planted");
      case 6, 7, 8, 9, 10 -> new StackOverflowError("planted");
      default -> new AssertionError("planted");
    };
  }
}
