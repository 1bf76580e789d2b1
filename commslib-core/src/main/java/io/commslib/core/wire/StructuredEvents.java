package io.commslib.core.wire;

import io.commslib.core.CodecException;

/**
 * Reads CloudEvents in structured mode, where the body contains attributes and data. Codec modules
 * implement it; applications pass it to a transport. Thread-safe.
 */
public interface StructuredEvents {

  /**
   * Returns whether bodies of a media type can be read.
   *
   * @param contentType media type such as {@code application/cloudevents+json; charset=utf-8}
   * @return whether they can be read
   */
  boolean reads(String contentType);

  /**
   * Converts an event from structured to binary mode: attributes become headers, the data becomes
   * the body. Headers of the record are kept, and attributes replace headers of the same name.
   *
   * @param structured the received record
   * @param attributePrefix prefix of attribute headers
   * @return the event in binary mode; the caller checks it like any other
   * @throws CodecException {@code PERMANENT} if the body is not such an event
   */
  WireMessage toBinary(WireMessage structured, String attributePrefix);
}
