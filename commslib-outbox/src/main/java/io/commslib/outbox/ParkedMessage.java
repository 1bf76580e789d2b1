package io.commslib.outbox;

import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A message that the relay could not publish and has parked. Immutable. */
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

  /** {@return the id by which it is redriven or discarded; unique in this outbox} */
  public long id() {
    return id;
  }

  /** {@return the text form of its destination} */
  public String destination() {
    return destination;
  }

  /** {@return its key, or empty} */
  public Optional<String> key() {
    return Optional.ofNullable(key);
  }

  /** {@return the number of failed attempts, 1 or more} */
  public int attempts() {
    return attempts;
  }

  /** {@return the code of the last failure, for example {@code COMMS-KAFKA-003}} */
  public String errorCode() {
    return errorCode;
  }

  /**
   * Returns a hash that is equal for messages that failed for the same cause. It is made of code,
   * destination and the text of the failure without its numbers.
   *
   * @return 16 hexadecimal digits
   */
  public String fingerprint() {
    return fingerprint;
  }

  /** {@return the time of the first failure, by the database's clock} */
  public Instant firstFailedAt() {
    return firstFailedAt;
  }

  /** {@return the text of the last failure, without payload} */
  public String lastError() {
    return lastError;
  }

  /** {@return the time of the last failure, when it was parked, by the database's clock} */
  public Instant parkedAt() {
    return parkedAt;
  }

  @Override
  public String toString() {
    return "ParkedMessage{" + id + ", " + destination + ", " + errorCode + "}";
  }
}
