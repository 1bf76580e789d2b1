package io.commslib.core.engine;

import io.commslib.core.Failures;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.MessageFormat;
import org.jspecify.annotations.Nullable;

/** The keys of lanes of destinations that have a format. For adapters. Thread-safe. */
public final class LaneKeys {

  private LaneKeys() {}

  /**
   * Returns the key whose records keep their order.
   *
   * @param format the format of the destination
   * @param record the record
   * @return the key; null for no order, also if the format fails: the record can't be read either
   *     and becomes a dead letter. Only a failure of the JVM passes
   */
  public static @Nullable String of(MessageFormat format, ForeignRecord record) {
    try {
      return format.orderingKey(record).orElse(null);
    } catch (Throwable e) {
      if (Failures.isJvmFailure(e)) {
        throw e;
      }
      return null;
    }
  }
}
