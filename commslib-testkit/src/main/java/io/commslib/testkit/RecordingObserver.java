package io.commslib.testkit;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.observe.CommsObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** An observer that records its calls, for tests. Thread-safe; grows without bound. */
public final class RecordingObserver implements CommsObserver {

  /**
   * A settled delivery.
   *
   * @param group the group
   * @param outcome the count of the ledger that it is in
   * @param messageId id of the message, or its position
   * @param attempt the number of the last attempt
   */
  public record Settled(String group, Count outcome, String messageId, int attempt) {}

  private final List<Settled> settled = new ArrayList<>();
  private final List<Boolean> routePauses = new ArrayList<>();
  private final List<Boolean> intakePauses = new ArrayList<>();
  private final List<String> overruns = new ArrayList<>();
  private final List<Duration> retryDelays = new ArrayList<>();

  /** Creates an observer without records. */
  public RecordingObserver() {}

  @Override
  public synchronized void onSettled(
      Destination source,
      String group,
      Count outcome,
      String messageId,
      int attempt,
      Duration age) {
    settled.add(new Settled(group, outcome, messageId, attempt));
  }

  @Override
  public synchronized void onRetry(
      Destination source, String group, String messageId, int attempt, Duration delay) {
    retryDelays.add(delay);
  }

  @Override
  public synchronized void onHandlerOverrun(Destination source, String group, String messageId) {
    overruns.add(messageId);
  }

  @Override
  public synchronized void onRoutePaused(
      Destination source, String group, boolean paused, String reason) {
    routePauses.add(paused);
  }

  @Override
  public synchronized void onIntakePaused(Destination source, String group, boolean paused) {
    intakePauses.add(paused);
  }

  /**
   * Returns the settled deliveries so far.
   *
   * @return in the order of the calls
   */
  public synchronized List<Settled> settled() {
    return List.copyOf(settled);
  }

  /**
   * Returns the route's pauses (true) and resumptions (false) so far.
   *
   * @return in the order of the calls
   */
  public synchronized List<Boolean> routePauses() {
    return List.copyOf(routePauses);
  }

  /**
   * Returns the intake's pauses (true) and resumptions (false) so far.
   *
   * @return in the order of the calls
   */
  public synchronized List<Boolean> intakePauses() {
    return List.copyOf(intakePauses);
  }

  /**
   * Returns the ids of messages whose handlers overran their deadline.
   *
   * @return in the order of the calls
   */
  public synchronized List<String> overruns() {
    return List.copyOf(overruns);
  }

  /**
   * Returns the delays before further attempts.
   *
   * @return in the order of the calls
   */
  public synchronized List<Duration> retryDelays() {
    return List.copyOf(retryDelays);
  }
}
