package io.commslib.kafka;

import java.util.Locale;

/**
 * How a producer compresses its batches. A consumer must know the method, or it can't read the
 * topic: which clients know which method is in {@code docs/kafka.md}.
 */
public enum Compression {
  /** Not compressed; every client reads it. */
  NONE,
  /** Known to all clients. Small batches, much processor time. */
  GZIP,
  /** Clients of Node and Python need an additional package. */
  SNAPPY,
  /** Little processor time. Clients of Node and Python need an additional package. */
  LZ4,
  /** The smallest batches. Clients of Node and Python need an additional package. */
  ZSTD;

  /** Kafka's value of {@code compression.type}. */
  String setting() {
    return name().toLowerCase(Locale.ROOT);
  }
}
