package io.commslib.core.tx;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The hooks of one transaction. For bindings. Confined to the transaction's thread. */
public final class AfterCommitHooks {

  private static final Logger log = LoggerFactory.getLogger(AfterCommitHooks.class);

  private final List<Runnable> hooks = new ArrayList<>();

  /** Creates a transaction's hooks, none yet. */
  public AfterCommitHooks() {}

  /**
   * Adds a hook.
   *
   * @param hook runs after those added before it
   */
  public void add(Runnable hook) {
    hooks.add(Objects.requireNonNull(hook, "hook"));
  }

  /** Forgets all hooks, as after a rollback. */
  public void clear() {
    hooks.clear();
  }

  /**
   * Runs the hooks after the commit, each of them once. Never throws: the transaction has
   * committed, and whatever a hook throws, an error of the JVM too, must not look like its failure.
   * What is thrown is logged. An interrupt that is pending or left behind by a hook keeps no hook
   * from its work and is pending again when this returns.
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

  /** What was thrown may itself throw when it is printed. */
  private static void report(Throwable failure) {
    try {
      log.error("after-commit hook failed", failure);
    } catch (Throwable e) {
      log.error("after-commit hook failed with {}", failure.getClass().getName());
    }
  }
}
