package io.commslib.resilience;

import org.jspecify.annotations.Nullable;

/**
 * The endpoints of an operation, and for one call those to which its attempts went. Not
 * thread-safe; it is guarded as the state of its call is.
 */
final class EndpointChoice<E> {

  private final EndpointPool<E> pool;
  private @Nullable EndpointPermit<E> last;

  EndpointChoice(EndpointPool<E> pool) {
    this.pool = pool;
  }

  /** Returns the choice of one call. */
  EndpointChoice<E> forOneCall() {
    return new EndpointChoice<>(pool);
  }

  /** Whether a subset has endpoints of its own. */
  boolean hasSubset(String subset) {
    return pool.hasSubset(subset);
  }

  /**
   * Chooses the endpoint of the next attempt, another one than before if there is another.
   *
   * @return the endpoint, or null if there is none
   */
  @Nullable EndpointPermit<E> next(@Nullable String subset, boolean isBalanced) {
    return pool.of(subset).choose(last, isBalanced);
  }

  /** Records the endpoint of an attempt. */
  @SuppressWarnings("unchecked") // it comes from this object
  void admitted(EndpointPermit<?> chosen) {
    last = (EndpointPermit<E>) chosen;
  }
}
