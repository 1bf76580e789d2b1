package io.commslib.core.call;

import io.commslib.core.checks.Checks;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What is called. Breakers, budgets, metrics and texts of failures name it, so its parts come from
 * a small set of values. Immutable value.
 */
public final class CallTarget {

  /** The maximum number of characters of a service and of a subset. */
  public static final int MAX_NAME_CHARS = 128;

  /** The maximum number of characters of an operation. */
  public static final int MAX_OPERATION_CHARS = 256;

  private final String service;
  private final @Nullable String subset;
  private final String operation;
  private final Idempotency idempotency;

  private CallTarget(
      String service, @Nullable String subset, String operation, Idempotency idempotency) {
    this.service = service;
    this.subset = subset;
    this.operation = operation;
    this.idempotency = idempotency;
  }

  /**
   * Returns a target without a subset.
   *
   * @param service the remote service, 1 to {@value #MAX_NAME_CHARS} printable ASCII characters
   * @param operation a template such as {@code GET /orders/{id}} and never a URL with values, 1 to
   *     {@value #MAX_OPERATION_CHARS} characters without control characters
   * @param idempotency the effect of a repetition
   * @return the target
   * @throws IllegalArgumentException if a text breaks its rule
   */
  public static CallTarget of(String service, String operation, Idempotency idempotency) {
    return new CallTarget(
        Checks.printable("service", service, MAX_NAME_CHARS),
        null,
        Checks.text("operation", operation, 1, MAX_OPERATION_CHARS),
        Objects.requireNonNull(idempotency, "idempotency"));
  }

  /**
   * Returns a copy for a subset of the service's instances, for example a canary. Each subset has a
   * breaker of its own.
   *
   * @param name the subset, 1 to {@value #MAX_NAME_CHARS} printable ASCII characters
   * @return the copy
   * @throws IllegalArgumentException if the name breaks its rule
   */
  public CallTarget inSubset(String name) {
    return new CallTarget(
        service, Checks.printable("subset", name, MAX_NAME_CHARS), operation, idempotency);
  }

  /** {@return the name of the remote service} */
  public String service() {
    return service;
  }

  /** {@return the subset of the service's instances, or empty for all} */
  public Optional<String> subset() {
    return Optional.ofNullable(subset);
  }

  /** {@return the template of the operation} */
  public String operation() {
    return operation;
  }

  /** {@return the effect of a repetition} */
  public Idempotency idempotency() {
    return idempotency;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof CallTarget that
        && service.equals(that.service)
        && Objects.equals(subset, that.subset)
        && operation.equals(that.operation)
        && idempotency == that.idempotency;
  }

  @Override
  public int hashCode() {
    return Objects.hash(service, subset, operation, idempotency);
  }

  /** {@return service, subset and operation, for log lines and failures} */
  @Override
  public String toString() {
    return service + (subset == null ? "" : "/" + subset) + " " + operation;
  }
}
