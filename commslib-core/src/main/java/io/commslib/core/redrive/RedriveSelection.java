package io.commslib.core.redrive;

import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.DeadLetter;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/** Selects dead letters of a group for an operator's action. Immutable. */
public final class RedriveSelection {

  private final String text;
  private final Predicate<DeadLetter> predicate;
  private final int limit;
  private final boolean withQuarantined;

  private RedriveSelection(
      String text, Predicate<DeadLetter> predicate, int limit, boolean withQuarantined) {
    this.text = text;
    this.predicate = predicate;
    this.limit = limit;
    this.withQuarantined = withQuarantined;
  }

  private static RedriveSelection of(String text, Predicate<DeadLetter> predicate) {
    return new RedriveSelection(text, predicate, Integer.MAX_VALUE, false);
  }

  /** {@return a selection of every dead letter of the group} */
  public static RedriveSelection all() {
    return of("all", letter -> true);
  }

  /**
   * Selects dead letters by identity.
   *
   * @param identities values of {@link DeadLetter#identity()}, at least one
   * @return the selection
   * @throws IllegalArgumentException if there is none
   */
  public static RedriveSelection messages(Set<String> identities) {
    Set<String> copy = Set.copyOf(identities);
    Checks.check(!copy.isEmpty(), "identities", copy, "at least one");
    return of(
        copy.size() == 1 ? "message" : copy.size() + " messages",
        letter -> copy.contains(letter.identity()));
  }

  /**
   * Selects the dead letters of one cause.
   *
   * @param fingerprint value of {@link DeadLetter#fingerprint()}
   * @return the selection
   */
  public static RedriveSelection cause(String fingerprint) {
    Objects.requireNonNull(fingerprint, "fingerprint");
    return of("cause " + fingerprint, letter -> letter.fingerprint().equals(fingerprint));
  }

  /**
   * Selects the dead letters of one key. They are redriven in the order in which they were
   * dead-lettered.
   *
   * @param key value of {@link DeadLetter#key()}
   * @return the selection
   */
  public static RedriveSelection key(String key) {
    Objects.requireNonNull(key, "key");
    return of("key", letter -> letter.key().equals(Optional.of(key)));
  }

  /**
   * Narrows the selection to its oldest letters.
   *
   * @param count maximum number of letters, 1 to 100,000
   * @return the narrower selection
   * @throws IllegalArgumentException if out of range
   */
  public RedriveSelection oldest(int count) {
    return new RedriveSelection(
        text, predicate, Checks.inRange("count", count, 1, 100_000), withQuarantined);
  }

  /**
   * Includes letters in quarantine: those that have been redriven as often as the cap allows.
   *
   * @return the wider selection
   */
  public RedriveSelection includingQuarantined() {
    return new RedriveSelection(text, predicate, limit, true);
  }

  boolean matches(DeadLetter letter) {
    return predicate.test(letter);
  }

  int limit() {
    return limit;
  }

  boolean withQuarantined() {
    return withQuarantined;
  }

  @Override
  public String toString() {
    return text
        + (limit == Integer.MAX_VALUE ? "" : ", oldest " + limit)
        + (withQuarantined ? ", quarantined too" : "");
  }
}
