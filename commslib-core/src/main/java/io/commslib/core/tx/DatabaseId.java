package io.commslib.core.tx;

import java.util.Objects;

/**
 * Identity of the database a transaction runs on. An outbox or inbox refuses a transaction of
 * another database, because the two could not commit together. Two ids are equal when they stand
 * for the same anchor object (for JDBC the data source). Immutable.
 */
public final class DatabaseId {

  private final Object anchor;
  private final String name;

  private DatabaseId(Object anchor, String name) {
    this.anchor = Objects.requireNonNull(anchor, "anchor");
    this.name = Objects.requireNonNull(name, "name");
  }

  /**
   * Returns the identity that {@code anchor} stands for.
   *
   * @param anchor compared by reference
   * @param name shown in messages
   * @return the identity
   */
  public static DatabaseId of(Object anchor, String name) {
    return new DatabaseId(anchor, name);
  }

  /**
   * Returns the name shown in messages.
   *
   * @return the name
   */
  public String name() {
    return name;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof DatabaseId that && that.anchor == anchor;
  }

  @Override
  public int hashCode() {
    return System.identityHashCode(anchor);
  }

  @Override
  public String toString() {
    return name;
  }
}
