package io.commslib.outbox;

import java.util.Set;

/**
 * What the relay's thread shows of itself. Immutable.
 *
 * @param held rows in its window
 * @param unreached destinations that failed and have not been reached since
 * @param failure why its last round failed; empty if it did not
 */
record RelayState(int inMemory, Set<String> unreached, String failure) {

  static final RelayState IDLE = new RelayState(0, Set.of(), "");
}
