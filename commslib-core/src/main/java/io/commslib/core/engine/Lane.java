package io.commslib.core.engine;

import org.jspecify.annotations.Nullable;

/** The unsettled records of one key, in broker order. Changed by {@link Lanes} only. */
final class Lane {

  final String key;
  @Nullable LaneEntry head;
  @Nullable LaneEntry tail;
  int size;
  long bytes;

  Lane(String key) {
    this.key = key;
  }
}
