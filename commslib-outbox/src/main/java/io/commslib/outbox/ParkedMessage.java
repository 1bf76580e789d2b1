package io.commslib.outbox;

import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A message the relay could not publish and has put aside. Immutable.
 *
 * @since 0.1
 */
public final class ParkedMessage {

  private final long id;
  private final String destination;
  private final @Nullable String key;
  private final int attempts;
  private final String errorCode;
  private final String lastError;
  private final Instant parkedAt;

  ParkedMessage(
      long id,
      String destination,
      @Nullable String key,
      int attempts,
      String errorCode,
      String lastError,
      Instant parkedAt) {
    this.id = id;
    this.destination = Objects.requireNonNull(destination, "destination");
    this.key = key;
    this.attempts = attempts;
    this.errorCode = errorCode;
    this.lastError = lastError;
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
   * Returns the last failure.
   *
   * @return text, no payload
   */
  public String lastError() {
    return lastError;
  }

  /**
   * Returns when it was put aside, by the database's clock.
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
