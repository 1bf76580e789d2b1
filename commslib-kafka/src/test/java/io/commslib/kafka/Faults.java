package io.commslib.kafka;

import java.util.TreeSet;
import java.util.function.BiPredicate;
import java.util.function.Function;
import java.util.function.IntPredicate;
import java.util.function.Predicate;
import org.apache.kafka.common.errors.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Counts the calls of the tested code to its environment and makes chosen ones fail, while it is
 * armed.
 */
final class Faults {

  private final BiPredicate<Integer, String> which;
  private final Function<String, Throwable> kind;
  private final TreeSet<String> names = new TreeSet<>();
  private boolean armed;
  private int calls;
  private @Nullable String failedAt;

  private Faults(BiPredicate<Integer, String> which, Function<String, Throwable> kind) {
    this.which = which;
    this.kind = kind;
  }

  static Faults none() {
    return new Faults((call, name) -> false, IllegalStateException::new);
  }

  /** The calls with these numbers, from 0 on, throw what {@code kind} creates. */
  static Faults at(IntPredicate which, Function<String, Throwable> kind) {
    return new Faults((call, name) -> which.test(call), kind);
  }

  /** The calls with such a name time out. */
  static Faults named(Predicate<String> which) {
    return new Faults((call, name) -> which.test(name), TimeoutException::new);
  }

  void armed(Runnable code) {
    armed = true;
    try {
      code.run();
    } finally {
      armed = false;
    }
  }

  void onCall(String name) {
    if (!armed) {
      return;
    }
    names.add(name);
    if (which.test(calls++, name)) {
      failedAt = name + " #" + (calls - 1);
      Throwable thrown = kind.apply(name);
      // Thousands of stack traces in the log would take most of the time; the name shows the place.
      thrown.setStackTrace(new StackTraceElement[0]);
      throw Faults.<RuntimeException>unchecked(thrown);
    }
  }

  int calls() {
    return calls;
  }

  TreeSet<String> names() {
    return names;
  }

  @Nullable String failedAt() {
    return failedAt;
  }

  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
  private static <T extends Throwable> T unchecked(Throwable thrown) throws T {
    throw (T) thrown;
  }
}
