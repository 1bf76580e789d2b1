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
 * Sends dead letters back, to the failing group only: grouped by cause, rehearsed, paced, with a
 * cap on how often one letter goes back, and audited.
 *
 * <p>Letters go back oldest first, so those of one key in the order in which they were given up. A
 * letter that has been sent back as often as the cap allows is in quarantine: it stays, and so do
 * the later letters of its key, until the selection includes the quarantined. Each letter is
 * removed after the broker has taken it back: an action that fails or whose process dies half way
 * is simply run again; the letter under way at that moment may go back twice, none is lost.
 *
 * <p>Thread-safe. All methods block for the broker; {@link #run} also for its pace.
 */
public final class Redrive {

  private static final int MAX_LOOK = 100_000;
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
   * @param runtime time and scheduler of the pace
   * @return new builder
   */
  public static Builder builder(DeadLetters deadLetters, CommsRuntime runtime) {
    return new Builder(deadLetters, runtime);
  }

  /**
   * Groups the dead letters of a subscription group by cause; looks at the oldest 100,000.
   *
   * @param source what the group consumes
   * @param group the group
   * @return the causes, the most frequent first
   * @throws TransportException if the broker can't be reached or the group is unknown
   */
  public List<CauseGroup> groups(Destination source, String group) {
    CauseSummary summary = new CauseSummary(maxRedrives);
    forEach(source, group, summary::add);
    return summary.groups();
  }

  /** Passes on the oldest letters, of which one page is in memory. */
  private void forEach(Destination source, String group, Consumer<DeadLetter> reader) {
    try (DeadLetterListing listing = deadLetters.open(source, group)) {
      int seen = 0;
      List<DeadLetter> page;
      do {
        page = listing.next(Math.min(PAGE, MAX_LOOK - seen));
        page.forEach(reader);
        seen += page.size();
      } while (!page.isEmpty() && seen < MAX_LOOK);
    }
  }

  /**
   * Tells what {@link #run} would do now, and does nothing; looks at the oldest 100,000.
   *
   * @param source what the group consumes
   * @param group the group
   * @param selection which letters
   * @return the counts {@code run} would report
   * @throws TransportException if the broker can't be reached or the group is unknown
   */
  public RedriveReport dryRun(Destination source, String group, RedriveSelection selection) {
    Picker picker = new Picker(selection);
    forEach(source, group, picker::test);
    return picker.report();
  }

  /**
   * Sends the selected letters back, oldest first, not faster than the pace.
   *
   * @param source what the group consumes
   * @param group the group
   * @param selection which letters
   * @param actor who asks for it, for the audit; not blank
   * @param reason why, for the audit; not blank
   * @return what was done
   * @throws TransportException if the broker can't be reached; those sent so far are sent, and the
   *     audit says how many at least
   * @throws CancellationException if the thread is interrupted while it waits for the pace; the
   *     same holds
   * @throws IllegalArgumentException if actor or reason are blank
   */
  public RedriveReport run(
      Destination source, String group, RedriveSelection selection, String actor, String reason) {
    Picker picker = new Picker(selection);
    RedriveRateLimiter pace = new RedriveRateLimiter(runtime, maxPerSecond);
    Predicate<DeadLetter> paced =
        letter -> {
          boolean picked = picker.test(letter);
          if (picked) {
            pace.await();
          }
          return picked;
        };
    audited(
        new Action(RedriveAudit.Action.REDRIVE, source, group, selection, actor, reason),
        picker,
        () -> deadLetters.redrive(source, group, paced));
    return picker.report();
  }

  /**
   * Removes the selected letters for good, those in quarantine too.
   *
   * @param source what the group consumes
   * @param group the group
   * @param selection which letters
   * @param actor who asks for it, for the audit; not blank
   * @param reason why, for the audit; not blank
   * @return how many were removed
   * @throws TransportException if the broker can't be reached; those removed so far are removed
   * @throws IllegalArgumentException if actor or reason are blank
   */
  public int discard(
      Destination source, String group, RedriveSelection selection, String actor, String reason) {
    Picker picker = new Picker(selection.includingQuarantined());
    audited(
        new Action(RedriveAudit.Action.DISCARD, source, group, selection, actor, reason),
        picker,
        () -> deadLetters.discard(source, group, picker::test));
    return picker.sent;
  }

  private void audited(Action action, Picker picker, Runnable work) {
    action.record(RedriveAudit.Phase.STARTED, 0);
    try {
      work.run();
    } catch (Throwable e) {
      // The one picked last may not have gone.
      recordFailed(action, Math.max(0, picker.sent - 1), e);
      throw e;
    }
    action.record(RedriveAudit.Phase.ENDED, picker.sent);
  }

  /** An audit that fails too must not hide why the action has failed. */
  private static void recordFailed(Action action, int count, Throwable failure) {
    try {
      action.record(RedriveAudit.Phase.FAILED, count);
    } catch (Throwable e) {
      failure.addSuppressed(e);
    }
  }

  /** One action's audit. */
  private final class Action {
    private final String runId = MessageIds.next(runtime.time(), runtime.random());
    private final RedriveAudit.Action action;
    private final Destination source;
    private final String group;
    private final RedriveSelection selection;
    private final String actor;
    private final String reason;

    Action(
        RedriveAudit.Action action,
        Destination source,
        String group,
        RedriveSelection selection,
        String actor,
        String reason) {
      Checks.check(!actor.isBlank(), "actor", "''", "who asks for it");
      Checks.check(!reason.isBlank(), "reason", "''", "why");
      this.action = action;
      this.source = source;
      this.group = group;
      this.selection = selection;
      this.actor = actor;
      this.reason = reason;
    }

    void record(RedriveAudit.Phase phase, int count) {
      audit.record(
          new RedriveAudit.Entry(
              runId,
              runtime.time().now(),
              action,
              phase,
              actor,
              reason,
              source,
              group,
              selection.toString(),
              count));
    }
  }

  /** Decides letter by letter, oldest first. */
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
     * Caps the rate.
     *
     * @param maxPerSecond letters sent back in a second, 1 to 100,000; default 50
     * @return this
     * @throws IllegalArgumentException if out of range
     */
    public Builder maxPerSecond(int maxPerSecond) {
      this.maxPerSecond = Checks.inRange("maxPerSecond", maxPerSecond, 1, 100_000);
      return this;
    }

    /**
     * Caps how often one letter goes back before it is in quarantine.
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
     * Sets where actions are recorded.
     *
     * @param audit default: the log
     * @return this
     */
    public Builder audit(RedriveAudit audit) {
      this.audit = Objects.requireNonNull(audit, "audit");
      return this;
    }

    /**
     * Builds it.
     *
     * @return the redrive
     */
    public Redrive build() {
      return new Redrive(this);
    }
  }
}
