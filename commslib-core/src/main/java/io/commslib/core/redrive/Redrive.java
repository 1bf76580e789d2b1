package io.commslib.core.redrive;

import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.DeadLetterListing;
import io.commslib.core.messaging.DeadLetters;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.MessageIds;
import io.commslib.core.messaging.TransportException;
import io.commslib.core.time.CommsRuntime;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * Redrives dead letters, to the failing group only: grouped by cause, with a dry run, at a limited
 * rate, with a cap on the number of redrives of one letter, and audited.
 *
 * <p>Letters are redriven oldest first, so those of one key in the order in which they were
 * dead-lettered. A letter that has been redriven as often as the cap allows is in quarantine. It
 * stays in the dead letters, and so do the later letters of its key, until a selection includes the
 * quarantined letters. Each letter is removed only after the broker has accepted the redriven
 * message. After a failure or a crash the action is simply run again: the letter in progress at
 * that moment may be redriven twice, and no letter is lost.
 *
 * <p>Thread-safe. All methods block for the broker; {@link #run} also blocks for its rate limit.
 *
 * <pre>{@code
 * Redrive redrive = Redrive.builder(deadLetters, runtime).maxPerSecond(50).build();
 * for (CauseGroup cause : redrive.groups(ORDERS, "main")) {
 *   RedriveSelection selection = RedriveSelection.cause(cause.fingerprint());
 *   redrive.run(ORDERS, "main", selection, "ann", "the price list is back");
 * }
 * }</pre>
 */
public final class Redrive {

  private static final int MAX_READ = 100_000;
  private static final int PAGE = 500;

  private final DeadLetters deadLetters;
  private final CommsRuntime runtime;
  private final int maxPerSecond;
  private final int maxRedrives;
  private final RedriveAudit audit;

  private Redrive(Builder settings) {
    this.deadLetters = settings.deadLetters;
    this.runtime = settings.runtime;
    this.maxPerSecond = settings.maxPerSecond;
    this.maxRedrives = settings.maxRedrives;
    this.audit = settings.audit;
  }

  /**
   * Starts a configuration.
   *
   * @param deadLetters of the transport
   * @param runtime clock and scheduler of the rate limit
   * @return new builder
   */
  public static Builder builder(DeadLetters deadLetters, CommsRuntime runtime) {
    return new Builder(deadLetters, runtime);
  }

  /**
   * Groups the dead letters of a subscription group by cause. Reads the oldest 100,000.
   *
   * @param source destination that the group consumes
   * @param group the group
   * @return the causes, the most frequent first
   * @throws TransportException if the broker can't be reached or the group is unknown
   */
  public List<CauseGroup> groups(Destination source, String group) {
    CauseSummary summary = new CauseSummary(maxRedrives);
    forEach(source, group, summary::add);
    return summary.groups();
  }

  /** Reads the oldest letters; one page of them is in memory. */
  private void forEach(Destination source, String group, Consumer<DeadLetter> reader) {
    try (DeadLetterListing listing = deadLetters.open(source, group)) {
      int seen = 0;
      List<DeadLetter> page;
      do {
        page = listing.next(Math.min(PAGE, MAX_READ - seen));
        page.forEach(reader);
        seen += page.size();
      } while (!page.isEmpty() && seen < MAX_READ);
    }
  }

  /**
   * Counts what {@link #run} would do now, and changes nothing. Reads the oldest 100,000 letters.
   *
   * @param source destination that the group consumes
   * @param group the group
   * @param selection the letters
   * @return the counts that {@code run} would report
   * @throws TransportException if the broker can't be reached or the group is unknown
   */
  public RedriveReport dryRun(Destination source, String group, RedriveSelection selection) {
    Picker picker = new Picker(selection);
    forEach(source, group, picker::test);
    return picker.report();
  }

  /**
   * Redrives the selected letters, oldest first, at most at the configured rate.
   *
   * @param source destination that the group consumes
   * @param group the group
   * @param selection the letters
   * @param actor person or job that asks for it, for the audit; not blank
   * @param reason the actor's reason, for the audit; not blank
   * @return the counts of the action
   * @throws TransportException if the broker can't be reached; letters redriven before stay
   *     redriven, and the audit states their minimum number
   * @throws CancellationException if the thread is interrupted while it waits for the rate limit;
   *     letters redriven before stay redriven, and the audit states their minimum number
   * @throws IllegalArgumentException if actor or reason are blank
   */
  public RedriveReport run(
      Destination source, String group, RedriveSelection selection, String actor, String reason) {
    Picker picker = new Picker(selection);
    RedriveRateLimiter limiter = new RedriveRateLimiter(runtime, maxPerSecond);
    Predicate<DeadLetter> limited =
        letter -> {
          boolean picked = picker.test(letter);
          if (picked) {
            limiter.await();
          }
          return picked;
        };
    audited(
        new AuditedAction(RedriveAudit.Action.REDRIVE, source, group, selection, actor, reason),
        picker,
        () -> deadLetters.redrive(source, group, limited));
    return picker.report();
  }

  /**
   * Removes the selected letters permanently, including those in quarantine.
   *
   * @param source destination that the group consumes
   * @param group the group
   * @param selection the letters
   * @param actor person or job that asks for it, for the audit; not blank
   * @param reason the actor's reason, for the audit; not blank
   * @return the number of removed letters
   * @throws TransportException if the broker can't be reached; letters removed before stay removed
   * @throws IllegalArgumentException if actor or reason are blank
   */
  public int discard(
      Destination source, String group, RedriveSelection selection, String actor, String reason) {
    Picker picker = new Picker(selection.includingQuarantined());
    audited(
        new AuditedAction(RedriveAudit.Action.DISCARD, source, group, selection, actor, reason),
        picker,
        () -> deadLetters.discard(source, group, picker::test));
    return picker.sent;
  }

  private void audited(AuditedAction action, Picker picker, Runnable work) {
    Trail trail = new Trail(action);
    trail.record(RedriveAudit.Phase.STARTED, 0);
    try {
      work.run();
    } catch (Throwable e) {
      // The letter picked last may not have been sent.
      recordFailed(trail, Math.max(0, picker.sent - 1), e);
      throw e;
    }
    trail.record(RedriveAudit.Phase.ENDED, picker.sent);
  }

  /** A failure of the audit must not hide the failure of the action. */
  private static void recordFailed(Trail trail, int count, Throwable failure) {
    try {
      trail.record(RedriveAudit.Phase.FAILED, count);
    } catch (Throwable e) {
      failure.addSuppressed(e);
    }
  }

  /** Writes the entries of one action. */
  private final class Trail {
    private final String runId = MessageIds.next(runtime.time(), runtime.random());
    private final AuditedAction action;

    Trail(AuditedAction action) {
      this.action = action;
    }

    void record(RedriveAudit.Phase phase, int count) {
      audit.record(new RedriveAudit.Entry(runId, runtime.time().now(), action, phase, count));
    }
  }

  /** Decides for each letter, oldest first, whether it is redriven. */
  private final class Picker {
    private final RedriveSelection selection;
    private final Set<String> quarantinedKeys = new HashSet<>();
    private int selected;
    private int sent;
    private int quarantined;
    private int behindQuarantined;

    Picker(RedriveSelection selection) {
      this.selection = Objects.requireNonNull(selection, "selection");
    }

    boolean test(DeadLetter letter) {
      boolean inQuarantine = !selection.withQuarantined() && letter.redriveCount() >= maxRedrives;
      String key = letter.key().orElse(null);
      boolean behind = key != null && quarantinedKeys.contains(key);
      if (inQuarantine && key != null) {
        quarantinedKeys.add(key);
      }
      if (sent >= selection.limit() || !selection.matches(letter)) {
        return false;
      }
      selected++;
      if (inQuarantine) {
        quarantined++;
      } else if (behind) {
        behindQuarantined++;
      } else {
        sent++;
        return true;
      }
      return false;
    }

    RedriveReport report() {
      return new RedriveReport(selected, sent, quarantined, behindQuarantined);
    }
  }

  /** Configures a {@link Redrive}. Not thread-safe. */
  public static final class Builder {
    private final DeadLetters deadLetters;
    private final CommsRuntime runtime;
    private int maxPerSecond = 50;
    private int maxRedrives = 3;
    private RedriveAudit audit = RedriveAudit.toLog();

    private Builder(DeadLetters deadLetters, CommsRuntime runtime) {
      this.deadLetters = Objects.requireNonNull(deadLetters, "deadLetters");
      this.runtime = Objects.requireNonNull(runtime, "runtime");
    }

    /**
     * Sets the maximum number of letters redriven per second. Lower it to protect the handlers and
     * what they call.
     *
     * @param maxPerSecond 1 to 100,000; default 50
     * @return this
     * @throws IllegalArgumentException if out of range
     */
    public Builder maxPerSecond(int maxPerSecond) {
      this.maxPerSecond = Checks.inRange("maxPerSecond", maxPerSecond, 1, 100_000);
      return this;
    }

    /**
     * Sets the number of redrives after which a letter is in quarantine.
     *
     * @param maxRedrives 1 to 1,000; default 3
     * @return this
     * @throws IllegalArgumentException if out of range
     */
    public Builder maxRedrives(int maxRedrives) {
      this.maxRedrives = Checks.inRange("maxRedrives", maxRedrives, 1, 1_000);
      return this;
    }

    /**
     * Sets the audit that records each redrive and discard.
     *
     * @param audit the audit; default {@link RedriveAudit#toLog()}
     * @return this
     */
    public Builder audit(RedriveAudit audit) {
      this.audit = Objects.requireNonNull(audit, "audit");
      return this;
    }

    /** {@return a new redrive with these settings} */
    public Redrive build() {
      return new Redrive(this);
    }
  }
}
