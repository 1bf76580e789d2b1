package io.commslib.kafka;

import java.util.TreeSet;
import java.util.function.BiPredicate;
import java.util.function.Function;
import java.util.function.IntPredicate;
import java.util.function.Predicate;
import org.apache.kafka.common.errors.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Counts every use that the tested code makes of what is outside of it, and makes chosen ones fail.
 * Only while it is armed.
 */
final class Faults {

  private final BiPredicate<Integer, String> which;
  private final Function<String, Throwable> kind;
  private final TreeSet<String> names = new TreeSet<>();
  private boolean armed;
  private int uses;
  private @Nullable String failedAt;

  private Faults(BiPredicate<Integer, String> which, Function<String, Throwable> kind) {
    this.which = which;
    this.kind = kind;
  }

  static Faults none() {
    return new Faults((use, name) -> false, IllegalStateException::new);
  }

  /** The uses with these numbers, from 0 on, throw what {@code kind} makes. */
  static Faults at(IntPredicate which, Function<String, Throwable> kind) {
    return new Faults((use, name) -> which.test(use), kind);
  }

  /** The uses with such a name time out. */
  static Faults named(Predicate<String> which) {
    return new Faults((use, name) -> which.test(name), TimeoutException::new);
  }

  void armed(Runnable code) {
    armed = true;
    try {
      code.run();
    } finally {
      armed = false;
    }
  }

  void use(String name) {
    if (!armed) {
      return;
    }
    names.add(name);
    if (which.test(uses++, name)) {
      failedAt = name + " #" + (uses - 1);
      Throwable thrown = kind.apply(name);
      // Thousands of stacks in the log would take most of the time; the name says where it was.
      thrown.setStackTrace(new StackTraceElement[0]);
      throw Faults.<RuntimeException>unchecked(thrown);
    }
  }

  int uses() {
    return uses;
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
