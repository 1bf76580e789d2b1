package io.commslib.core.tx;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The after-commit hooks of one transaction. For bindings. Confined to its thread. */
public final class AfterCommitHooks {

  private static final Logger log = LoggerFactory.getLogger(AfterCommitHooks.class);

  private final List<Runnable> hooks = new ArrayList<>();

  /** Creates an empty list of hooks. */
  public AfterCommitHooks() {}

  /**
   * Adds a hook.
   *
   * @param hook runs after the hooks added before it
   */
  public void add(Runnable hook) {
    hooks.add(Objects.requireNonNull(hook, "hook"));
  }

  /** Removes all hooks, for example after a rollback. */
  public void clear() {
    hooks.clear();
  }

  /**
   * Runs each hook once, after the commit. Never throws: the transaction has committed, and a
   * failure of a hook, even an error of the JVM, must not look like a failure of the transaction.
   * Failures are logged. An interrupt that is pending or set by a hook is cleared for the next
   * hooks and is pending again when this returns.
   */
  public void run() {
    boolean interrupted = false;
    for (Runnable hook : List.copyOf(hooks)) {
      interrupted |= Thread.interrupted();
      try {
        hook.run();
      } catch (Throwable e) {
        report(e);
      }
    }
    hooks.clear();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Printing a failure may throw too. */
  private static void report(Throwable failure) {
    try {
      log.error("after-commit hook failed", failure);
    } catch (Throwable e) {
      log.error("after-commit hook failed with {}", failure.getClass().getName());
    }
  }
}
