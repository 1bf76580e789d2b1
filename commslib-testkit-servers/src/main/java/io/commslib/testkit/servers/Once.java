package io.commslib.testkit.servers;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A value that is made at the first call, by one thread; a failure to make it is thrown again by
 * every later call as it was, not as a failure to initialise a class.
 */
final class Once<T> implements Supplier<T> {

  private final Supplier<T> maker;
  private @Nullable T value;
  private @Nullable ServerUnavailableException failure;

  Once(Supplier<T> maker) {
    this.maker = maker;
  }

  @Override
  public synchronized T get() {
    if (failure != null) {
      throw failure;
    }
    T made = value;
    if (made == null) {
      try {
        made = maker.get();
      } catch (ServerUnavailableException e) {
        failure = e;
        throw e;
      }
      value = made;
    }
    return made;
  }
}
