package io.commslib.core.wire;

import io.commslib.core.CodecException;

/**
 * Reads CloudEvents in structured mode, where the body holds attributes and data together. Codec
 * modules implement it; applications give it to a transport. Thread-safe.
 */
public interface StructuredEvents {

  /**
   * Returns whether this can read bodies of a media type.
   *
   * @param contentType such as {@code application/cloudevents+json; charset=utf-8}
   * @return true if it can
   */
  boolean reads(String contentType);

  /**
   * Turns an event of structured mode into the same in binary mode: attributes become headers, the
   * data becomes the body. Headers of the record are kept; attributes win.
   *
   * @param structured what was received
   * @param attributePrefix prefix of attribute headers
   * @return the event in binary mode, to be checked like any other
   * @throws CodecException {@code PERMANENT} if the body is no such event
   */
  WireMessage toBinary(WireMessage structured, String attributePrefix);
}
