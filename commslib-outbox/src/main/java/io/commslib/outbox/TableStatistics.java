package io.commslib.outbox;

import java.time.Duration;

/**
 * Statistics that PostgreSQL keeps about the message table; other databases have none. Immutable.
 *
 * @param live the estimated number of rows
 * @param dead the number of deleted rows that are not vacuumed yet
 * @param oldestSnapshot the age of the oldest transaction that keeps dead rows from being vacuumed
 */
record TableStatistics(long live, long dead, Duration oldestSnapshot) {

  static final TableStatistics NONE = new TableStatistics(0, 0, Duration.ZERO);
}
