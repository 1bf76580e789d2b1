package io.commslib.core.tx;

import java.util.Objects;

/**
 * Identity of the database on which a transaction runs. An outbox or inbox refuses a transaction of
 * another database, because the two can't commit together. Two ids are equal if they have the same
 * anchor object (for JDBC the data source). Immutable.
 */
public final class DatabaseId {

  private final Object anchor;
  private final String name;

  private DatabaseId(Object anchor, String name) {
    this.anchor = Objects.requireNonNull(anchor, "anchor");
    this.name = Objects.requireNonNull(name, "name");
  }

  /**
   * Returns the identity of a database.
   *
   * @param anchor object that represents the database, compared by reference
   * @param name name shown in error texts
   * @return the identity
   */
  public static DatabaseId of(Object anchor, String name) {
    return new DatabaseId(anchor, name);
  }

  /** {@return the name shown in error texts} */
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
