package io.commslib.outbox;

import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A message the relay could not publish and has put aside. Immutable. */
public final class ParkedMessage {

  private final long id;
  private final String destination;
  private final @Nullable String key;
  private final int attempts;
  private final String errorCode;
  private final String fingerprint;
  private final String lastError;
  private final Instant firstFailedAt;
  private final Instant parkedAt;

  ParkedMessage(
      long id,
      String destination,
      @Nullable String key,
      int attempts,
      String errorCode,
      String fingerprint,
      String lastError,
      Instant firstFailedAt,
      Instant parkedAt) {
    this.id = id;
    this.destination = Objects.requireNonNull(destination, "destination");
    this.key = key;
    this.attempts = attempts;
    this.errorCode = errorCode;
    this.fingerprint = fingerprint;
    this.lastError = lastError;
    this.firstFailedAt = firstFailedAt;
    this.parkedAt = parkedAt;
  }

  /**
   * Returns the number by which it is replayed or discarded.
   *
   * @return unique in this outbox
   */
  public long id() {
    return id;
  }

  /**
   * Returns where it should have gone.
   *
   * @return text form of the destination
   */
  public String destination() {
    return destination;
  }

  /**
   * Returns its key.
   *
   * @return the key, or empty
   */
  public Optional<String> key() {
    return Optional.ofNullable(key);
  }

  /**
   * Returns how often it was attempted.
   *
   * @return 1 or more
   */
  public int attempts() {
    return attempts;
  }

  /**
   * Returns the code of the last failure.
   *
   * @return for example {@code COMMS-KAFKA-003}
   */
  public String errorCode() {
    return errorCode;
  }

  /**
   * Returns what messages that failed for the same cause have in common.
   *
   * @return made of code, destination and the text of the failure without its numbers
   */
  public String fingerprint() {
    return fingerprint;
  }

  /**
   * Returns when it failed first, by the database's clock.
   *
   * @return the time
   */
  public Instant firstFailedAt() {
    return firstFailedAt;
  }

  /**
   * Returns the last failure.
   *
   * @return text, no payload
   */
  public String lastError() {
    return lastError;
  }

  /**
   * Returns when it failed for the last time and was put aside, by the database's clock.
   *
   * @return the time
   */
  public Instant parkedAt() {
    return parkedAt;
  }

  @Override
  public String toString() {
    return "ParkedMessage{" + id + ", " + destination + ", " + errorCode + "}";
  }
}
