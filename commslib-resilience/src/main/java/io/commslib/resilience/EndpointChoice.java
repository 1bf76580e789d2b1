package io.commslib.resilience;

import org.jspecify.annotations.Nullable;

/** The endpoints of an operation. Immutable apart from the state of its pool; thread-safe. */
final class EndpointChoice<E> {

  private final EndpointPool<E> pool;

  EndpointChoice(EndpointPool<E> pool) {
    this.pool = pool;
  }

  /** Whether a subset has endpoints of its own. */
  boolean hasSubset(String subset) {
    return pool.hasSubset(subset);
  }

  /**
   * Chooses the endpoint of the next attempt, another one than before if there is another.
   *
   * @param last the endpoint of the attempt of the same call before, or null
   * @return the endpoint, or null if there is none
   */
  @SuppressWarnings("unchecked") // the one before comes from this object
  @Nullable EndpointPermit<E> next(
      @Nullable EndpointPermit<?> last, @Nullable String subset, boolean isBalanced) {
    return pool.of(subset).choose((EndpointPermit<E>) last, isBalanced);
  }
}
