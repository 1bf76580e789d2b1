package io.commslib.testkit.servers;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A value that the first call creates on its thread. If that fails, every later call throws the
 * same failure, not a failure to initialise a class.
 */
final class CreatedOnce<T> implements Supplier<T> {

  private final Supplier<T> maker;
  private @Nullable T value;
  private @Nullable ServerUnavailableException failure;

  CreatedOnce(Supplier<T> maker) {
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
