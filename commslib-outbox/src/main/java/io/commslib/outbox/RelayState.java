package io.commslib.outbox;

import java.util.Set;

/**
 * State of the relay's thread for health checks. Immutable.
 *
 * @param inMemory the number of rows in its window
 * @param unreached destinations that failed and have not been reached since
 * @param failure why its last pass failed; empty if it did not
 */
record RelayState(int inMemory, Set<String> unreached, String failure) {

  static final RelayState IDLE = new RelayState(0, Set.of(), "");
}
